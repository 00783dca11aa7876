"""What django-allauth asks the product: who may sign in and how, in whose words, and where secrets are kept."""

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

from accounts.client import address_of
from accounts.forms import REFUSED
from accounts.models import User
from accounts.providers import person_of
from accounts.sessions import signed_in_recently

WRONG_CODE = (
    "This code is not right, or it was used before. Wait for the next one and type it as it is shown."
)


def refused(request: HttpRequest) -> HttpResponse:
    """Back to the sign-in page with the one sentence for every failure."""
    messages.error(request, REFUSED)
    return redirect("accounts:sign-in")


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "incorrect_code": WRONG_CODE,
        "incorrect_password": "The password is not right. Type it again, or use another way to sign in.",  # nosec B105
        "enter_current_password": "The current password is not right. Type it again.",  # nosec B105
        "too_many_login_attempts": "Too many attempts failed in a short time. Wait five minutes, then try again.",
        "rate_limited": "Too many attempts in a short time. Wait five minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> Any:
        """To the address that is known, and not to one that only looks the same in small letters."""
        return super().send_password_reset_mail(user, user.email, context)

    def set_password(self, user: Any, password: str) -> None:
        """The password alone: the rest of `user` may have been changed since the request began."""
        user.set_password(password)
        user.save(update_fields=["password", "updated_at"])

    def get_client_ip(self, request: HttpRequest) -> str:
        """Behind a Unix socket there is none; what is counted by address is then counted for all together."""
        return address_of(request) or "::"

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        return refused(request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        words = {
            "reauthenticate": "Use your password",
            "mfa_reauthenticate": "Use a code of your authenticator app",
            "mfa_reauthenticate:webauthn": "Use a passkey",
        }
        found = super().get_reauthentication_methods(user)
        return [method | {"description": words[method["id"]]} for method in found]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:security")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who signed in a short while ago is not asked again before they change how they sign in."""
        return not signed_in_recently(context.request)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {"incorrect_code": WRONG_CODE}

    def encrypt(self, text: str) -> str:
        """Who reads the database alone cannot make codes: the key is SECRET_KEY, which is not in it."""
        return fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return fernet().decrypt(encrypted_text.encode()).decode()

    def get_totp_label(self, user: Any) -> str:
        return str(user.username)

    def build_totp_svg(self, url: str) -> str:
        """A picture that can stand in the page as it is, on white whatever the theme."""
        import qrcode
        from qrcode.image.svg import SvgPathFillImage

        picture = qrcode.make(url, image_factory=SvgPathFillImage).to_string(encoding="unicode")
        return str(picture).replace("<svg ", '<svg role="img" aria-label="QR code with the key below" ', 1)

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return "Passkey"


def fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(f"second factors:{key}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def forget(sociallogin: Any) -> None:
    """Keeps who it is at the provider, and the claim by which they are found here; no names, addresses or groups."""
    account, claim = sociallogin.account, sociallogin.provider.app.settings["claim"]
    said = account.extra_data.get("userinfo") or account.extra_data.get("id_token") or account.extra_data
    wanted = {"sub", claim} - {"email"}  # an email counts only as one of `email_addresses`
    account.extra_data = {name: said[name] for name in sorted(wanted) if name in said}


def link(sociallogin: Any, person: User) -> None:
    """Stores that the account at the provider is this person's, and nothing of the person, as allauth's own would."""
    sociallogin.user = sociallogin.account.user = person
    sociallogin.account.save()


class ProviderAdapter(DefaultSocialAccountAdapter):
    """A provider speaks for the people of its own tenant and makes none."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[Any]:
        """Providers come from the settings; a row in the database makes none."""
        from allauth.socialaccount.adapter import _build_apps_from_settings

        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        person = person_of(sociallogin)
        if person is None or not person.is_active:
            self.refuse(request)
        if not sociallogin.is_existing:
            link(sociallogin, person)

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: Any) -> Any:
        """Asked before anything is stored: nobody is made of what the provider says, and most of it is forgotten."""
        forget(sociallogin)
        return sociallogin.user

    def authenticate_by_email(self, sociallogin: Any) -> tuple[User, str] | None:
        """Never: `person_of` looks in the provider's tenant and nowhere else."""
        return None

    def on_authentication_error(self, request: HttpRequest, provider: Any, **kwargs: Any) -> None:
        self.refuse(request)

    def refuse(self, request: HttpRequest) -> NoReturn:
        raise ImmediateHttpResponse(refused(request))
