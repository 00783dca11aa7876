"""The pages for what went wrong."""

import sys

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader

from accounts.postgresql.away import is_away


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 when the request was refused for its size."""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return HttpResponse(loader.render_to_string(f"{status}.html"), status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the database is away or was not done in time; without context, which may be what broke."""
    error = sys.exc_info()[1]
    away = isinstance(error, OperationalError | InterfaceError) or (error is not None and is_away(error))
    status = 503 if away else 500
    response = HttpResponse(loader.render_to_string(f"{status}.html"), status=status)
    if away:
        response["Retry-After"] = "5"
    return response
