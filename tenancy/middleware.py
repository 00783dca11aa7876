"""Limit each request to the rows of the signed-in user's tenant (`tenancy.context`)."""

from collections.abc import Callable, Iterator
from typing import Any, cast

from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from tenancy.context import (
    NO_TENANT,
    all_tenants_context,
    keep_context,
    setting_context,
    widen_to_all_tenants,
)


class TenantMiddleware:
    """Runs each request with the tenant of its user. Must come right after Django's AuthenticationMiddleware.

    Anonymous requests see no rows, except on public pages, where they see the rows of all tenants, because signing in
    has to find the user.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with setting_context(tenant_of(request)):
            response = self.get_response(request)
            if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
                response.streaming_content = keep_context(cast("Iterator[bytes]", response.streaming_content))
            return response

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        if getattr(view, "access", None) == "public" and not request.user.is_authenticated:
            widen_to_all_tenants()


def tenant_of(request: HttpRequest) -> str:
    """Return the tenant setting for the session's user; `NO_TENANT` if nobody is signed in."""
    with all_tenants_context():
        return str(request.user.tenant_id) if request.user.is_authenticated else NO_TENANT
