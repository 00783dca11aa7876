"""What every answer has and every request goes through, whichever page it is."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.client import is_address

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def client_address(get_response: GetResponse) -> GetResponse:
    """With TRUST_PROXY: the address of the client instead of the proxy's, for the audit log and the limits.

    Only the last entry of X-Forwarded-For is believed: the proxy wrote it, whatever stands before it a client may have.
    """
    if not settings.TRUST_PROXY:
        raise MiddlewareNotUsed

    def middleware(request: HttpRequest) -> HttpResponseBase:
        address = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if is_address(address):
            request.META["REMOTE_ADDR"] = address
        return get_response(request)

    return middleware


def never_stored(get_response: GetResponse) -> GetResponse:
    """No answer of a view is kept by a browser or a proxy, pages, downloads and refusals alike: nearly all of them
    hold personal data, and the others cost nothing. Static files are answered before this one is reached."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response["Cache-Control"] = "no-store"
        return response

    return middleware


def same_origin_resources(get_response: GetResponse) -> GetResponse:
    """No other site may embed a picture, a script or a download of this one, not even to measure it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    return middleware
