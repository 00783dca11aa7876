"""Rows that another system writes for users during their transfer ("late rows"), and where each must be afterwards.

A single statement writes a row for the source and, for types with a unique key, a conflicting row for the target, in
the order of their user IDs, which is also the order in which the engine locks users. The run without faults
(`control`) does not have these rows. They are therefore recognized by their unusual contact IDs or dates, excluded from
the comparison with that run, and checked here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import psycopg

# Late rows have contact IDs of at least CONTACT, or dates of at most DAY. Dates in the future would change the warnings
# of a pair, and a pair whose warnings have changed is refused.
CONTACT, DAY = 9_000_000_000_000_000, "DATE '1900-01-01'"
GOAL = CONTACT  # ID of a goal that belongs to a user who is in no transfer
Held = list[list[int]]  # [[user ID, value], ...], ordered by user ID


@dataclass(frozen=True)
class LateKind:
    """A table to which late rows are written, and what a transfer does with them.

    `insert` writes a row with the value 1 for %(source)s and, if `with_target`, one with the value 2 for %(target)s.
    `number`, `owner` and `value` are SQL expressions for a row `t`. The number is negative for rows that are not late.
    After a transfer of these rows, the target has one row with the value `moved`. The transfer adds `counts` to the
    pair's counts and discards the row of the `loser` ("source" or "target"). `day` is the column with the row's date.
    """

    data_type: str
    table: str
    insert: str
    number: str
    owner: str
    value: str
    with_target: bool
    moved: int
    counts: Mapping[str, int]
    loser: str = ""
    day: str = ""

    def before(self, source: int, target: int) -> Held:
        return sorted([[source, 1], [target, 2]] if self.with_target else [[source, 1]])

    def after(self, target: int) -> Held:
        return [[target, self.moved]]


KINDS = (
    LateKind(  # type with the rule Combine and no unique key
        data_type="quality.ccr",
        table="quality_ccr",
        insert=f"""
INSERT INTO quality_ccr (
    agent_id, contact_id, channel, direction, calling_number, called_number, started_at, ended_at, hold_seconds
)
VALUES (%(source)s, {CONTACT} + %(number)s, 'voice', 'inbound', '', '', now(), now(), 1)
""",
        number=f"t.contact_id - {CONTACT}",
        owner="t.agent_id",
        value="t.hold_seconds",
        with_target=False,
        moved=1,
        counts={"source": 1, "moved": 1},
    ),
    LateKind(  # type with the rule Overwrite and a unique key on (user, date)
        data_type="workforce.agentschedule",
        table="workforce_agentschedule",
        insert=f"""
INSERT INTO workforce_agentschedule (user_id, date, starts_at, ends_at, is_published)
SELECT user_id, {DAY} - %(number)s, now(), now() + n * interval '1 second', true
FROM (VALUES (%(source)s::bigint, 1), (%(target)s::bigint, 2)) AS v (user_id, n) ORDER BY user_id
""",
        number=f"{DAY} - t.date",
        owner="t.user_id",
        value="extract(epoch FROM t.ends_at - t.starts_at)::int",
        with_target=True,
        moved=1,
        counts={"source": 1, "target": 1, "moved": 1, "replaced": 1},
        loser="target",
        day="date",
    ),
    LateKind(  # type whose conflicting rows are summed; its unique key is (user, goal, period)
        data_type="quality.contactgoalprogress",
        table="quality_contactgoalprogress",
        insert=f"""
INSERT INTO quality_contactgoalprogress (goal_id, person_id, period, recorded, updated_at)
SELECT {GOAL}, person_id, {DAY} - %(number)s, n, now()
FROM (VALUES (%(source)s::bigint, 1), (%(target)s::bigint, 2)) AS v (person_id, n) ORDER BY person_id
""",
        number=f"{DAY} - t.period",
        owner="t.person_id",
        value="t.recorded",
        with_target=True,
        moved=3,
        counts={"source": 1, "target": 1, "merged": 1},
        loser="source",
        day="period",
    ),
)
CALLS = KINDS[0]
A_GOAL = f"""
INSERT INTO quality_contactgoal (id, owner_id, name, channel, contacts, period, is_active)
SELECT {GOAL}, id, 'Chaos', 'voice', 1, 'week', true FROM accounts_user WHERE username = 'admin'
"""
# SQL conditions that exclude late rows from the comparison with the run without faults, for rows `t` of each table
# and for discarded rows `r.t`.
NOT_LATE = {kind.table: f"{kind.number} < 0" for kind in KINDS}
NOT_DISCARDED_LATE = {kind.table: f"(r.t).{kind.day} > {DAY}" for kind in KINDS if kind.day}


class LateRow(NamedTuple):
    """A row that the other system wrote, or may have written if its connection was lost.

    `began` and `committed` are the database's time before and after the statement. `committed` is None if the
    connection was lost before that time could be read. `is_certain`: the statement succeeded, so the row exists.
    """

    kind: LateKind
    number: int
    source: int
    target: int
    began: datetime
    is_certain: bool
    committed: datetime | None


class Turn(NamedTuple):
    """The last attempt to transfer a pair.

    `began` is a time before its batch, and `ended` a time after its rows were moved.
    """

    target: int
    succeeded: bool
    began: datetime | None
    ended: datetime | None


Moved = dict[int, Counter[str]]  # source ID -> data type -> number of late rows moved to the target


class Found(NamedTuple):
    """The result of `check`. `sentences` describes each late row that is in a wrong place or was wrongly discarded."""

    sentences: list[str]
    moved: Moved


def check(live: psycopg.Connection, written: Sequence[LateRow], turns: Mapping[int, Turn]) -> Found:
    """Check where each late row is and which late rows were discarded."""
    found = Found([], defaultdict(Counter))
    for kind in KINDS:
        held: dict[int, Held] = dict(live.execute(holders(kind)).fetchall())
        lost: dict[int, list[int]] = dict(live.execute(discarded(kind)).fetchall()) if kind.loser else {}
        for row in (row for row in written if row.kind is kind):
            turn = turns[row.source]
            there = held.get(row.number, [])
            if there not in allowed(row, turn):
                found.sentences.append(
                    f"{kind.table}: the row written for {row.source} between {row.began} and {row.committed} is"
                    f" with {there}, {turn}"
                )
            is_moved = bool(there) and there == kind.after(turn.target)
            found.moved[row.source][kind.data_type] += is_moved
            loser = turn.target if kind.loser == "target" else row.source
            if lost.get(row.number, []) != ([loser] if kind.loser and is_moved else []):
                found.sentences.append(
                    f"{kind.table}: rows of {lost.get(row.number)} that were written for {row.source} were discarded"
                )
    return found


def check_undone(live: psycopg.Connection, written: Sequence[LateRow]) -> Iterator[str]:
    """Yield a sentence for each late row that is not as it was written, after all pairs were undone."""
    for kind in KINDS:
        held: dict[int, Held] = dict(live.execute(holders(kind)).fetchall())
        for row in (row for row in written if row.kind is kind):
            there = held.get(row.number, [])
            if there != kind.before(row.source, row.target) and (there or row.is_certain):
                yield f"{kind.table}: after the undo, the row written for {row.source} is with {there}"


def allowed(row: LateRow, turn: Turn) -> Iterator[Held]:
    """Yield every state in which the late row may be after the transfer.

    A row committed before its pair was processed must now belong to the target. A row written afterwards, or whose pair
    was not transferred, must be unchanged. Any other row may be in either state.
    """
    may_stay = not (turn.succeeded and row.committed and turn.began and row.committed < turn.began)
    may_move = turn.succeeded and not (turn.ended and row.began > turn.ended)
    if may_stay:
        yield row.kind.before(row.source, row.target)
    if may_move:
        yield row.kind.after(row.target)
    if not row.is_certain:
        yield []


def holders(kind: LateKind) -> str:
    return f"""
SELECT {kind.number}, array_agg(ARRAY[{kind.owner}, {kind.value}]::bigint[] ORDER BY {kind.owner}, {kind.value})
FROM {kind.table} AS t WHERE {kind.number} >= 0 GROUP BY 1
"""


def discarded(kind: LateKind) -> str:
    """Return SQL that selects, for each `number` of a late row (see LateKind), the users whose row was discarded."""
    return f"""
SELECT {kind.number}, array_agg({kind.owner}::bigint)
FROM transfers_journalentry AS d CROSS JOIN unnest(d.before) AS b CROSS JOIN LATERAL (SELECT (b::{kind.table}).*) AS t
WHERE d."table" = '{kind.table}' AND d.what IN ('dropped', 'merged', 'replaced') AND {kind.number} >= 0 GROUP BY 1
"""
