"""Find the users whom rows name by email, user name or employee ID, and write their IDs into the rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from accounts.models import User
from accounts.people.search import users_identified
from transfers.people_csv import FROM_USER_ID, IDENTIFIERS, TO_USER_ID, Row, is_blank
from transfers.validation import problem_kinds
from wording.phrases import counted
from wording.problems import Problem, Sentence

WORDS = {"email": "email", "username": "user name", "employee_id": "employee ID"}
Users = Mapping[tuple[str, str], User]


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

    Only users whom `person` can see are found. Takes two queries, or none if the rows name nobody.
    """
    claims = {claim for row in rows for side in sides(row) for claim in side.claims}
    if not claims:
        return list(rows), []
    users = users_identified(person, claims)
    found = [with_own_users(row, users) for row in rows]
    count = sum(p.code == problem_kinds.IDENTIFIED.code for row in found for p in row.problems)
    return found, [note(count)] if count else []


def note(count: int) -> Problem:
    was = Sentence("was" if count == 1 else "were")
    return problem_kinds.IDENTIFIED_CELLS(cells=Sentence(counted(count, "cell")), was=was)


def sides(row: Row) -> Iterable[Side]:
    yield Side(row.number, FROM_USER_ID, row.from_text, row.from_id, row.from_identifiers)
    yield Side(row.number, TO_USER_ID, row.to_text, row.to_id, row.to_identifiers)


def with_own_users(row: Row, users: Users) -> Row:
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
        user = users[claim]
        yield problem_kinds.IDENTIFIED(
            row=side.row, column=side.column, value=text, named=Sentence(name), name=user.name, number=user.pk
        )
