"""Facts about the users of the rows, read in one query for the users and one for those in an open transfer."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Lower

from accounts.models import User
from accounts.scope import (
    is_above_roles,
    is_tenant_administrator,
    loses_views_to,
    reaches_beyond,
    visible_users,
)
from transfers.models import Participant
from transfers.people_csv.spelling import CODE_PAGES, fold
from wording.display_text import visible

Claim = tuple[str, str]  # the field user_name, email or employee_id, and its folded text


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
    external_id: str = ""
    operates_server: bool = False
    loses_views: bool = False
    email: str = ""
    team_name: str | None = None

    @cached_property
    def name(self) -> str:
        return visible(f"{self.first_name} {self.last_name}".strip() or self.username)


@dataclass(frozen=True)
class Facts:
    """The users of the rows whom the acting person can see, by ID. All others count as unknown.

    claimed: user names, emails and employee IDs that rows have beside the ID of another user. code_pages: candidates
    for the code page of the file; the comparison moves the one that fits to the front.
    """

    person_id: int
    users: dict[int, UserFacts]
    claimed: frozenset[Claim] = frozenset()
    code_pages: list[str] = field(default_factory=lambda: list(CODE_PAGES), compare=False)


COLUMNS = ("id", "first_name", "last_name", "username", "email", "is_active", "employee_id", "external_id")


def gather(person: User, ids: Iterable[int], *, ignoring: int | None = None) -> Facts:
    """Return the facts about those users whom `person` can see.

    ignoring: the ID of a transfer whose participants do not count as busy. Takes two queries if the person's
    permissions are cached.
    """
    wanted = sorted(set(ids))
    participants = Participant.objects.filter(user_id__in=wanted).exclude(transfer=ignoring)
    busy = dict(participants.values_list("user_id", "transfer_id"))
    more = {
        "is_tenant_administrator": is_tenant_administrator(),
        "reaches_beyond": reaches_beyond(person),
        "operates_server": is_above_roles(),
        "loses_views": loses_views_to(person),
        "team_name": F("team__name"),
    }
    found: Iterable[dict[str, Any]] = (
        visible_users(person).filter(id__in=wanted).annotate(**more).values(*COLUMNS, *more)
    )
    return Facts(person.pk, {row["id"]: UserFacts(**row, busy_in=busy.get(row["id"])) for row in found})


def claimed_by_others(person: User, claims: Iterable[tuple[str, str]]) -> frozenset[Claim]:
    """Return those of the texts, folded, that are the user name, email or employee ID of a user visible to `person`.

    Takes one query, or none without claims.
    """
    texts: dict[str, set[str]] = defaultdict(set)
    for name, text in claims:
        texts[name].add(text if name == "employee_id" else text.lower())
    if not texts:
        return frozenset()
    users = visible_users(person).alias(user_name_lower=Lower("username"), email_lower=Lower("email"))
    found = users.filter(
        Q(user_name_lower__in=texts["user_name"])
        | Q(email_lower__in=texts["email"])
        | Q(employee_id__in=texts["employee_id"])
    ).values_list("username", "email", "employee_id")
    names = ("user_name", "email", "employee_id")
    return frozenset(
        (name, fold(text)) for user in found for name, text in zip(names, user, strict=True) if text
    )
