"""Control totals, checked before a batch is committed: the numbers must add up, and no source may keep a record.

For each pair and type:              source rows before = rows moved + dropped + merged
For each conflict-resolving type:    rows holding a user of the batch before = rows holding a target after + rows lost,
                                     and no row holds a source any more

Direct types (`compiler.plans`) do not need the second check, because the one statement that moves their rows also
counts them.
"""

from collections.abc import Iterable

from django.db import connection

from transfers.engine.compiler.plans import CompiledPlan


class TotalsMismatch(Exception):
    """The control totals do not match; the batch must not be committed. `data_type` is the key of the data type."""

    def __init__(self, data_type: str, message: str) -> None:
        self.data_type = data_type
        super().__init__(message)


Holders = dict[str, int]


def holders_before(plans: Iterable[CompiledPlan]) -> Holders:
    """Return, for each conflict-resolving type, how many rows have a user of the batch in an owner column.

    Call this before anything is moved. Executes one statement.
    """
    return dict(fetch_union(plan.totals.holders_before for plan in plans))


def fetch_union(selects: Iterable[str]) -> list[tuple]:
    """Execute all non-empty SELECTs in one statement, and return their rows."""
    statement = " UNION ALL ".join(filter(None, selects))
    return fetch(statement) if statement else []


def fetch(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


LOST = """
SELECT type, count(DISTINCT "row") FROM transfer_work WHERE outcome IN ('dropped', 'merged', 'replaced') GROUP BY type
"""

# Finds one pair and type whose numbers differ.
UNEQUAL = """
SELECT type, pair,
    coalesce(sum(n) FILTER (WHERE what = 'source'), 0)::bigint AS source_rows,
    coalesce(sum(n) FILTER (WHERE what IN ('moved', 'dropped', 'merged')), 0)::bigint AS done
FROM transfer_tally
GROUP BY type, pair
HAVING sum(n) FILTER (WHERE what = 'source') IS DISTINCT FROM
    sum(n) FILTER (WHERE what IN ('moved', 'dropped', 'merged'))
LIMIT 1
"""


def check(plans: Iterable[CompiledPlan], before: Holders) -> None:
    """Raise `TotalsMismatch` if the numbers of a data type differ. Takes a fixed number of statements."""
    plans = list(plans)
    check_left_behind(plans)
    for data_type, pair, source_rows, done in fetch(UNEQUAL):
        message = f"{source_rows:,} source records, but {done:,} moved, dropped or merged (pair {pair})."
        raise TotalsMismatch(data_type, message)
    lost, after = dict(fetch(LOST)), dict(fetch_union(plan.totals.holders_after for plan in plans))
    for data_type, rows_before in before.items():
        expected = rows_before - lost.get(data_type, 0)
        if after[data_type] != expected:
            message = f"{expected:,} records expected with the Target User after the move, found {after[data_type]:,}."
            raise TotalsMismatch(data_type, message)


def check_left_behind(plans: Iterable[CompiledPlan]) -> None:
    for (data_type,) in fetch_union(plan.totals.left_behind for plan in plans):
        raise TotalsMismatch(data_type, "records still belong to the Source User after the move.")
