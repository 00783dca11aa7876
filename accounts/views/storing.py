"""What the pages of users, views and roles have in common: storing what was filled in, or saying why it was not."""

from collections.abc import Callable
from typing import Any, TypeVar

from accounts import actions
from accounts.client import address_of
from accounts.doors import Request
from accounts.forms_people import Administered

Stored = TypeVar("Stored")


def store(request: Request, form: Administered, act: Callable[..., Stored], **facts: Any) -> Stored | None:
    """Does `act` for the person who asks. None: nothing was stored, and the form, which keeps its values, says why."""
    try:
        return act(by=request.user, address=address_of(request), **facts)
    except actions.Stale as stale:
        form.lay_beside(stale)
    except actions.Refused as refused:
        form.refuse(refused)
    return None
