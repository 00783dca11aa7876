"""Whoever is refused a page is in the audit log: a curious colleague leaves a trace.

Refused are those without the permission, and those who ask for an id that leads nowhere for them. The event does not
say whether there is such a thing, because the log may be read by others who cannot see it either.
"""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.client import address_of
from accounts.doors import PermissionMissing, Unreachable
from transfers.audit import record


class DenialMiddleware:
    """Has to stand behind `accounts.middleware.TenantMiddleware`: the event is the tenant's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        person = request.user
        if is_a_denial(request, exception) and person.is_authenticated:
            reason = f"{request.path} {exception}"[:500]
            address = address_of(request)
            record("denied", tenant_id=person.tenant_id, by=person, address=address, reason=reason)


def is_a_denial(request: HttpRequest, exception: Exception) -> bool:
    """A page that asks again by itself for what is out of view meanwhile is nobody's attempt."""
    match = request.resolver_match
    if isinstance(exception, Unreachable):
        return not getattr(match and match.func, "by_itself", False)
    return isinstance(exception, PermissionMissing)
