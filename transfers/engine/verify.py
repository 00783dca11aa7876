"""Control totals: before a batch is committed, its numbers must add up and nothing may be left with a source.

rows that hold a source or a target before = rows that hold a target after + rows dropped, merged and replaced
"""

from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection

from transfers.engine.compile import Plan


class After(NamedTuple):
    of_sources: int
    of_targets: int


class DoesNotAddUp(Exception):
    """The engine's own control failed; the batch must not be committed. `data_type` is the key of the type."""

    def __init__(self, data_type: str, message: str) -> None:
        self.data_type = data_type
        super().__init__(message)


# Of a type with a single owner every row was counted once, per pair, before the move.
COUNTED_BEFORE = """
SELECT type, sum(n)::bigint FROM transfer_tally WHERE what IN ('source', 'target') AND type = ANY (%s) GROUP BY type
"""


def holders_before(plans: Iterable[Plan]) -> dict[str, int]:
    """Per type: how many rows hold anybody of the batch. To be asked after `count_before`, before anything moves."""
    several = [plan for plan in plans if plan.holders_before]
    single = [plan.data_type.key for plan in plans if plan.holders_after and not plan.holders_before]
    with connection.cursor() as cursor:
        cursor.execute(COUNTED_BEFORE, [single])
        before = dict.fromkeys(single, 0) | dict(cursor.fetchall())
        if several:
            cursor.execute(" UNION ALL ".join(plan.holders_before for plan in several))
            before |= dict(cursor.fetchall())
    return before


def holders_after(plans: Iterable[Plan]) -> dict[str, After]:
    """Per type: how many rows still hold a source, and how many hold a target. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(plan.holders_after for plan in plans if plan.holders_after))
        return {data_type: After(*counts) for data_type, *counts in cursor.fetchall()}


# Straight types note nothing in the work table, and only count.
DISCARDED = """
SELECT type, count(DISTINCT "row") FROM transfer_work WHERE fate IN ('dropped', 'merged', 'replaced') GROUP BY type
UNION ALL
SELECT type, sum(n)::bigint FROM transfer_tally
WHERE what = 'replaced' AND type NOT IN (SELECT type FROM transfer_work)
GROUP BY type
"""


def check(before: dict[str, int], after: dict[str, After]) -> None:
    """Raise `DoesNotAddUp` at the first type whose control total is off."""
    with connection.cursor() as cursor:
        cursor.execute(DISCARDED)
        discarded = dict(cursor.fetchall())
    for data_type, held in before.items():
        left, now = after[data_type]
        if left:
            raise DoesNotAddUp(data_type, f"{left} rows still hold a source after the move.")
        expected = held - discarded.get(data_type, 0)
        if now != expected:
            raise DoesNotAddUp(
                data_type, f"{now} rows hold a target after the move, {expected} were expected."
            )
