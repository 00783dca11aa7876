"""Reads the client's address and htmx's headers from a request."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


def htmx_of(request: HttpRequest) -> HtmxDetails:
    """Return `request.htmx`, an attribute that django-htmx adds and the class `HttpRequest` does not declare."""
    return cast(Any, request).htmx


def page_of_htmx(htmx: HtmxDetails) -> str:
    """Return the path and query of this site's page that sent the htmx request; "" if the header names none.

    The header can hold anything, even what no program can read as a URL, such as `http://[`.
    """
    try:
        return htmx.current_url_abs_path or ""
    except ValueError:
        return ""


def address_of(request: HttpRequest) -> str | None:
    """Return the client's address for the audit log; None if unknown, as behind a Unix socket.

    Reads no header that a client can forge: behind a trusted proxy, the site's middleware `client_address` has already
    set REMOTE_ADDR to the client's address.
    """
    address = request.META.get("REMOTE_ADDR", "")
    return address if is_address(address) else None


def counted_address(request: HttpRequest) -> str | None:
    """Return the address that the lock-out and rate limits use to tell clients apart.

    It is an IPv4 address, or the /64 network of an IPv6 address: a /64 is the smallest network given to a subscriber
    (RFC 6177), so all its 2**64 addresses count as one client.
    """
    text = address_of(request)
    return str(network_of(ip_address(text))) if text else None


def network_of(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return an IPv4 address, even if it is mapped to IPv6; for other IPv6 addresses, the first address of the /64."""
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Network((int(address), 64), strict=False).network_address


def is_address(text: str) -> bool:
    try:
        validate_ipv46_address(text)
    except ValidationError:
        return False
    return True
