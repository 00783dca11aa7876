"""Works out what importing a file of users would do: the users it would create or change, and all problems of the rows.

Applies the same rules as a user's page (`accounts.people.actions.users`), with a fixed number of queries for up to
10,000 rows. An empty cell changes nothing, so a value can be cleared only on the user's page.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.functions import Lower

from accounts.models import User
from accounts.people.actions.users import employee_ids_taken
from accounts.people.changes import Value, names_of, state_of_user
from accounts.people.forms import is_an_address, only_visible_characters
from accounts.people.user_import import problem_kinds
from accounts.people.user_import.outcome import Outcome
from accounts.people.user_import.reader import (
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
from accounts.people.user_import.spreadsheet_changes import warn_of_changes
from accounts.scope import (
    is_above,
    roles_within_reach,
    sees_everything,
    views_within_reach,
    visible_teams,
    visible_users,
)
from accounts.signing_in import identifiers
from wording.problems import Problem

LENGTHS = {USER_NAME: 254, FIRST_NAME: 150, LAST_NAME: 150, EMAIL: 254, EMPLOYEE_ID: 64}
NOT_ON_ONESELF = ("Team", "Active", "Roles", "Views")
YES, NO = ("yes", "y", "true", "1", "active"), ("no", "n", "false", "0", "inactive")


@dataclass(frozen=True)
class Known:
    """The users, teams, roles and views that the rows may refer to: those that `person` may see or assign.

    `folded` maps the file's user names and emails to lower case. `users` has lower-case user names as keys; `teams`,
    `roles` and `views` have casefolded names as keys.
    """

    person: User
    folded: Mapping[str, str]
    users: Mapping[str, User]
    teams: Mapping[str, Any]
    roles: Mapping[str, Any]
    views: Mapping[str, Any]
    sees_everything: bool


def resolve(person: User, rows: Sequence[Row]) -> list[Outcome]:
    """Return the outcome of every row, in the order of the file."""
    known = look_up(person, rows)
    outcomes = [outcome_of(row, known) for row in rows]
    for outcome in outcomes:
        outcome.problems += problems_of(outcome, known)
    check_across_rows(outcomes, known.folded)
    check_taken(outcomes, person)
    warn_of_changes(outcomes, person)
    return outcomes


# --- What the database holds ---------------------------------------------------------------------------------------


def look_up(person: User, rows: Sequence[Row]) -> Known:
    names = [row.cells[USER_NAME] for row in rows if USER_NAME in row.cells]
    emails = [row.cells[EMAIL] for row in rows if EMAIL in row.cells]
    found = visible_users(person).filter(pk__in=identifiers.matching_ids("username", names))
    found = found.annotate(outranks=is_above(person), login=Lower("username"))
    users = found.select_related("team").prefetch_related("roles", "access_views")
    return Known(
        person,
        identifiers.folded([*names, *emails]),
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
    after: dict[str, Value] = {
        name: row.cells.get(column, before.get(name, "")) for column, name in PLAIN.items()
    }
    if user:  # matched ignoring case; an import never changes a user name
        after["User name"] = user.username
    after["Active"] = activity(row.cells.get(ACTIVE, "")) or before.get("Active", "yes")
    team = known.teams.get(row.cells.get(TEAM, "").casefold())
    after["Team"] = team.name if team else before.get("Team", "")
    for column, givable in ((ROLES, known.roles), (VIEWS, known.views)):
        after[column] = names_after(row, column, before.get(column, ()), givable)
    return Outcome(row, user, before, after)


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


def names_after(row: Row, column: str, before: Value, givable: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names after the import.

    The cell replaces only names that the importing person may assign (`givable`). The user keeps all others.
    """
    if column not in row.cells:
        return tuple(before)
    kept = {name for name in before if name.casefold() not in givable}
    named = {givable[name.casefold()].name for name in split(row.cells[column]) if name.casefold() in givable}
    return names_of(kept | named)


def split(text: str) -> list[str]:
    return [name for name in (part.strip() for part in re.split(r"[;|\n]", text)) if name]


def problems_of(outcome: Outcome, known: Known) -> Iterator[Problem]:
    row, user = outcome.row, outcome.user
    if row.surplus:
        yield problem_kinds.LONG_ROW(row=row.number, cells=row.surplus)
    yield from map(Problem.from_json, row.faults)
    if USER_NAME not in row.cells:
        yield problem_kinds.NO_NAME(row=row.number)
    if user is not None and getattr(user, "outranks", False):
        yield problem_kinds.OUTRANKS(row=row.number, value=user.name)
    if user == known.person and any(outcome.before[name] != outcome.after[name] for name in NOT_ON_ONESELF):
        yield problem_kinds.OWN(row=row.number)
    yield from problems_of_cells(row)
    yield from problems_of_names(row, known)
    if user is None and TEAM not in row.cells and not known.sees_everything:
        yield problem_kinds.TEAM_NEEDED(row=row.number)


def problems_of_cells(row: Row) -> Iterator[Problem]:
    for column, limit in LENGTHS.items():
        text = row.cells.get(column, "")
        if len(text) > limit:
            yield problem_kinds.TOO_LONG(row=row.number, column=column, limit=limit)
        if not passes(only_visible_characters, text):
            yield problem_kinds.UNSEEN(row=row.number, column=column)
    if EMAIL in row.cells and not passes(is_an_address, row.cells[EMAIL]):
        yield problem_kinds.NO_ADDRESS(row=row.number, value=row.cells[EMAIL])
    if ACTIVE in row.cells and not activity(row.cells[ACTIVE]):
        yield problem_kinds.ACTIVE(row=row.number, value=row.cells[ACTIVE])


def passes(validate: Any, text: str) -> bool:
    try:
        validate(text)
    except ValidationError:
        return False
    return True


def problems_of_names(row: Row, known: Known) -> Iterator[Problem]:
    """Yield a problem for each team, role or view that is unknown or that the person may not choose.

    The sentence is the same in both cases, so that it does not reveal which names exist.
    """
    if TEAM in row.cells and row.cells[TEAM].casefold() not in known.teams:
        yield problem_kinds.NO_SUCH_TEAM(row=row.number, value=row.cells[TEAM])
    for column, givable, kind in (
        (ROLES, known.roles, problem_kinds.NO_SUCH_ROLE),
        (VIEWS, known.views, problem_kinds.NO_SUCH_VIEW),
    ):
        for name in split(row.cells.get(column, "")):
            if name.casefold() not in givable:
                yield kind(row=row.number, value=name)


# --- Rows against each other and against other users -----------------------------------------------------------------


def check_across_rows(outcomes: Sequence[Outcome], folded: Mapping[str, str]) -> None:
    """Report each row with a user name, email or employee ID that also appears in another row.

    User names are also compared with emails, because either can be used to sign in.
    """
    unfolded: Mapping[str, str] = {}
    for columns, keys in (((USER_NAME, EMAIL), folded), ((EMPLOYEE_ID,), unfolded)):
        first: dict[str, tuple[Outcome, str]] = {}
        for outcome, column, text in cells_of(outcomes, columns):
            earlier, earlier_column = first.setdefault(keys.get(text, text), (outcome, column))
            if earlier is not outcome:
                note_twice(outcome, column, earlier)
                note_twice(earlier, earlier_column, outcome)


def cells_of(outcomes: Iterable[Outcome], columns: Sequence[str]) -> Iterator[tuple[Outcome, str, str]]:
    for outcome in outcomes:
        for column in columns:
            if column in outcome.row.cells:
                yield outcome, column, outcome.row.cells[column]


def note_twice(outcome: Outcome, column: str, other: Outcome) -> None:
    """Report that the other row has the same value.

    Each column of a row is reported only once, however many rows repeat its value.
    """
    noted = {problem.column for problem in outcome.problems if problem.code == problem_kinds.TWICE.code}
    if column not in noted:
        row = outcome.row
        problem = problem_kinds.TWICE(
            row=row.number, column=column, value=row.cells[column], first=other.row.number
        )
        outcome.problems.append(problem)


def check_taken(outcomes: Sequence[Outcome], person: User) -> None:
    """Report values that another user already has, even a user whom `person` cannot see.

    User names and emails are compared with the user names and emails of all tenants, but employee IDs only with those
    of the person's tenant.
    """
    names = identifiers.taken(claims(outcomes, USER_NAME, EMAIL))
    employee_ids = employee_ids_taken(person.tenant_id, claims(outcomes, EMPLOYEE_ID))
    for column, found in ((USER_NAME, names), (EMAIL, names), (EMPLOYEE_ID, employee_ids)):
        for outcome in outcomes:
            text = outcome.row.cells.get(column)
            if text is not None and (text, own_id(outcome)) in found:
                outcome.problems.append(
                    problem_kinds.TAKEN(row=outcome.row.number, column=column, value=text)
                )


def claims(outcomes: Iterable[Outcome], *columns: str) -> list[identifiers.Claim]:
    """Return the texts in these columns, each paired with the id of the row's existing user, or None for a new user."""
    return [(text, own_id(outcome)) for outcome, _, text in cells_of(outcomes, columns)]


def own_id(outcome: Outcome) -> int | None:
    return outcome.user.pk if outcome.user else None
