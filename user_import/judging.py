"""What a file of users would do: whom it creates, what it changes, and everything that stands in the way.

The same rules as on a user's page (`accounts.actions.users`), for up to 10,000 rows by a number of queries that does
not depend on them. A cell that is empty changes nothing; to take a value away there is the user's page.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.functions import Lower

from accounts import logins
from accounts.changes import Difference, Value, differences, names_of, state_of_user
from accounts.forms_people import is_an_address, only_visible_characters
from accounts.models import User
from accounts.scope import (
    is_above,
    roles_within_reach,
    sees_everything,
    views_within_reach,
    visible_teams,
    visible_users,
)
from transfers.problems import Problem
from user_import import kinds
from user_import.reading import (
    ACTIVE,
    EMAIL,
    EMPLOYEE_ID,
    FIRST_NAME,
    LAST_NAME,
    ROLES,
    TEAM,
    USER_NAME,
    VIEWS,
    Row,
)

LENGTHS = {USER_NAME: 254, FIRST_NAME: 150, LAST_NAME: 150, EMAIL: 254, EMPLOYEE_ID: 64}
NOT_ONES_OWN = ("Team", "Active", "Roles", "Views")
YES, NO = ("yes", "y", "true", "1", "active"), ("no", "n", "false", "0", "inactive")
CREATED, CHANGED, UNCHANGED, ERROR = "created", "changed", "unchanged", "error"


@dataclass
class Outcome:
    """What becomes of a row. user: who exists already; wanted: what they would be, by the names on screen."""

    row: Row
    user: User | None
    before: dict[str, Value]
    wanted: dict[str, Value]
    problems: list[Problem] = field(default_factory=list)

    @property
    def differences(self) -> list[Difference]:
        return differences(self.before, self.wanted)

    @property
    def kind(self) -> str:
        if self.problems:
            return ERROR
        if self.user is None:
            return CREATED
        return CHANGED if self.differences else UNCHANGED


@dataclass(frozen=True)
class Known:
    """What the database says, as far as the person may know it; users by their user name in small letters, as `folded`
    has them by what stands in the file; teams, roles and views by their casefolded names."""

    person: User
    folded: Mapping[str, str]
    users: Mapping[str, User]
    teams: Mapping[str, Any]
    roles: Mapping[str, Any]
    views: Mapping[str, Any]
    sees_everything: bool


def judge(person: User, rows: Sequence[Row]) -> list[Outcome]:
    """The outcome of every row, in the order of the file."""
    known = look_up(person, rows)
    outcomes = [outcome_of(row, known) for row in rows]
    for outcome in outcomes:
        outcome.problems += problems_of(outcome, known)
    judge_among_each_other(outcomes, known.folded)
    judge_taken(outcomes, person)
    return outcomes


def digest(outcomes: Iterable[Outcome]) -> str:
    """Of what was shown: the confirmation compares it with what would happen by then."""
    told = [
        [outcome.row.number, outcome.kind, [str(difference) for difference in outcome.differences]]
        for outcome in outcomes
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def counts(outcomes: Iterable[Outcome]) -> Counter[str]:
    return Counter(outcome.kind for outcome in outcomes)


# --- What the database says ----------------------------------------------------------------------------------------


def look_up(person: User, rows: Sequence[Row]) -> Known:
    names = [row.cells[USER_NAME] for row in rows if USER_NAME in row.cells]
    emails = [row.cells[EMAIL] for row in rows if EMAIL in row.cells]
    known = visible_users(person).filter(pk__in=logins.ids_having("username", names))
    known = known.annotate(outranks=is_above(person), login=Lower("username"))
    users = known.select_related("team").prefetch_related("roles", "access_views")
    return Known(
        person,
        logins.folded([*names, *emails]),
        {user.login: user for user in users},
        by_name(visible_teams(person)),
        by_name(roles_within_reach(person)),
        by_name(views_within_reach(person)),
        sees_everything(person),
    )


def by_name(entries: Iterable[Any]) -> dict[str, Any]:
    return {entry.name.casefold(): entry for entry in entries}


# --- One row ---------------------------------------------------------------------------------------------------------


def outcome_of(row: Row, known: Known) -> Outcome:
    user = known.users.get(known.folded.get(row.cells.get(USER_NAME, ""), ""))
    before = dict(state_of_user(user)) if user else {}
    wanted: dict[str, Value] = {
        name: row.cells.get(column, before.get(name, "")) for column, name in PLAIN.items()
    }
    if user:  # found whatever the case; the file does not rename
        wanted["User name"] = user.username
    wanted["Active"] = activity(row.cells.get(ACTIVE, "")) or before.get("Active", "yes")
    team = known.teams.get(row.cells.get(TEAM, "").casefold())
    wanted["Team"] = team.name if team else before.get("Team", "")
    for column, givable in ((ROLES, known.roles), (VIEWS, known.views)):
        wanted[column] = several(row, column, before.get(column, ()), givable)
    return Outcome(row, user, before, wanted)


PLAIN = {
    USER_NAME: "User name",
    FIRST_NAME: "First name",
    LAST_NAME: "Last name",
    EMAIL: "Email",
    EMPLOYEE_ID: "Employee ID",
}


def activity(text: str) -> str:
    word = text.casefold()
    return "yes" if word in YES else "no" if word in NO else ""


def several(row: Row, column: str, before: Value, givable: Mapping[str, Any]) -> tuple[str, ...]:
    """The names in the cell take the place of what the person could have given; what they could not stays."""
    if column not in row.cells:
        return tuple(before)
    stays = {name for name in before if name.casefold() not in givable}
    named = {givable[name.casefold()].name for name in split(row.cells[column]) if name.casefold() in givable}
    return names_of(stays | named)


def split(text: str) -> list[str]:
    return [name for name in (part.strip() for part in re.split(r"[;|\n]", text)) if name]


def problems_of(outcome: Outcome, known: Known) -> Iterator[Problem]:
    row, user = outcome.row, outcome.user
    if row.surplus:
        yield kinds.LONG_ROW(row=row.number, cells=row.surplus)
    if USER_NAME not in row.cells:
        yield kinds.NO_NAME(row=row.number)
    if user is not None and getattr(user, "outranks", False):
        yield kinds.OUTRANKS(row=row.number, value=user.name)
    if user == known.person and any(outcome.before[name] != outcome.wanted[name] for name in NOT_ONES_OWN):
        yield kinds.OWN(row=row.number)
    yield from problems_of_cells(row)
    yield from problems_of_names(row, known)
    if user is None and TEAM not in row.cells and not known.sees_everything:
        yield kinds.TEAM_NEEDED(row=row.number)


def problems_of_cells(row: Row) -> Iterator[Problem]:
    for column, limit in LENGTHS.items():
        text = row.cells.get(column, "")
        if len(text) > limit:
            yield kinds.TOO_LONG(row=row.number, column=column, limit=limit)
        if not passes(only_visible_characters, text):
            yield kinds.UNSEEN(row=row.number, column=column)
    if EMAIL in row.cells and not passes(is_an_address, row.cells[EMAIL]):
        yield kinds.NO_ADDRESS(row=row.number, value=row.cells[EMAIL])
    if ACTIVE in row.cells and not activity(row.cells[ACTIVE]):
        yield kinds.ACTIVE(row=row.number, value=row.cells[ACTIVE])


def passes(validate: Any, text: str) -> bool:
    try:
        validate(text)
    except ValidationError:
        return False
    return True


def problems_of_names(row: Row, known: Known) -> Iterator[Problem]:
    """Unknown, foreign and out of reach are one and the same sentence."""
    if TEAM in row.cells and row.cells[TEAM].casefold() not in known.teams:
        yield kinds.NO_SUCH_TEAM(row=row.number, value=row.cells[TEAM])
    for column, givable, kind in (
        (ROLES, known.roles, kinds.NO_SUCH_ROLE),
        (VIEWS, known.views, kinds.NO_SUCH_VIEW),
    ):
        for name in split(row.cells.get(column, "")):
            if name.casefold() not in givable:
                yield kind(row=row.number, value=name)


# --- Rows among each other, and beside everybody else ----------------------------------------------------------------


def judge_among_each_other(outcomes: Sequence[Outcome], folded: Mapping[str, str]) -> None:
    """A user name, an email or an employee ID may stand in one row only, and a user name not as the email of another;
    both rows say so."""
    as_written: Mapping[str, str] = {}
    for columns, same in (((USER_NAME, EMAIL), folded), ((EMPLOYEE_ID,), as_written)):
        first: dict[str, tuple[Outcome, str]] = {}
        for outcome, column, text in cells_of(outcomes, columns):
            earlier, there = first.setdefault(same.get(text, text), (outcome, column))
            if earlier is not outcome:
                note_twice(outcome, column, earlier)
                note_twice(earlier, there, outcome)


def cells_of(outcomes: Iterable[Outcome], columns: Sequence[str]) -> Iterator[tuple[Outcome, str, str]]:
    for outcome in outcomes:
        for column in columns:
            if column in outcome.row.cells:
                yield outcome, column, outcome.row.cells[column]


def note_twice(outcome: Outcome, column: str, other: Outcome) -> None:
    """Once for each column, of however many rows."""
    if not any((problem.code, problem.column) == (kinds.TWICE.code, column) for problem in outcome.problems):
        outcome.problems.append(twice(outcome, column, outcome.row.cells[column], other))


def twice(outcome: Outcome, column: str, text: str, other: Outcome) -> Problem:
    return kinds.TWICE(row=outcome.row.number, column=column, value=text, first=other.row.number)


def judge_taken(outcomes: Sequence[Outcome], person: User) -> None:
    """Whoever has it: in view, out of view, or of another tenant. A user name may not be another's email either."""
    names = logins.taken(claims(outcomes, USER_NAME, EMAIL))
    employee_ids = employee_ids_taken(person, claims(outcomes, EMPLOYEE_ID))
    for column, found in ((USER_NAME, names), (EMAIL, names), (EMPLOYEE_ID, employee_ids)):
        for outcome in outcomes:
            text = outcome.row.cells.get(column)
            if text is not None and (text, own_id(outcome)) in found:
                outcome.problems.append(kinds.TAKEN(row=outcome.row.number, column=column, value=text))


def claims(outcomes: Iterable[Outcome], *columns: str) -> list[logins.Claim]:
    """What stands in these columns, each with the id of whom it is meant for."""
    return [(text, own_id(outcome)) for outcome, _, text in cells_of(outcomes, columns)]


def own_id(outcome: Outcome) -> int | None:
    return outcome.user.pk if outcome.user else None


def employee_ids_taken(person: User, claimed: Sequence[logins.Claim]) -> set[logins.Claim]:
    """As `logins.taken`, but unique in the tenant only, and as it is written."""
    users = User.objects.filter(tenant_id=person.tenant_id, employee_id__in={text for text, _ in claimed})
    owners = dict(users.values_list("employee_id", "pk"))
    return {(text, own) for text, own in claimed if owners.get(text, own) != own}
