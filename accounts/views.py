"""Signing in and out, and the pages for what went wrong."""

import sys

from django.conf import settings
from django.contrib.auth import login, logout
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.template import loader
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails
from psycopg.errors import ReadOnlySqlTransaction

from accounts.doors import public
from accounts.forms import SignInForm


@public
@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    if htmx:
        return session_ended(htmx)
    if request.user.is_authenticated:
        return redirect(next_page(request))
    form = SignInForm(request, request.POST or None)
    if form.is_valid():
        login(request, form.get_user())
        return redirect(next_page(request))
    return render(request, "accounts/sign_in.html", {"form": form, "next": wanted_page(request)})


@public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


def session_ended(htmx: HtmxDetails) -> HttpResponse:
    """A part of a page was asked for without a session: the whole page goes to the sign-in and then comes back."""
    here = htmx.current_url_abs_path or ""
    query = f"?{urlencode({'next': here})}" if here else ""
    return HttpResponseClientRedirect(reverse("accounts:sign-in") + query)


def wanted_page(request: HttpRequest) -> str:
    """`next`, when it is an address of this site; anything else is forgotten."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe and wanted.startswith("/") else ""


def next_page(request: HttpRequest) -> str:
    return wanted_page(request) or resolve_url(settings.LOGIN_REDIRECT_URL)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 when the request was refused for its size."""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return HttpResponse(loader.render_to_string(f"{status}.html"), status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the database is away; without context, because whatever fills it may be what broke."""
    away = is_away(sys.exc_info()[1])
    status = 503 if away else 500
    response = HttpResponse(loader.render_to_string(f"{status}.html"), status=status)
    if away:
        response["Retry-After"] = "5"
    return response


def is_away(error: BaseException | None) -> bool:
    """Is it the database that cannot be reached, or that may only be read for now, as after a fail-over?"""
    read_only = isinstance(getattr(error, "__cause__", None), ReadOnlySqlTransaction)
    return read_only or isinstance(error, OperationalError | InterfaceError)
