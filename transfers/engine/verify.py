"""Control totals: before a batch is committed, its numbers must add up and nothing may be left with a source.

For each pair and type:  source rows before = rows moved + dropped + merged
For each judged type:    rows that hold anybody before = rows that hold a target after + rows that lost,
                         and no row holds a source any more

A straight type needs no total: its rows were counted, and then moved by one statement that counted them too.
"""

from collections.abc import Iterable

from django.db import connection

from transfers.engine.compile import Plan


class DoesNotAddUp(Exception):
    """The engine's own control failed; the batch must not be committed. `data_type` is the key of the type."""

    def __init__(self, data_type: str, message: str) -> None:
        self.data_type = data_type
        super().__init__(message)


Holders = dict[str, int]


def holders_before(plans: Iterable[Plan]) -> Holders:
    """Per judged type: how many rows hold anybody of the batch. To be asked before anything moves. One statement."""
    return by_type(plan.holders_before for plan in plans)


def holders_after(plans: Iterable[Plan]) -> Holders:
    """Per judged type: how many rows hold a target. One statement."""
    return by_type(plan.holders_after for plan in plans)


def by_type(parts: Iterable[str]) -> Holders:
    return dict(rows_of_all(parts))


def rows_of_all(parts: Iterable[str]) -> list[tuple]:
    """The rows of one statement that asks for every type."""
    statement = " UNION ALL ".join(part for part in parts if part)
    return rows(statement) if statement else []


def rows(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


LOST = """
SELECT type, count(DISTINCT "row") FROM transfer_work WHERE fate IN ('dropped', 'merged', 'replaced') GROUP BY type
"""

# The first type in which a pair's numbers differ.
UNEQUAL = """
SELECT type, pair,
    coalesce(sum(n) FILTER (WHERE what = 'source'), 0)::bigint AS held,
    coalesce(sum(n) FILTER (WHERE what IN ('moved', 'dropped', 'merged')), 0)::bigint AS done
FROM transfer_tally
GROUP BY type, pair
HAVING sum(n) FILTER (WHERE what = 'source') IS DISTINCT FROM
    sum(n) FILTER (WHERE what IN ('moved', 'dropped', 'merged'))
LIMIT 1
"""


def check(plans: Iterable[Plan], before: Holders) -> None:
    """Raise `DoesNotAddUp` at the first type whose numbers are off. A fixed number of statements."""
    plans = list(plans)
    nothing_left_behind(plans)
    for data_type, pair, held, done in rows(UNEQUAL):
        raise DoesNotAddUp(
            data_type, f"of {held} source rows of pair {pair}, {done} were moved, dropped or merged."
        )
    lost, after = dict(rows(LOST)), holders_after(plans)
    for data_type, held in before.items():
        expected = held - lost.get(data_type, 0)
        if after[data_type] != expected:
            message = f"{after[data_type]} rows hold a target after the move, {expected} were expected."
            raise DoesNotAddUp(data_type, message)


def nothing_left_behind(plans: Iterable[Plan]) -> None:
    for (data_type,) in rows_of_all(plan.left_behind for plan in plans):
        raise DoesNotAddUp(data_type, "rows still hold a source after the move.")
