"""Judges each row by itself and then all rows among each other. Pure: facts in, problems out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transfers.people_csv import FROM_USER_ID, TO_USER_ID, names_agree
from transfers.problems import Problem
from transfers.validation import kinds
from transfers.validation.facts import Facts, UserFacts

ROWS_NAMED = 10


@dataclass(frozen=True)
class CandidateRow:
    """A selected row as it is judged. An id is None where the cell held none (its text was judged already, or blank).

    `has_source` and `has_target` tell a blank cell from one with an unreadable text. The names are the file's.
    """

    number: int
    source_id: int | None
    target_id: int | None
    has_source: bool = True
    has_target: bool = True
    first_name: str = ""
    last_name: str = ""

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
    complete = [row for row in rows if row.pair and row.source_id != row.target_id]
    for judge in (repeated, two_targets, two_sources, chains):
        for number, problem in judge(complete):
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


def judge_user(row: CandidateRow, column: str, user_id: int, facts: Facts) -> Iterable[Problem]:
    user = facts.users.get(user_id)
    where = {"row": row.number, "column": column, "value": str(user_id)}
    if user is None:
        yield kinds.UNKNOWN_USER(**where)
        return
    is_source = column == FROM_USER_ID
    if is_source and not names_agree(row.first_name, row.last_name, user.first_name, user.last_name):
        in_file = f"{row.first_name} {row.last_name}".strip()
        yield kinds.MISSORTED(**where, name_in_file=in_file, name=user.name)
    if user.is_tenant_administrator:
        yield kinds.TENANT_ADMINISTRATOR(**where, name=user.name)
    if user.id == facts.person_id:
        yield kinds.ACTING_PERSON(**where, name=user.name)
    if is_source and user.reaches_beyond and not user.is_tenant_administrator:
        yield kinds.REACHES_BEYOND(**where, name=user.name)
    if user.busy_in is not None:
        yield kinds.BUSY(**where)
    yield from judge_activity(user, is_source, where)


def judge_activity(user: UserFacts, is_source: bool, where: dict) -> Iterable[Problem]:
    if is_source and user.is_active:
        yield kinds.ACTIVE_SOURCE(**where, name=user.name)
    if not is_source and not user.is_active:
        yield kinds.INACTIVE_TARGET(**where, name=user.name)


# --- Rows among each other -----------------------------------------------------------------------------------------

Findings = Iterable[tuple[int, Problem]]


def repeated(rows: Sequence[CandidateRow]) -> Findings:
    first: dict[tuple[int, int] | None, int] = {}
    for row in rows:
        if row.pair in first:
            yield row.number, kinds.REPEATED(row=row.number, first=first[row.pair])
        first.setdefault(row.pair, row.number)


def two_targets(rows: Sequence[CandidateRow]) -> Findings:
    for source, group in grouped(rows, "source_id").items():
        if len({row.target_id for row in group}) > 1:
            for row in group:
                yield (
                    row.number,
                    kinds.TWO_TARGETS(
                        row=row.number, column=FROM_USER_ID, value=str(source), rows=numbers(group)
                    ),
                )


def two_sources(rows: Sequence[CandidateRow]) -> Findings:
    for target, group in grouped(rows, "target_id").items():
        sources = sorted({row.source_id for row in group if row.source_id is not None})
        if len(sources) > 1:
            for row in group:
                yield (
                    row.number,
                    kinds.TWO_SOURCES(
                        row=row.number,
                        column=TO_USER_ID,
                        value=str(target),
                        sources=listed(str(source) for source in sources),
                        rows=numbers(group),
                    ),
                )


def chains(rows: Sequence[CandidateRow]) -> Findings:
    """Rows whose source or target plays the other part in another row: A → B → C, and cycles."""
    following = {row.source_id: row.target_id for row in rows}
    preceding = {row.target_id: row.source_id for row in rows}
    paths: dict[int | None, str] = {}
    for row in rows:
        if row.source_id in preceding or row.target_id in following:
            if row.source_id not in paths:
                users = path(row.source_id, following, preceding)
                paths.update(dict.fromkeys(users, arrows(users)))
            yield row.number, kinds.CHAIN(row=row.number, path=paths[row.source_id])


Links = dict[int | None, int | None]


def path(user: int | None, following: Links, preceding: Links) -> list[int | None]:
    """The whole path that a user is on, from its first user to its last; in a cycle the first comes again."""
    seen = {user}
    first = user
    while first in preceding and preceding[first] not in seen:
        first = preceding[first]
        seen.add(first)
    users = [first]
    passed = {first}
    while users[-1] in following and following[users[-1]] not in passed:
        users.append(following[users[-1]])
        passed.add(users[-1])
    return [*users, users[0]] if following.get(users[-1]) == users[0] else users


def arrows(users: Sequence[int | None]) -> str:
    shown = [str(user) for user in users]
    if len(shown) > ROWS_NAMED:
        shown = [*shown[: ROWS_NAMED - 1], "…", shown[-1]]
    return " → ".join(shown)


def grouped(rows: Sequence[CandidateRow], field: str) -> dict[int, list[CandidateRow]]:
    groups: dict[int, list[CandidateRow]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, field)].append(row)
    return groups


def numbers(group: Sequence[CandidateRow]) -> str:
    return listed(str(row.number) for row in group)


def listed(words: Iterable[str]) -> str:
    """Like "12", "12 and 80", "12, 13 and 80"; after ten, how many more."""
    items = list(words)
    if len(items) > ROWS_NAMED:
        items = [*items[:ROWS_NAMED], f"{len(items) - ROWS_NAMED} more"]
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else items[0]
