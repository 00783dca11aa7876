"""Each request sees the rows of the tenant of whoever sent it, and no others (`accounts.wall`)."""

from collections.abc import Callable, Iterator
from typing import Any, cast

from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from accounts import wall


class TenantMiddleware:
    """Has to come right after Django's AuthenticationMiddleware.

    Nobody signed in, no rows; but a page for everybody may ask who somebody is, in all tenants: the sign-in does.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with wall.showing(tenant_of(request)):
            response = self.get_response(request)
            if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
                response.streaming_content = wall.kept(cast("Iterator[bytes]", response.streaming_content))
            return response

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        if getattr(view, "access", None) == "public" and not request.user.is_authenticated:
            wall.open_to_everybody()


def tenant_of(request: HttpRequest) -> str:
    """The tenant of the person whom the session names."""
    with wall.every_tenant():
        return str(request.user.tenant_id) if request.user.is_authenticated else wall.NOBODY
