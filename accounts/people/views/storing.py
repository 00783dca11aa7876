"""Runs an action for the pages of users, views and roles, or shows in the form why it was refused."""

from collections.abc import Callable
from typing import Any, TypeVar

from accounts.access import Request
from accounts.people import actions
from accounts.people.forms import AdministrationForm
from web.client_address import address_of

Stored = TypeVar("Stored")


def store(
    request: Request, form: AdministrationForm, act: Callable[..., Stored], **facts: Any
) -> Stored | None:
    """Run `act` for the signed-in user and return its result, or None if it was refused. The form then says why."""
    try:
        return act(by=request.user, address=address_of(request), **facts)
    except actions.Stale as stale:
        form.show_conflict(stale)
    except actions.Refused as refused:
        form.refuse(refused)
    return None
