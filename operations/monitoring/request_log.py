"""Gives each request an id, which appears in its log lines and its response, and logs one line per request."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from operations.monitoring.logs import current_request

log = logging.getLogger(__name__)

READABLE = re.compile(r"[A-Za-z0-9-]{8,64}")
POLLED_PATHS = ("/health/", "/metrics")


class RequestWithId(HttpRequest):
    """A request to which `request_log` has added its id."""

    id: str


def request_log(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Log method, path, status and milliseconds of each request.

    The query string is never logged, because it may contain searched names. Must come before all middleware that logs
    or responds.
    """

    def middleware(request: RequestWithId) -> HttpResponseBase:
        request.id = id_of(request)
        token = current_request.set(request)
        began = time.monotonic()
        try:
            response = get_response(request)
            response["X-Request-ID"] = request.id
            log_request(request, response.status_code, time.monotonic() - began)
            return response
        finally:
            current_request.reset(token)

    return middleware


def id_of(request: HttpRequest) -> str:
    """Return the id set by a trusted proxy, which its own logs also contain, or else a new id."""
    given = request.headers.get("X-Request-ID", "") if settings.TRUST_PROXY else ""
    return given if READABLE.fullmatch(given) else uuid.uuid4().hex


def log_request(request: HttpRequest, status: int, seconds: float) -> None:
    level = logging.DEBUG if request.path.startswith(POLLED_PATHS) else logging.INFO
    log.log(level, "%s %s %s %.0f ms", request.method, request.path, status, seconds * 1000)
