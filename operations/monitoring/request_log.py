"""Request ids, in every log line and in the response, and one log line per request."""

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
    """A request that passed `request_log`."""

    id: str


def request_log(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Log method, path, status and milliseconds; never the query, which may hold searched names. Has to come first."""

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
    """The id from a trusted proxy, so that all logs share it; otherwise a new one."""
    given = request.headers.get("X-Request-ID", "") if settings.TRUST_PROXY else ""
    return given if READABLE.fullmatch(given) else uuid.uuid4().hex


def log_request(request: HttpRequest, status: int, seconds: float) -> None:
    level = logging.DEBUG if request.path.startswith(POLLED_PATHS) else logging.INFO
    log.log(level, "%s %s %s %.0f ms", request.method, request.path, status, seconds * 1000)
