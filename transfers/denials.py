"""Whoever is refused a page for want of a permission is in the audit log: a curious colleague leaves a trace."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.client import address_of
from accounts.doors import PermissionMissing
from transfers.audit import record


class DenialMiddleware:
    """Has to stand behind `accounts.middleware.TenantMiddleware`: the event is the tenant's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        person = request.user
        if isinstance(exception, PermissionMissing) and person.is_authenticated:
            reason = f"{request.path} {exception}"[:500]
            address = address_of(request)
            record("denied", tenant_id=person.tenant_id, by=person, address=address, reason=reason)
