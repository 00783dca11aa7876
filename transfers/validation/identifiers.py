"""Find the users whom rows name by email, user name or employee ID, and write their IDs into the rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from accounts.models import User
from accounts.people.search import users_identified
from transfers.people_csv import FROM_USER_ID, IDENTIFIERS, TO_USER_ID, Row, bare_text, is_blank
from transfers.people_csv.problem_kinds import ID_IS_DATE, ID_IS_TEXT, ID_SHORTENED, ID_WITH_LABEL
from transfers.validation import problem_kinds
from wording.phrases import counted
from wording.problems import Problem, Sentence

# Problems of cells whose text may be an identifier. What reads as a whole number is always an ID.
OPEN = (ID_IS_TEXT.code, ID_IS_DATE.code, ID_SHORTENED.code, ID_WITH_LABEL.code)
WORDS = {"email": "email", "username": "user name", "employee_id": "employee ID"}
Users = Mapping[tuple[str, str], User]
Texts = Mapping[tuple[int, str], str]


@dataclass(frozen=True)
class Side:
    """What a row says of its source or target: the text and ID in the ID column, and the texts beside them."""

    row: int
    column: str
    text: str
    user_id: int | None
    identifiers: tuple[tuple[str, str], ...]

    @property
    def claims(self) -> Iterator[tuple[str, str]]:
        return ((IDENTIFIERS[self.column][name], text) for name, text in self.identifiers)

    @property
    def readings(self) -> list[str]:
        """What the row says, in words. None of them can be taken for an ID."""
        own = [] if is_blank(self.text) else [f"{self.column} {self.text}"]
        return own + [f"{name} {text}" for name, text in self.identifiers]


def with_users(person: User, rows: Sequence[Row]) -> tuple[list[Row], list[Problem]]:
    """Return the rows with the IDs of the users whom they name, and a note with the number of such cells.

    Texts in the ID columns count only if the tenant allows it. Only users whom `person` can see are found. Takes two
    queries, or none if the rows name nobody.
    """
    texts = open_texts(rows) if person.tenant.allows_identifiers else {}
    claims = {claim for row in rows for side in sides(row) for claim in side.claims}
    claims |= {(field, text) for text in texts.values() for field in WORDS}
    if not claims:
        return list(rows), []
    users = users_identified(person, claims)
    found = [with_users_beside(with_users_in_text(row, texts, users), users) for row in rows]
    count = sum(p.code == problem_kinds.IDENTIFIED.code for row in found for p in row.problems)
    return found, [note(count)] if count else []


def note(count: int) -> Problem:
    was, whose = ("was", "its") if count == 1 else ("were", "their")
    cells = Sentence(counted(count, "cell"))
    return problem_kinds.IDENTIFIED_CELLS(cells=cells, was=Sentence(was), whose=Sentence(whose))


def sides(row: Row) -> Iterable[Side]:
    yield Side(row.number, FROM_USER_ID, row.from_text, row.from_id, row.from_identifiers)
    yield Side(row.number, TO_USER_ID, row.to_text, row.to_id, row.to_identifiers)


# --- Texts in the ID columns -----------------------------------------------------------------------------------------


def open_texts(rows: Iterable[Row]) -> Texts:
    """Return the texts in ID columns that are no IDs and may be identifiers, by row number and column."""
    return {
        (side.row, side.column): bare_text(side.text)
        for row in rows
        if any(problem.code in OPEN for problem in row.problems)
        for side in sides(row)
        if any(is_open(problem, side.column) for problem in row.problems)
    }


def is_open(problem: Problem, column: str) -> bool:
    return problem.column == column and problem.code in OPEN


def with_users_in_text(row: Row, texts: Texts, users: Users) -> Row:
    for side, attribute in zip(sides(row), ("from", "to"), strict=True):
        if text := texts.get((row.number, side.column)):
            meant = {users[field, text].pk: users[field, text] for field in WORDS if (field, text) in users}
            if problem := problem_of_text(side, text, list(meant.values())):
                others = (other for other in row.problems if not is_open(other, side.column))
                row = replace(row, problems=(*others, problem))
            if len(meant) == 1:
                (user_id,) = meant
                cells: dict[str, Any] = {f"{attribute}_id": user_id, f"{attribute}_text": str(user_id)}
                row = replace(row, **cells)
    return row


def problem_of_text(side: Side, text: str, meant: Sequence[User]) -> Problem | None:
    """Return the note or error that replaces the error of the cell, or None if the text names no user."""
    if len(meant) == 1:
        return identified_as(side, side.column, text, meant[0])
    choices = ", ".join(f"{user.name} ({user.pk})" for user in meant)
    kind = problem_kinds.IDENTIFIER_OF_MANY
    return kind(row=side.row, column=side.column, value=text, choices=choices) if meant else None


# --- Texts beside the ID columns -------------------------------------------------------------------------------------


def with_users_beside(row: Row, users: Users) -> Row:
    if not (row.from_identifiers or row.to_identifiers):
        return row
    (source, of_source), (target, of_target) = (identified(side, users) for side in sides(row))
    return replace(
        row,
        from_text=source.text,
        to_text=target.text,
        from_id=source.user_id,
        to_id=target.user_id,
        problems=(*row.problems, *of_source, *of_target),
    )


def identified(side: Side, users: Users) -> tuple[Side, list[Problem]]:
    """Return the side with the ID of its user, and a note or errors.

    After an error there is no ID, and the text cannot be read as one. The error thus remains if the row is changed in
    another cell or swapped.
    """
    if not side.identifiers:
        return side, []
    found = {claim: users[claim].pk for claim in side.claims if claim in users}
    ids = {*found.values(), *([side.user_id] if side.user_id else [])}
    problems = list(unknown(side, found))
    if not problems and len(ids) > 1:
        problems = [disagreement(side)]
    if problems or (side.user_id is None and not is_blank(side.text)):
        return replace(side, user_id=None, text=" and ".join(side.readings)), problems
    if side.user_id is not None:
        return side, []
    (user_id,) = ids
    return replace(side, user_id=user_id, text=str(user_id)), list(notes(side, users))


def unknown(side: Side, found: Mapping[tuple[str, str], int]) -> Iterator[Problem]:
    for (name, text), claim in zip(side.identifiers, side.claims, strict=True):
        if claim not in found:
            what = Sentence(WORDS[claim[0]])
            yield problem_kinds.IDENTIFIER_UNKNOWN(
                row=side.row, column=side.column, value=text, named=Sentence(name), what=what
            )


def disagreement(side: Side) -> Problem:
    texts = ", ".join(side.readings)
    return problem_kinds.IDENTIFIERS_DISAGREE(row=side.row, column=side.column, texts=texts)


def notes(side: Side, users: Users) -> Iterator[Problem]:
    for (name, text), claim in zip(side.identifiers, side.claims, strict=True):
        yield identified_as(side, name, text, users[claim])


def identified_as(side: Side, name: str, text: str, user: User) -> Problem:
    return problem_kinds.IDENTIFIED(
        row=side.row, column=side.column, value=text, named=Sentence(name), name=user.name, number=user.pk
    )
