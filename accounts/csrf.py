"""A form whose token is not the one of its cookie: it is from before the last sign-in, or from another site."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRedirect

from accounts.client import htmx_of


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403. A part of a page gets a token for the next try, so that nothing typed there is lost (static/js/app.js).

    Only a script of this site can read the header. Without a session the whole page goes to the sign-in instead.
    """
    htmx = htmx_of(request)
    if not htmx:
        return render(request, "403_csrf.html", status=403)
    if not request.user.is_authenticated:
        return HttpResponseClientRedirect(redirect_to_login(htmx.current_url_abs_path or "/").url)
    return HttpResponse(status=403, headers={"CSRF-Token": get_token(request)})
