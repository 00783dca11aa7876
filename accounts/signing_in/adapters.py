"""django-allauth adapters: who may sign in and how, the messages, and the encryption of second factors."""

import base64
import hashlib
from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import User
from accounts.signing_in.forms import REFUSED
from accounts.signing_in.providers.linking import matched_user
from accounts.signing_in.sessions.lifetime import signed_in_recently
from web.client_address import address_of

WRONG_CODE = "That code did not work. Wait for the next one and try again."


def refuse_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to the sign-in page with the same message for every failure."""
    messages.error(request, REFUSED)
    return redirect("accounts:sign-in")


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "incorrect_code": WRONG_CODE,
        "incorrect_password": "Wrong password. Try again, or use another way to sign in.",  # nosec B105
        "enter_current_password": "Wrong current password. Try again.",  # nosec B105
        "too_many_login_attempts": "Too many failed attempts. Wait five minutes, then try again.",
        "rate_limited": "Too many attempts. Wait five minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> Any:
        """Send the email to the stored address, because the typed one may match it only after case folding."""
        return super().send_password_reset_mail(user, user.email, context)

    def set_password(self, user: Any, password: str) -> None:
        """Save only the password, because other fields of `user` may have changed since the request began."""
        user.set_password(password)
        user.save(update_fields=["password", "updated_at"])

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client's address, or "::" behind a Unix socket, where all clients share one attempt counter."""
        return address_of(request) or "::"

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        return refuse_sign_in(request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        words = {
            "reauthenticate": "Use your password",
            "mfa_reauthenticate": "Use a code from your authenticator app",
            "mfa_reauthenticate:webauthn": "Use a passkey",
        }
        found = super().get_reauthentication_methods(user)
        return [method | {"description": words[method["id"]]} for method in found]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:security")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Require another sign-in before a change on the Security page unless the last one is recent."""
        return not signed_in_recently(context.request)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {"incorrect_code": WRONG_CODE}

    def encrypt(self, text: str) -> str:
        """Encrypt with SECRET_KEY, so that a copy of the database alone is not enough to generate codes."""
        return fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return fernet().decrypt(encrypted_text.encode()).decode()

    def get_totp_label(self, user: Any) -> str:
        return str(user.username)

    def build_totp_svg(self, url: str) -> str:
        """Return the QR code as inline SVG, which the page shows on a white background in every theme."""
        import qrcode
        from qrcode.image.svg import SvgPathFillImage

        picture = qrcode.make(url, image_factory=SvgPathFillImage).to_string(encoding="unicode")
        return str(picture).replace("<svg ", '<svg role="img" aria-label="QR code for the key below" ', 1)

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return "Passkey"


def fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(f"second factors:{key}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def drop_unused_claims(sociallogin: Any) -> None:
    """Keep only the subject and the claim that users are matched by, so no names, addresses or groups are stored."""
    account, claim = sociallogin.account, sociallogin.provider.app.settings["claim"]
    claims = account.extra_data.get("userinfo") or account.extra_data.get("id_token") or account.extra_data
    wanted = {"sub", claim} - {"email"}  # emails are read only from `email_addresses`
    account.extra_data = {name: claims[name] for name in sorted(wanted) if name in claims}


def link(sociallogin: Any, person: User) -> None:
    """Link the user to the provider's account. Unlike allauth's `connect`, this does not save the user."""
    sociallogin.user = sociallogin.account.user = person
    sociallogin.account.save()


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Lets a provider sign in existing users of its own tenant, and never creates users."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[Any]:
        """Return the providers from the settings, ignoring those in the database."""
        from allauth.socialaccount.adapter import _build_apps_from_settings

        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        person = matched_user(sociallogin)
        if person is None or not person.is_active:
            self.refuse(request)
        if not sociallogin.is_existing:
            link(sociallogin, person)

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: Any) -> Any:
        """Drop unused claims before anything is stored, and copy none of the claims to the user."""
        drop_unused_claims(sociallogin)
        return sociallogin.user

    def authenticate_by_email(self, sociallogin: Any) -> tuple[User, str] | None:
        """Return None: only `matched_user` finds users by email, and only in the provider's tenant."""
        return None

    def on_authentication_error(self, request: HttpRequest, provider: Any, **kwargs: Any) -> None:
        self.refuse(request)

    def refuse(self, request: HttpRequest) -> NoReturn:
        raise ImmediateHttpResponse(refuse_sign_in(request))
