"""What a request says of the client that sent it."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


def htmx_of(request: HttpRequest) -> HtmxDetails:
    """Whether a part of a page was asked for, and from where. Behind a door, `Request` has it as an attribute."""
    return cast(Any, request).htmx


def address_of(request: HttpRequest) -> str | None:
    """The address the request came from, for the audit log; None behind a Unix socket.

    Nothing that a client can write is read here: behind a trusted proxy the middleware `client_address` of the site has
    put the client's address into REMOTE_ADDR before anybody asks.
    """
    address = request.META.get("REMOTE_ADDR", "")
    return address if is_address(address) else None


def counted_address(request: HttpRequest) -> str | None:
    """What the lock-out and the limits count by: an IPv4 address, or the /64 of an IPv6 one.

    A /64 is the least that a subscriber is given (RFC 6177), so its 2**64 addresses are one and the same neighbour.
    """
    text = address_of(request)
    return str(network_of(ip_address(text))) if text else None


def network_of(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The first address of the /64; an IPv4 address that is written as IPv6 is the IPv4 address."""
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Network((int(address), 64), strict=False).network_address


def is_address(text: str) -> bool:
    try:
        validate_ipv46_address(text)
    except ValidationError:
        return False
    return True
