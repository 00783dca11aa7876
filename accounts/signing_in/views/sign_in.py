"""Signing in and out."""

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.internal.stagekit import unstash_login
from allauth.account.models import Login
from allauth.mfa.base.views import authenticate as ask_for_second_factor
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.access import public
from accounts.signing_in import lock_out
from accounts.signing_in.forms import SignInForm
from accounts.signing_in.providers.linking import offered
from web.client_address import htmx_of, page_of_htmx
from web.post_only import post_only


@public
@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Check the user name or email and the password. allauth handles the second factor and the session."""
    htmx = htmx_of(request)
    if htmx:
        return session_ended(htmx)
    if request.user.is_authenticated:
        return redirect(next_page(request))
    form = SignInForm(request, request.POST or None)
    if form.is_valid():
        login = Login(user=form.get_user(), redirect_url=next_page(request))
        return perform_password_login(request, {}, login)
    context = {
        "form": form,
        "next": wanted_page(request),
        "providers": offered(),
        "new_password_by_mail": settings.PASSWORD_RESET_BY_MAIL,
    }
    return render(request, "accounts/sign_in.html", context)


@public
@sensitive_post_parameters("code")
def second_factor(request: HttpRequest) -> HttpResponseBase:
    """Ask for the second factor, unless the account is locked after too many wrong codes."""
    login = unstash_login(request, peek=True)
    if login and login.user and lock_out.is_locked(request, login.user):
        return lock_out.locked_out_response(request, credentials={"username": login.user.username})
    return ask_for_second_factor(request)


@public
@post_only
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


def session_ended(htmx: HtmxDetails) -> HttpResponse:
    """Redirect to the sign-in page, which afterwards leads back to the page that sent the htmx request."""
    here = page_of_htmx(htmx)
    query = f"?{urlencode({'next': here})}" if here else ""
    return HttpResponseClientRedirect(reverse("accounts:sign-in") + query)


def wanted_page(request: HttpRequest) -> str:
    """Return the page in the parameter `next` if it is a path on this site, else ""."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe and wanted.startswith("/") else ""


def next_page(request: HttpRequest) -> str:
    return wanted_page(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
