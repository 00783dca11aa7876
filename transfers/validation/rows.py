"""Judges each row by itself and then all rows among each other. Pure: facts in, problems out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from transfers.people_csv import FROM_USER_ID, TO_USER_ID, names_agree
from transfers.problems import Problem
from transfers.registry import held_attributes
from transfers.validation import kinds
from transfers.validation.facts import Facts, UserFacts
from transfers.validation.links import Link, judge_links


@dataclass(frozen=True)
class CandidateRow:
    """A selected row as it is judged. An id is None where the cell held none (its text was judged already, or blank).

    `has_source` and `has_target` tell a blank cell from one with an unreadable text. The names are the file's, and
    belong to the user of the column `named`.
    """

    number: int
    source_id: int | None
    target_id: int | None
    has_source: bool = True
    has_target: bool = True
    first_name: str = ""
    last_name: str = ""
    named: str = FROM_USER_ID

    @property
    def pair(self) -> tuple[int, int] | None:
        if self.source_id is None or self.target_id is None:
            return None
        return self.source_id, self.target_id


Problems = dict[int, list[Problem]]


def judge_rows(rows: Sequence[CandidateRow], facts: Facts) -> Problems:
    """All problems of all rows at once, by row number, in the order in which they should be read."""
    found: Problems = defaultdict(list)
    for row in rows:
        found[row.number] += judge_row(row, facts)
    links = [Link(row.number, *row.pair) for row in rows if row.pair and row.source_id != row.target_id]
    for number, problem in judge_links(links):
        found[number].append(problem)
    return found


def judge_row(row: CandidateRow, facts: Facts) -> Iterable[Problem]:
    if not row.has_source:
        yield kinds.NO_SOURCE(row=row.number, column=FROM_USER_ID)
    if not row.has_target:
        yield kinds.NO_TARGET(row=row.number, column=TO_USER_ID)
    if row.source_id is not None and row.source_id == row.target_id:
        yield kinds.SAME_USER(row=row.number, column=TO_USER_ID, value=str(row.target_id))
    for column, user_id in ((FROM_USER_ID, row.source_id), (TO_USER_ID, row.target_id)):
        if user_id is not None:
            yield from judge_user(row, column, user_id, facts)
    yield from judge_attributes(row, facts)


def judge_attributes(row: CandidateRow, facts: Facts) -> Iterable[Problem]:
    """Records that know the source by another attribute than the ID need the target to have one too."""
    source, target = facts.users.get(row.source_id or 0), facts.users.get(row.target_id or 0)
    if source and target:
        for attribute in held_attributes():
            if getattr(source, attribute) and not getattr(target, attribute):
                name, words = target.name, attribute.replace("_id", " ID")
                yield kinds.NO_ATTRIBUTE(
                    row=row.number, column=TO_USER_ID, value=str(target.id), name=name, attribute=words
                )


def judge_user(row: CandidateRow, column: str, user_id: int, facts: Facts) -> Iterable[Problem]:
    user = facts.users.get(user_id)
    where: dict[str, Any] = {"row": row.number, "column": column, "value": str(user_id)}
    if user is None:
        yield kinds.UNKNOWN_USER(**where)
        return
    is_source = column == FROM_USER_ID
    if column == row.named and not names_agree(
        row.first_name, row.last_name, user.first_name, user.last_name
    ):
        in_file = f"{row.first_name} {row.last_name}".strip()
        yield kinds.MISSORTED(**where, name_in_file=in_file, name=user.name)
    yield from judge_rights(user, is_source, where)
    if user.id == facts.person_id:
        yield kinds.ACTING_PERSON(**where, name=user.name)
    if user.busy_in is not None:
        yield kinds.BUSY(**where)
    yield from judge_activity(user, is_source, where)


def judge_rights(user: UserFacts, is_source: bool, where: dict[str, Any]) -> Iterable[Problem]:
    """Who has rights that no transfer may touch; of a user who can never take part nothing further is said."""
    if user.is_tenant_administrator:
        yield kinds.TENANT_ADMINISTRATOR(**where, name=user.name)
    elif user.operates_server:
        yield kinds.OPERATES_SERVER(**where, name=user.name)
    elif is_source and user.reaches_beyond:
        yield kinds.REACHES_BEYOND(**where, name=user.name)
    elif is_source and user.loses_views:
        yield kinds.OUTRANKS(**where, name=user.name)


def judge_activity(user: UserFacts, is_source: bool, where: dict[str, Any]) -> Iterable[Problem]:
    if is_source and user.is_active:
        yield kinds.ACTIVE_SOURCE(**where, name=user.name)
    if not is_source and not user.is_active:
        yield kinds.INACTIVE_TARGET(**where, name=user.name)
