from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str | None:
    """The address the request came from, for the audit log; None behind a Unix socket.

    Headers that a client can write are not believed: a proxy that may be trusted sets REMOTE_ADDR.
    """
    address = request.META.get("REMOTE_ADDR", "")
    try:
        validate_ipv46_address(address)
    except ValidationError:
        return None
    return address
