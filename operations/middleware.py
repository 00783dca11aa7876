"""Every request has an id, which every line of the log about it carries, and the answer too."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from operations.logs import request_in_hand

log = logging.getLogger(__name__)

READABLE = re.compile(r"[A-Za-z0-9-]{8,64}")
ASKED_ALL_THE_TIME = ("/health/", "/metrics")


class Numbered(HttpRequest):
    """A request behind `request_log`."""

    id: str


def request_log(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Has to come first. One line a request: method, path, status and milliseconds; never the query, which may hold
    names that somebody searched for."""

    def middleware(request: Numbered) -> HttpResponseBase:
        request.id = id_of(request)
        in_hand = request_in_hand.set(request)
        began = time.monotonic()
        try:
            response = get_response(request)
            response["X-Request-ID"] = request.id
            note(request, response.status_code, time.monotonic() - began)
            return response
        finally:
            request_in_hand.reset(in_hand)

    return middleware


def id_of(request: HttpRequest) -> str:
    """The proxy's, where there is a trusted one, so that one id leads through all the logs; else one of our own."""
    given = request.headers.get("X-Request-ID", "") if settings.TRUST_PROXY else ""
    return given if READABLE.fullmatch(given) else uuid.uuid4().hex


def note(request: HttpRequest, status: int, seconds: float) -> None:
    level = logging.DEBUG if request.path.startswith(ASKED_ALL_THE_TIME) else logging.INFO
    log.log(level, "%s %s %s %.0f ms", request.method, request.path, status, seconds * 1000)
