"""Facts about the users of the rows, read in one query for the users and one for those in an open transfer."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accounts.models import User
from accounts.scope import (
    is_above_roles,
    is_tenant_administrator,
    loses_views_to,
    reaches_beyond,
    visible_users,
)
from transfers.models import Participant
from wording.display_text import visible


@dataclass(frozen=True)
class UserFacts:
    """The current data of a user whom the acting person can see.

    reaches_beyond: the user is assigned a view with users whom the acting person cannot see. loses_views: the user has
    a permission that the acting person lacks, and would lose views as the source of a transfer. operates_server: the
    user is a server operator, whom no role of the tenant may change. busy_in: the ID of the open transfer that the user
    is in, or None.
    """

    id: int
    first_name: str
    last_name: str
    username: str
    is_active: bool
    is_tenant_administrator: bool
    reaches_beyond: bool
    busy_in: int | None
    employee_id: str = ""
    operates_server: bool = False
    loses_views: bool = False

    @cached_property
    def name(self) -> str:
        return visible(f"{self.first_name} {self.last_name}".strip() or self.username)


@dataclass(frozen=True)
class Facts:
    """The users of the rows whom the acting person can see, by ID. All others count as unknown."""

    person_id: int
    users: dict[int, UserFacts]


COLUMNS = ("id", "first_name", "last_name", "username", "is_active", "employee_id")


def gather(person: User, ids: Iterable[int], *, ignoring: int | None = None) -> Facts:
    """Return the facts about those users whom `person` can see.

    ignoring: the ID of a transfer whose participants do not count as busy. Takes two queries if the person's
    permissions are cached.
    """
    wanted = sorted(set(ids))
    participants = Participant.objects.filter(user_id__in=wanted).exclude(transfer=ignoring)
    busy = dict(participants.values_list("user_id", "transfer_id"))
    rights = {
        "is_tenant_administrator": is_tenant_administrator(),
        "reaches_beyond": reaches_beyond(person),
        "operates_server": is_above_roles(),
        "loses_views": loses_views_to(person),
    }
    found: Iterable[dict[str, Any]] = (
        visible_users(person).filter(id__in=wanted).annotate(**rights).values(*COLUMNS, *rights)
    )
    return Facts(person.pk, {row["id"]: UserFacts(**row, busy_in=busy.get(row["id"])) for row in found})
