from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str | None:
    """The address the request came from, for the audit log and the lock-out; None behind a Unix socket.

    Headers that a client can write are not believed. With TRUST_PROXY the last entry of X-Forwarded-For is: the proxy
    wrote it, whatever the client had put before it.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_PROXY:
        address = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or address
    try:
        validate_ipv46_address(address)
    except ValidationError:
        return None
    return address
