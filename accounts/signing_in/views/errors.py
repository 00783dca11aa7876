"""Error pages for 400, 413, 500 and 503."""

import sys

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader

from tenancy.postgresql.transient_errors import is_temporary


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return a 400, or a 413 if the request is too large."""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return HttpResponse(loader.render_to_string(f"{status}.html"), status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return a 500, or a 503 if the database is unavailable or timed out.

    The page is rendered without context processors, because they may be what failed.
    """
    error = sys.exc_info()[1]
    unavailable = isinstance(error, OperationalError | InterfaceError) or (
        error is not None and is_temporary(error)
    )
    status = 503 if unavailable else 500
    response = HttpResponse(loader.render_to_string(f"{status}.html"), status=status)
    if unavailable:
        response["Retry-After"] = "5"
    return response
