"""Facts about the users of the rows: one query for the users, one for those in an open transfer."""

from collections.abc import Iterable
from dataclasses import dataclass
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
    """A user in the acting person's view, as they are now.

    `busy_in` is the id of an open transfer, or None. `loses_views`: as a source the user would lose views, and has a
    permission that the acting person lacks.
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

    @property
    def name(self) -> str:
        return visible(f"{self.first_name} {self.last_name}".strip() or self.username)


@dataclass(frozen=True)
class Facts:
    """The users of the rows that the acting person can see; all others count as unknown."""

    person_id: int
    users: dict[int, UserFacts]


COLUMNS = ("id", "first_name", "last_name", "username", "is_active", "employee_id")


def gather(person: User, ids: Iterable[int], *, ignoring: int | None = None) -> Facts:
    """The facts about those of the users whom `person` can see. Two queries, once the person's permissions are cached.

    `ignoring` is a transfer whose own participants do not count as busy.
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
