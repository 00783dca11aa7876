"""Control totals: before a batch is committed, its numbers must add up and nothing may be left with a source.

rows that hold a source or a target before = rows that hold a target after + rows dropped, merged and replaced
"""

from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection
from psycopg import sql

from transfers.engine.compile import Plan
from transfers.engine.stage import text


class Holders(NamedTuple):
    of_sources: int
    of_people: int


class DoesNotAddUp(Exception):
    """The engine's own control failed; the batch must not be committed. `data_type` is the key of the type."""

    def __init__(self, data_type: str, message: str) -> None:
        self.data_type = data_type
        super().__init__(message)


def count_holders(plans: Iterable[Plan]) -> dict[str, Holders]:
    """Per type: how many rows hold a source of the batch, and how many hold anybody of it. One statement."""
    statement = sql.SQL("\nUNION ALL\n").join(plan.holders for plan in plans if plan.holders)
    with connection.cursor() as cursor:
        cursor.execute(text(statement))
        return {
            data_type: Holders(of_sources, of_people)
            for data_type, of_sources, of_people in cursor.fetchall()
        }


# Straight types note nothing in the work table, and only count.
DISCARDED = """
SELECT type, count(DISTINCT "row") FROM transfer_work WHERE fate IN ('dropped', 'merged', 'replaced') GROUP BY type
UNION ALL
SELECT type, sum(n)::bigint FROM transfer_tally
WHERE what = 'replaced' AND type NOT IN (SELECT type FROM transfer_work)
GROUP BY type
"""


def check(before: dict[str, Holders], after: dict[str, Holders]) -> None:
    """Raise `DoesNotAddUp` at the first type whose control total is off."""
    with connection.cursor() as cursor:
        cursor.execute(DISCARDED)
        discarded = dict(cursor.fetchall())
    for data_type, held in before.items():
        left = after[data_type].of_sources
        if left:
            raise DoesNotAddUp(data_type, f"{left} rows still hold a source after the move.")
        expected = held.of_people - discarded.get(data_type, 0)
        if after[data_type].of_people != expected:
            raise DoesNotAddUp(
                data_type,
                f"{after[data_type].of_people} rows hold a target after the move, {expected} were expected.",
            )
