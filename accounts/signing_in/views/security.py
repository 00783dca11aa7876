"""The Security page: password, second factors, passkeys and open sessions."""

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.views import ReauthenticateView, password_change
from allauth.mfa.models import Authenticator
from allauth.usersessions.internal.flows.sessions import end_other_sessions
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from accounts.access import Page, Request, public, signed_in
from accounts.models import User
from accounts.signing_in.providers.linking import offered
from accounts.signing_in.views.sign_in import wanted_page
from web.post_only import post_only


@require_safe
@never_cache
@signed_in
def security(request: Request) -> HttpResponse:
    context = factors(request.user) | {"sessions": sessions(request.user)}
    return render(request, "accounts/security.html", context)


def factors(person: User) -> dict[str, Any]:
    """Return the person's authenticator app (or None), their passkeys, and how many recovery codes are unused.

    That number is None if the person has no recovery codes.
    """
    mine: dict[str, list[Authenticator]] = {kind: [] for kind in Authenticator.Type}
    for factor in Authenticator.objects.filter(user=person).order_by("created_at"):
        mine[factor.type].append(factor)
    codes = mine[Authenticator.Type.RECOVERY_CODES]
    return {
        "app": next(iter(mine[Authenticator.Type.TOTP]), None),
        "passkeys": mine[Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes[0].wrap().get_unused_codes()) if codes else None,
    }


def sessions(person: User) -> list[UserSession]:
    return sorted(UserSession.objects.purge_and_list(person), key=lambda one: one.created_at, reverse=True)


@post_only
@signed_in
def sign_out_elsewhere(request: Request) -> HttpResponse:
    end_other_sessions(request, request.user)
    messages.success(request, "You are signed out everywhere else.")
    return redirect("accounts:security")


@sensitive_post_parameters()
@never_cache
@signed_in
def change_password(request: Request) -> HttpResponseBase:
    """Change the password, which ends every other session.

    Users without a password, who sign in with a provider only, get a 404.
    """
    if not request.user.has_usable_password():
        raise Http404("No password to change.")
    return password_change(request)


class SignInAgain(ReauthenticateView):
    """Asks for the password.

    A user without a password is asked for a code or passkey. A user with none of these signs in with their provider.
    """

    def _check_reauthentication_method_available(self, request: HttpRequest) -> HttpResponse | None:
        if get_adapter().get_reauthentication_methods(request.user):
            found: HttpResponse | None = super()._check_reauthentication_method_available(request)
            return found
        context = {"next": wanted_page(request), "providers": offered(cast(User, request.user))}
        return render(request, "account/reauthenticate.html", context)


@sensitive_post_parameters()
@never_cache
@signed_in
def sign_in_again(request: Request) -> HttpResponseBase:
    return SignInAgain.as_view()(request)


def with_factor(view: Page) -> Page:
    """Decorate a page for signing in again with a second factor. Users without that kind of factor get a 404."""

    @signed_in
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except PermissionDenied as denied:
            raise Http404("No such factor.") from denied

    return guarded


def by_email(view: Page) -> Page:
    """Decorate a page of the password reset by email. On a site that cannot send email, it returns a 404."""

    @public
    @sensitive_post_parameters()
    @never_cache
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.PASSWORD_RESET_BY_MAIL:
            raise Http404("This site sends no email.")
        return view(request, *args, **kwargs)

    return guarded
