"""Middleware that records an audit event for each request denied for a missing permission or an unreachable id.

The audit event does not say whether the object exists, because readers of the log may not be allowed to see it either.
A person whose requests are denied more often than `settings.RATE_LIMITS["DENIAL"]` gets a 429 response instead: nobody
can fill the log, and every denial that was answered as one is on record.
"""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.access import PermissionMissing, Unreachable
from audit.log import record
from web.client_address import address_of
from web.rate_limits import identity_of, seconds_to_wait, too_many_requests


class DenialMiddleware:
    """Middleware that records denied requests.

    It must come after `tenancy.middleware.TenantMiddleware`, because the event belongs to the person's tenant.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        person = request.user
        if not (is_denial(request, exception) and person.is_authenticated):
            return None
        if seconds := seconds_to_wait("DENIAL", identity_of(request)):
            return too_many_requests(request, seconds)
        reason = f"{request.path} {exception}"[:500]
        address = address_of(request)
        record("denied", tenant_id=person.tenant_id, by=person, address=address, reason=reason)
        return None


def is_denial(request: HttpRequest, exception: Exception) -> bool:
    """Return whether to record the exception as a denial.

    An unreachable id is not recorded if the request was sent automatically by an open page, because the object may have
    left the person's views since the page was opened.
    """
    match = request.resolver_match
    if isinstance(exception, Unreachable):
        return not getattr(match and match.func, "is_polled", False)
    return isinstance(exception, PermissionMissing)
