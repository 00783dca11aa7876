"""Checks of each row, of all rows against each other, and of the file. They use only the facts, not the database."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from transfers.people_csv import FROM_USER_ID, TO_USER_ID
from transfers.registry import held_attributes
from transfers.rules import words_for_attribute
from transfers.validation import problem_kinds
from transfers.validation.candidates import CandidateRow
from transfers.validation.facts import Facts, UserFacts
from transfers.validation.identity import check_identity
from transfers.validation.links import Link, check_links
from transfers.validation.problem_kinds import NO_ATTRIBUTE, NO_EXTERNAL_ID
from wording.phrases import counted
from wording.problems import Problem

Problems = dict[int, list[Problem]]
ROWS_THAT_SHOW_A_SORT = 3


def check_rows(rows: Sequence[CandidateRow], facts: Facts) -> Problems:
    """Return the problems of each row, by row number. Problems of single rows precede conflicts between rows."""
    found: Problems = defaultdict(list)
    for row in rows:
        found[row.number] += check_row(row, facts)
    links = [Link(row.number, *row.pair) for row in rows if row.pair and row.source_id != row.target_id]
    for number, problem in check_links(links):
        found[number].append(problem)
    return found


def check_row(row: CandidateRow, facts: Facts) -> Iterable[Problem]:
    if not row.has_source:
        yield problem_kinds.NO_SOURCE(row=row.number, column=FROM_USER_ID)
    if not row.has_target:
        yield problem_kinds.NO_TARGET(row=row.number, column=TO_USER_ID)
    if row.source_id is not None and row.source_id == row.target_id:
        yield problem_kinds.SAME_USER(row=row.number, column=TO_USER_ID, value=str(row.target_id))
    for column, user_id in ((FROM_USER_ID, row.source_id), (TO_USER_ID, row.target_id)):
        if user_id is not None:
            yield from check_user(row, column, user_id, facts)
    yield from check_attributes(row, facts)


def check_attributes(row: CandidateRow, facts: Facts) -> Iterable[Problem]:
    """Yield a problem for each attribute, such as the employee ID, that the source has and the target lacks.

    Only attributes by which records refer to users are checked. If the target lacks one, these records could not refer
    to the target.
    """
    source, target = facts.users.get(row.source_id or 0), facts.users.get(row.target_id or 0)
    if source and target:
        for attribute in held_attributes():
            if getattr(source, attribute) and not getattr(target, attribute):
                kind = NO_EXTERNAL_ID if attribute == "external_id" else NO_ATTRIBUTE
                where: dict[str, Any] = {"row": row.number, "column": TO_USER_ID, "value": str(target.id)}
                yield kind(**where, name=target.name, attribute=words_for_attribute(attribute))


def check_user(row: CandidateRow, column: str, user_id: int, facts: Facts) -> Iterable[Problem]:
    user = facts.users.get(user_id)
    where: dict[str, Any] = {"row": row.number, "column": column, "value": str(user_id)}
    if user is None:
        yield problem_kinds.UNKNOWN_USER(**where)
        return
    is_source = column == FROM_USER_ID
    if column == row.named:
        yield from check_identity(row, user, facts, where)
    yield from check_rights(user, is_source, where)
    if user.id == facts.person_id:
        yield problem_kinds.ACTING_PERSON(**where, name=user.name)
    if user.busy_in is not None:
        yield problem_kinds.BUSY(**where)
    yield from check_activity(user, is_source, where)


def check_rights(user: UserFacts, is_source: bool, where: dict[str, Any]) -> Iterable[Problem]:
    """Yield a problem if the user's rights exclude them from transfers. Only the first reason is reported."""
    if user.is_tenant_administrator:
        yield problem_kinds.TENANT_ADMINISTRATOR(**where, name=user.name)
    elif user.operates_server:
        yield problem_kinds.OPERATES_SERVER(**where, name=user.name)
    elif is_source and user.reaches_beyond:
        yield problem_kinds.REACHES_BEYOND(**where, name=user.name)
    elif is_source and user.loses_views:
        yield problem_kinds.OUTRANKS(**where, name=user.name)


def check_activity(user: UserFacts, is_source: bool, where: dict[str, Any]) -> Iterable[Problem]:
    if is_source and user.is_active:
        yield problem_kinds.ACTIVE_SOURCE(**where, name=user.name)
    if not is_source and not user.is_active:
        yield problem_kinds.INACTIVE_TARGET(**where, name=user.name)


def check_file(rows: Sequence[CandidateRow], problems: Problems) -> Iterable[Problem]:
    """Yield the problems of the file as a whole. `problems` are the problems of its rows."""
    if not rows:
        yield problem_kinds.NOTHING_SELECTED()
    selected = len({row.pair or row.number for row in rows})
    if selected > problem_kinds.MAXIMUM_PAIRS:
        limit = problem_kinds.MAXIMUM_PAIRS
        yield problem_kinds.TOO_MANY(count=selected, limit=limit, excess=counted(selected - limit, "row"))
    missorted = sum(has(found, problem_kinds.MISSORTED.code) for found in problems.values())
    if missorted >= ROWS_THAT_SHOW_A_SORT:
        yield problem_kinds.MISSORTED_FILE(count=missorted)


def has(problems: Iterable[Problem], code: str) -> bool:
    return any(problem.code == code for problem in problems)
