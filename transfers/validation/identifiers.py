"""Find the users whom rows name by email, user name or employee ID, and write their IDs into the rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from accounts.models import User
from accounts.people.search import users_identified
from transfers.people_csv import FROM_USER_ID, IDENTIFIERS, TO_USER_ID, Row, bare_text, is_blank
from transfers.people_csv.problem_kinds import ID_IS_DATE, ID_IS_TEXT, ID_SHORTENED, ID_WITH_LABEL
from transfers.validation import problem_kinds
from wording.problems import Problem, Sentence

# Problems of cells whose text may be an identifier. What reads as a whole number is always an ID.
OPEN = (ID_IS_TEXT.code, ID_IS_DATE.code, ID_SHORTENED.code, ID_WITH_LABEL.code)
WORDS = {"email": "email", "username": "user name", "employee_id": "employee ID"}
Claim = tuple[str, str]  # an attribute of a user, and its text
Texts = Mapping[tuple[int, str], str]


@dataclass(frozen=True)
class Found:
    """The users whom the texts name. `code_page`: see `spreadsheets.encodings.Encoding`."""

    users: Mapping[Claim, Sequence[User]]
    code_page: bool

    def with_text(self, text: str) -> list[User]:
        """Return the users who have the text as email, user name or employee ID, each once."""
        users = {user.pk: user for field in WORDS for user in self.users.get((field, text), ())}
        return list(users.values())

    def is_certain(self, text: str) -> bool:
        """Return whether the text is what was written: in an unknown code page, letters may be others."""
        return text.isascii() or not self.code_page


@dataclass(frozen=True)
class Side:
    """What a row says of its source or target: the text and ID in the ID column, and the texts beside them."""

    row: int
    column: str
    text: str
    user_id: int | None
    identifiers: tuple[tuple[str, str], ...]

    @property
    def claims(self) -> Iterator[Claim]:
        return ((IDENTIFIERS[self.column][name], text) for name, text in self.identifiers)

    @property
    def readings(self) -> list[str]:
        """What the row says, in words. None of them can be taken for an ID."""
        own = [] if is_blank(self.text) else [f"{self.column} {self.text}"]
        return own + [f"{name} {text}" for name, text in self.identifiers]


def with_users(person: User, rows: Sequence[Row], *, code_page: bool = False) -> list[Row]:
    """Return the rows with the IDs of the users whom they name, each with a note.

    Texts in the ID columns count only if the tenant allows it. Only users whom `person` can see are found. Takes two
    queries, or none if the rows name nobody.
    """
    texts = open_texts(rows) if person.tenant.allows_identifiers else {}
    claims = {claim for row in rows for side in sides(row) for claim in side.claims}
    claims |= {(field, text) for text in texts.values() for field in WORDS}
    if not claims:
        return list(rows)
    found = Found(users_identified(person, claims), code_page)
    return [with_users_beside(with_users_in_text(row, texts, found), found) for row in rows]


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


def with_users_in_text(row: Row, texts: Texts, found: Found) -> Row:
    for side, attribute in zip(sides(row), ("from", "to"), strict=True):
        if text := texts.get((row.number, side.column)):
            users = found.with_text(text)
            if problem := problem_of_text(side, side.column, text, users, found) or names_nobody(
                side, row, text
            ):
                others = (other for other in row.problems if not is_open(other, side.column))
                changes = cells_with(problem, side, users)
                cells: dict[str, Any] = {f"{attribute}_{name}": value for name, value in changes.items()}
                row = replace(row, problems=(*others, problem), **cells)
    return row


def names_nobody(side: Side, row: Row, text: str) -> Problem | None:
    """Return the error of a text that could have been an identifier. A date or number keeps its own error."""
    if not any(p.code == ID_IS_TEXT.code and p.column == side.column for p in row.problems):
        return None
    return problem_kinds.TEXT_NAMES_NOBODY(row=side.row, column=side.column, value=text)


def cells_with(problem: Problem, side: Side, users: Sequence[User]) -> dict[str, Any]:
    """Return the new ID and text of the cell. An unreadable text must not be looked up when the row is edited."""
    if problem.code == problem_kinds.IDENTIFIED.code:
        return {"id": users[0].pk, "text": str(users[0].pk)}
    return {"text": side.readings[0]} if problem.code == problem_kinds.IDENTIFIER_UNREADABLE.code else {}


def problem_of_text(side: Side, named: str, text: str, users: Sequence[User], found: Found) -> Problem | None:
    """Return the note or error about a text in the column `named`, or None if it names no user."""
    where: dict[str, Any] = {"row": side.row, "column": side.column, "value": text, "named": Sentence(named)}
    if not found.is_certain(text):
        return problem_kinds.IDENTIFIER_UNREADABLE(**where)
    if len(users) > 1:
        choices = ", ".join(f"{user.name} ({user.pk})" for user in users)
        return problem_kinds.IDENTIFIER_OF_MANY(**where, choices=choices)
    return problem_kinds.IDENTIFIED(**where, name=users[0].name, number=users[0].pk) if users else None


# --- Texts beside the ID columns -------------------------------------------------------------------------------------


def with_users_beside(row: Row, found: Found) -> Row:
    if not (row.from_identifiers or row.to_identifiers):
        return row
    (source, of_source), (target, of_target) = (identified(side, found) for side in sides(row))
    unread = [side.column for side in (source, target) if side.identifiers and side.user_id is None]
    own = (replace(p, suggestion=None) if p.column in unread else p for p in row.problems)
    return replace(
        row,
        from_text=source.text,
        to_text=target.text,
        from_id=source.user_id,
        to_id=target.user_id,
        problems=(*own, *of_source, *of_target),
    )


def identified(side: Side, found: Found) -> tuple[Side, list[Problem]]:
    """Return the side with the ID of its user, and notes or errors.

    After an error there is no ID, and the text cannot be read as one. The error thus remains if the row is changed in
    another cell or swapped.
    """
    if not side.identifiers:
        return side, []
    said = [
        about(side, name, claim, found)
        for (name, _), claim in zip(side.identifiers, side.claims, strict=True)
    ]
    problems = [problem for problem in said if problem.severity.blocks]
    ids = {user.pk for claim in side.claims for user in found.users.get(claim, ())}
    ids |= {side.user_id} if side.user_id else set()
    if not problems and len(ids) > 1:
        problems = [
            problem_kinds.IDENTIFIERS_DISAGREE(
                row=side.row, column=side.column, texts=", ".join(side.readings)
            )
        ]
    if problems or (side.user_id is None and not is_blank(side.text)):
        return replace(side, user_id=None, text=" and ".join(side.readings)), problems
    if side.user_id is not None:
        return side, []
    (user_id,) = ids
    return replace(side, user_id=user_id, text=str(user_id)), said


def about(side: Side, named: str, claim: Claim, found: Found) -> Problem:
    """Return the note or error about a text beside the ID column."""
    field, text = claim
    if problem := problem_of_text(side, named, text, found.users.get(claim, ()), found):
        return problem
    words: dict[str, Any] = {"named": Sentence(named), "what": Sentence(WORDS[field])}
    return problem_kinds.IDENTIFIER_UNKNOWN(row=side.row, column=side.column, value=text, **words)
