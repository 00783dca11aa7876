"""Middleware for all requests: client address, absolute URLs, compression, caching, cross-origin embedding."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urljoin

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.encoding import iri_to_uri

from web.client_address import is_address

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def client_address(get_response: GetResponse) -> GetResponse:
    """With TRUST_PROXY, put the client's address in place of the proxy's, for the audit log and rate limits.

    Only the last entry of X-Forwarded-For is used: the proxy wrote it, while earlier ones may come from the client.
    """
    if not settings.TRUST_PROXY:
        raise MiddlewareNotUsed

    def middleware(request: HttpRequest) -> HttpResponseBase:
        address = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if is_address(address):
            request.META["REMOTE_ADDR"] = address
        return get_response(request)

    return middleware


def absolute_urls(get_response: GetResponse) -> GetResponse:
    """With SITE_URL, build absolute URLs, such as those in emails and for identity providers, from it alone.

    Django builds them from the Host header. It checks the host but not the port, so a client could have a link sent to
    another user that leads to a port of the client's choice.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if settings.SITE_URL:
            vars(request)["build_absolute_uri"] = partial(absolute_url, request)
        return get_response(request)

    return middleware


def absolute_url(request: HttpRequest, location: str | None = None) -> str:
    here = urljoin(settings.SITE_URL, request.get_full_path())
    return iri_to_uri(here if location is None else urljoin(here, str(location)))


class CompressedPages(GZipMiddleware):
    """Compress pages. A preview of 100 rows shrinks to a tenth.

    Compression would allow guessing a secret in a page from the page's length (BREACH). Django masks the CSRF token
    differently in each response and adds up to 100 random bytes to the compressed page, and the session cookie is not
    sent with requests that other sites embed (SameSite).

    Downloads are not compressed: they are streamed row by row, and compression would hold rows back.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if response.streaming else super().process_response(request, response)


def never_stored(get_response: GetResponse) -> GetResponse:
    """Forbid browsers and proxies to store the response of any view.

    Nearly all responses contain personal data, so it would gain nothing to exempt some views. Static files are served
    before this middleware.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response["Cache-Control"] = "no-store"
        return response

    return middleware


def same_origin_resources(get_response: GetResponse) -> GetResponse:
    """Forbid other sites to embed the images, scripts and downloads of this site.

    Embedding them could reveal their size to the embedding site.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    return middleware
