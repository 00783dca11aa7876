"""What a request says of the client that sent it."""

from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


def htmx_of(request: HttpRequest) -> HtmxDetails:
    """Whether a part of a page was asked for, and from where. Behind a door, `Request` has it as an attribute."""
    return cast(Any, request).htmx


def address_of(request: HttpRequest) -> str | None:
    """The address the request came from, for the audit log and the lock-out; None behind a Unix socket.

    Nothing that a client can write is read here: behind a trusted proxy the middleware `client_address` of the site has
    put the client's address into REMOTE_ADDR before anybody asks.
    """
    address = request.META.get("REMOTE_ADDR", "")
    return address if is_address(address) else None


def is_address(text: str) -> bool:
    try:
        validate_ipv46_address(text)
    except ValidationError:
        return False
    return True
