"""Rows that another system writes for users during their transfer, and where each must be afterwards.

Each is written in one statement, for the source and, for types whose rows conflict, for the target as well, in the
order of their ids, as the engine locks them. The undisturbed run does not have these rows: their numbers exclude them
from that comparison, and they are checked here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import psycopg

# Late rows have contact ids from here up, or days from here back: rows in the future would change the warnings of a
# pair, which is then refused.
CONTACT, DAY = 9_000_000_000_000_000, "DATE '1900-01-01'"
GOAL = CONTACT  # of a user who is in no transfer
Held = list[list[int]]  # [[user, value], ...] by user


@dataclass(frozen=True)
class LateKind:
    """A table, and what a transfer does with its late rows.

    insert: the row of %(source)s, which has the value 1, and that of %(target)s, if any, with the value 2.
    number, owner, value: of a row `t`; numbers of other rows are negative. moved: the target's value afterwards.
    counts: what that adds to the pair's counts. loser: whose row is discarded.
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
    LateKind(  # combined, without a key
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
    LateKind(  # overwritten, with a key on user and day
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
    LateKind(  # summed up, with a key on user, goal and period
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
# For the comparison with the undisturbed run: conditions that exclude late rows, per table and for discarded rows `d`.
NOT_LATE = {kind.table: f"{kind.number} < 0" for kind in KINDS}
NOT_DISCARDED_LATE = " AND ".join(
    f"""NOT (d."table" = '{kind.table}' AND (d."row"->>'{kind.day}')::date <= {DAY})"""
    for kind in KINDS
    if kind.day
)


class LateRow(NamedTuple):
    """`began`, `committed`: before and after the statement, by the database's clock; None: the connection was lost.

    is_certain: the connection survived the statement, so the row exists.
    """

    kind: LateKind
    number: int
    source: int
    target: int
    began: datetime
    is_certain: bool
    committed: datetime | None


class Turn(NamedTuple):
    """The work on a pair, from before its last batch until after its rows were moved."""

    target: int
    succeeded: bool
    began: datetime | None
    ended: datetime | None


Moved = dict[int, Counter[str]]  # source -> data type -> late rows that went to the target


class Found(NamedTuple):
    """sentences: about rows in wrong places."""

    sentences: list[str]
    moved: Moved


def check(live: psycopg.Connection, written: Sequence[LateRow], turns: Mapping[int, Turn]) -> Found:
    """Check where each late row is, and which were discarded."""
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


def allowed(row: LateRow, turn: Turn) -> Iterator[Held]:
    """Written before the work on its pair, a row is with the target; written after it, or if it failed, it stays."""
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
    """The users whose late rows were discarded, by the rows' numbers."""
    return f"""
SELECT {kind.number}, array_agg({kind.owner}::bigint)
FROM transfers_discardedrow AS d CROSS JOIN LATERAL jsonb_populate_record(NULL::{kind.table}, d."row") AS t
WHERE d."table" = '{kind.table}' AND {kind.number} >= 0 GROUP BY 1
"""
