"""The response to CSRF failures, which occur if a form was opened before the last sign-in or is on another site."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRedirect

from web.client_address import htmx_of, page_of_htmx


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return a 403. For an htmx request, it has a new token, so that static/js/app.js can retry without losing input.

    The token is in a header that only scripts of this site can read. If the user of an htmx request is signed out, the
    response redirects the page to the sign-in page instead.
    """
    htmx = htmx_of(request)
    if not htmx:
        return render(request, "403_csrf.html", status=403)
    if not request.user.is_authenticated:
        return HttpResponseClientRedirect(redirect_to_login(page_of_htmx(htmx) or "/").url)
    return HttpResponse(status=403, headers={"CSRF-Token": get_token(request)})
