"""Verification before a batch is committed. It trusts neither the statements nor the tables, but counts again.

A trigger, a rewrite rule, a policy or a cascade may do something else than a statement says. For every type:

- no row holds a source any more, and the values that a statement wrote are in the rows;
- source rows before = rows moved + dropped + merged, as the journal has them, for each pair;
- what was to be deleted is what the journal has as deleted, for each pair;
- rows holding a user of the batch before = rows holding a target after + rows deleted.

And for every table of the database, declared or not, PostgreSQL's own count of the rows that this transaction deleted
is the number that the journal has.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

from transfers.engine.catalog.names import quoted
from transfers.engine.compiler.plans import CompiledPlan, tables_of
from transfers.registry import by_key


class TotalsMismatch(Exception):
    """The control totals do not match; the batch must not be committed.

    `data_type` is the key of the data type, or "" if the table is not one of a data type.
    """

    def __init__(self, data_type: str, message: str) -> None:
        self.data_type = data_type
        super().__init__(message)


Numbers = dict[str, int]


def fetch_union(selects: Iterable[str]) -> list[tuple]:
    """Execute all non-empty SELECTs in one statement, and return their rows."""
    statement = " UNION ALL ".join(filter(None, selects))
    return fetch(statement) if statement else []


def fetch(statement: str, parameters: Mapping[str, Any] | None = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


# --- Before anything is moved --------------------------------------------------------------------------------------


COUNTED = """
SELECT type, sum(n)::bigint FROM transfer_tally
WHERE type = ANY (%(types)s) AND what IN ('source', 'target')
GROUP BY type
"""


def holders_before(plans: Iterable[CompiledPlan]) -> Numbers:
    """Return, for each type, how many rows have a user of the batch in an owner column.

    The rows of the pairs must have been counted. If a row belongs to at most one user, these counts are the answer.
    """
    plans = list(plans)
    types = [plan.data_type.key for plan in plans if plan.totals.counts and not plan.totals.holders_before]
    shared = fetch_union(plan.totals.holders_before for plan in plans)
    return dict([*shared, *fetch(COUNTED, {"types": types})])


# PostgreSQL counts per partition: a row that changes its partition is deleted from one and inserted into the other.
# Temporary tables are the engine's own.
DELETED = """
SELECT coalesce(pg_partition_root(c.oid), c.oid)::regclass::text, sum(
    pg_stat_get_xact_tuples_deleted(c.oid)
    - CASE WHEN c.relispartition THEN pg_stat_get_xact_tuples_inserted(c.oid) ELSE 0 END
)::bigint, bool_or(c.relispartition)
FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
GROUP BY 1
"""


def deleted_so_far() -> list[tuple[str, int, bool]]:
    """Return, for each table as SQL, the rows deleted in this transaction, and whether the table is partitioned.

    The numbers may include earlier transactions of this connection.
    """
    return fetch(DELETED)


def deleted_before() -> Numbers:
    return {table: number for table, number, _ in deleted_so_far()}


# --- After everything is moved -------------------------------------------------------------------------------------


def check(plans: Iterable[CompiledPlan], before: Numbers, deleted: Numbers) -> None:
    """Raise `TotalsMismatch` if the numbers of a data type or a table differ. Takes a fixed number of statements."""
    plans = list(plans)
    check_sources()
    check_left_behind(plans)
    check_outcomes(plans)
    deletions = fetch(DELETIONS)
    check_holders(plans, before, deletions)
    check_deleted(deleted, deletions)


# Finds one pair and type whose numbers differ.
UNEQUAL = """
SELECT type, pair,
    coalesce(sum(n) FILTER (WHERE what = 'source'), 0)::bigint,
    coalesce(sum(n) FILTER (WHERE what IN ('moved', 'dropped', 'merged')), 0)::bigint,
    coalesce(sum(n) FILTER (WHERE what = 'unintended'), 0)::bigint
FROM transfer_tally
GROUP BY type, pair
HAVING coalesce(sum(n) FILTER (WHERE what = 'source'), 0) <>
    coalesce(sum(n) FILTER (WHERE what IN ('moved', 'dropped', 'merged')), 0) OR bool_or(what = 'unintended')
LIMIT 1
"""


def check_sources() -> None:
    for data_type, pair, source_rows, done, unintended in fetch(UNEQUAL):
        if unintended:
            message = (
                f"{unintended:,} records do not have the values that were written to them (pair {pair})."
            )
            raise mismatch(data_type, message, UPDATE)
        message = f"{source_rows:,} source records, but {done:,} moved, dropped or merged (pair {pair})."
        raise mismatch(data_type, message, UPDATE | DELETE)


def check_left_behind(plans: Iterable[CompiledPlan]) -> None:
    for (data_type,) in fetch_union(plan.totals.left_behind for plan in plans):
        raise mismatch(data_type, "records still belong to the Source User after the move.", UPDATE)


# What was decided, and what the journal says was done. Decided are the outcomes in the work table and, for direct types
# that are overwritten, the target's rows and their children, which were counted before.
UNDONE = """
SELECT type, pair, what, sum(decided)::bigint, sum(done)::bigint
FROM (
    SELECT split_part(type, ' > ', 1) AS type, pair,
        CASE WHEN type LIKE '%% > %%' THEN 'children' ELSE outcome END AS what, count(*) AS decided, 0 AS done
    FROM transfer_work
    WHERE outcome <> 'stays'
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT type, pair, 'replaced', sum(n) FILTER (WHERE what = 'target'), 0
    FROM transfer_tally
    WHERE type = ANY (%(overwritten)s) AND what IN ('source', 'target')
    GROUP BY type, pair
    HAVING bool_or(what = 'source') AND bool_or(what = 'target')
    UNION ALL
    SELECT type, pair, 'children', n, 0 FROM transfer_tally WHERE what = 'expected children'
    UNION ALL
    SELECT type, pair, what, 0, n
    FROM transfer_tally
    WHERE what IN ('moved', 'dropped', 'merged', 'replaced', 'children')
        AND (type = ANY (%(resolved)s) OR type = ANY (%(overwritten)s) AND what <> 'moved')
) AS both_sides
GROUP BY type, pair, what
HAVING sum(decided) <> sum(done)
LIMIT 1
"""


def check_outcomes(plans: Iterable[CompiledPlan]) -> None:
    resolved = [plan.data_type.key for plan in plans if plan.resolves_conflicts]
    overwritten = [
        plan.data_type.key for plan in plans if plan.data_type.overwrites and not plan.resolves_conflicts
    ]
    for data_type, pair, what, decided, done in fetch(
        UNDONE, {"resolved": resolved, "overwritten": overwritten}
    ):
        message = f"{decided:,} records should be {WORDS[what]}, but {done:,} were (pair {pair})."
        raise mismatch(data_type, message, UPDATE if what == "moved" else DELETE)


WORDS = {
    "children": "deleted with the record that they belong to",
    "replaced": "deleted for their successors",
}
WORDS |= {what: what for what in ("moved", "dropped", "merged")}

# By type and by table, as the journal has them.
DELETIONS = """
SELECT type, coalesce(pg_partition_root(relation), relation)::regclass::text, n FROM transfer_deleted
"""


def check_holders(plans: Iterable[CompiledPlan], before: Numbers, deletions: list[tuple]) -> None:
    """Check the types that were changed, which are those in `before`."""
    changed = (plan.totals.holders_after for plan in plans if plan.data_type.key in before)
    deleted, after = Counter[str](), dict(fetch_union(changed))
    for data_type, _, number in deletions:
        deleted[data_type] += number
    for data_type, rows_before in before.items():
        expected = rows_before - deleted[data_type]
        if after[data_type] != expected:
            message = f"{expected:,} records expected with the Target User after the move, found {after[data_type]:,}."
            raise mismatch(data_type, message, UPDATE | DELETE)


def check_deleted(before: Numbers, deletions: list[tuple]) -> None:
    """Compare with PostgreSQL's own counts, which include what a trigger or a cascade deleted, in any table.

    In a partitioned table, rows that a trigger inserts offset rows that it deletes, because they cannot be told from
    rows that changed their partition. A table with fewer deletions than the journal has is one that is not counted.
    """
    known = Counter[str]()
    for _, table, number in deletions:
        known[table] += number
    for table, number, is_partitioned in deleted_so_far():
        unknown = number - before.get(table, 0) - known[table]
        if unknown < 0 and not is_partitioned:
            raise TotalsMismatch(
                "", f"PostgreSQL does not count the deleted records of {table}: set track_counts = on."
            )
        if unknown > 0:
            message = (
                f"{unknown:,} records of {table} were deleted by something other than the transfer, such as a trigger"
                " or an undeclared foreign key with ON DELETE CASCADE."
            )
            raise mismatch("", message, DELETE, table)


# --- Who may have done it ------------------------------------------------------------------------------------------

DELETE, UPDATE = 8, 16  # as in pg_trigger.tgtype

SUSPECTS = """
SELECT format('the trigger %%I on %%s', g.tgname, g.tgrelid::regclass)
FROM pg_trigger AS g
WHERE g.tgrelid = ANY (%(tables)s::regclass[]::oid[]) AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
    AND g.tgtype & %(events)s <> 0
ORDER BY g.tgname
"""


def mismatch(data_type: str, message: str, events: int, table: str = "") -> TotalsMismatch:
    """Return the error, with the triggers that may have caused it.

    events: `DELETE`, `UPDATE` or both. table: if not a table of the data type.
    """
    tables = [table] if table else [quoted(name) for name in tables_of(by_key(data_type))]
    suspects = [name for (name,) in fetch(SUSPECTS, {"tables": tables, "events": events})]
    cause = f" A possible cause is {' or '.join(suspects)}." if suspects else ""
    return TotalsMismatch(data_type, message + cause)
