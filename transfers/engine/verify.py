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
from typing import Any, NamedTuple

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
COUNTED_BY_POSTGRESQL = """
SELECT coalesce(pg_partition_root(c.oid), c.oid)::regclass::text, bool_or(c.relispartition),
    sum(
        pg_stat_get_xact_tuples_deleted(c.oid)
        - CASE WHEN c.relispartition THEN pg_stat_get_xact_tuples_inserted(c.oid) ELSE 0 END
    )::bigint,
    sum(pg_stat_get_xact_tuples_updated(c.oid))::bigint
FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
GROUP BY 1
"""


class Counted(NamedTuple):
    """The rows that PostgreSQL has counted as deleted and updated in a table, maybe in earlier transactions too."""

    is_partitioned: bool = False
    deleted: int = 0
    updated: int = 0


# TRUNCATE is not counted, but gives a table a new file.
FILES = """
SELECT oid::bigint, oid::regclass::text, pg_relation_filenode(oid)::bigint FROM pg_class
WHERE relkind = 'r' AND relpersistence <> 't'
"""


class Before(NamedTuple):
    """The database before anything is moved: counts by table as SQL, the name and file of each table, and settings."""

    counted: dict[str, Counted]
    files: dict[int, tuple[str, int]]
    settings: str


def counted() -> dict[str, Counted]:
    return {table: Counted(*counts) for table, *counts in fetch(COUNTED_BY_POSTGRESQL)}


def database_before() -> Before:
    return Before(counted(), {oid: (table, file) for oid, table, file in fetch(FILES)}, settings())


# --- After everything is moved -------------------------------------------------------------------------------------


def check(plans: Iterable[CompiledPlan], holders: Numbers, before: Before) -> None:
    """Raise `TotalsMismatch` if the numbers of a data type or a table differ. Takes a fixed number of statements."""
    plans = list(plans)
    check_settings(before.settings)
    check_sources()
    check_left_behind(plans)
    check_outcomes(plans)
    changes = fetch(CHANGES)
    check_holders(plans, holders, changes)
    check_counted(plans, before.counted, changes)
    check_files(before.files)


# Those that decide how the journal prints values, and which tables a statement finds.
SETTINGS = """
SELECT concat_ws('; ', current_setting('datestyle'), current_setting('intervalstyle'), current_setting('timezone'),
    current_setting('extra_float_digits'), current_setting('bytea_output'), current_setting('lc_monetary'),
    current_setting('search_path'), current_setting('transfers.transfer'))
"""


def settings() -> str:
    [(found,)] = fetch(SETTINGS)
    return str(found)


def check_settings(before: str) -> None:
    if (now := settings()) != before:
        raise TotalsMismatch("", f"a trigger changed the settings of the transaction from {before} to {now}.")


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
ORDER BY pair DESC
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
        CASE WHEN type LIKE '%% > %%' AND outcome <> 'detached' THEN 'children' ELSE outcome END AS what,
        count(*) AS decided, 0 AS done
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
    WHERE what IN ('moved', 'dropped', 'merged', 'replaced', 'children', 'detached')
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
        raise mismatch(data_type, message, UPDATE if what in ("moved", "detached") else DELETE)


WORDS = {
    "children": "deleted with the record that they belong to",
    "replaced": "deleted for their successors",
    "detached": "detached from deleted records",
}
WORDS |= {what: what for what in ("moved", "dropped", "merged")}

# By type and by table, as the statements counted them.
CHANGES = """
SELECT type, coalesce(pg_partition_root(relation), relation)::regclass::text, deleted, updated FROM transfer_changes
"""


def check_holders(plans: Iterable[CompiledPlan], before: Numbers, changes: list[tuple]) -> None:
    """Check the types that were changed, which are those in `before`."""
    changed = (plan.totals.holders_after for plan in plans if plan.data_type.key in before)
    deleted, after = Counter[str](), dict(fetch_union(changed))
    for data_type, _, number, _ in changes:
        deleted[data_type] += number
    for data_type, rows_before in before.items():
        expected = rows_before - deleted[data_type]
        if after[data_type] != expected:
            message = f"{expected:,} records expected with the Target User after the move, found {after[data_type]:,}."
            raise mismatch(data_type, message, UPDATE | DELETE)


def check_counted(plans: Iterable[CompiledPlan], before: Mapping[str, Counted], changes: list[tuple]) -> None:
    """Compare with PostgreSQL's own counts, which include what a trigger or a cascade did.

    Rows must not be deleted from any table of the database unless the journal has them. In the tables of the data types
    no other rows may be updated. In a partitioned table, rows that a trigger inserts offset rows that it deletes,
    because they cannot be told from rows that changed their partition.
    """
    deleted, updated = Counter[str](), Counter[str]()
    for _, table, number_deleted, number_updated in changes:
        deleted[table] += number_deleted
        updated[table] += number_updated
    ours = {name for plan in plans for name in plan.regclass.values()}
    for table, now in counted().items():
        then = before.get(table, Counted())
        check_table(table, now, then, deleted[table], updated[table], is_ours=table in ours)


# Other sessions may give their tables new files meanwhile. This session locks a table that it truncates or drops.
LOCKED = """
SELECT relation::bigint, pg_relation_filenode(relation)::bigint FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND mode = 'AccessExclusiveLock'
"""


def check_files(before: Mapping[int, tuple[str, int]]) -> None:
    for oid, file in fetch(LOCKED):
        if oid in before and before[oid][1] != file:
            raise TotalsMismatch(
                "", f"the table {before[oid][0]} was emptied or dropped, probably by a trigger."
            )


def check_table(
    table: str, now: Counted, then: Counted, deleted: int, updated: int, *, is_ours: bool
) -> None:
    unknown = now.deleted - then.deleted - deleted
    changed = now.updated - then.updated - updated
    if (unknown < 0 or changed < 0) and not now.is_partitioned:
        raise TotalsMismatch("", f"PostgreSQL does not count the changes of {table}: set track_counts = on.")
    if unknown > 0:
        message = (
            f"{unknown:,} records of {table} were deleted by something other than the transfer, such as a trigger or an"
            " undeclared foreign key with ON DELETE CASCADE."
        )
        raise mismatch("", message, DELETE, table)
    if changed > 0 and is_ours:
        message = (
            f"{changed:,} records of {table} were changed by something other than the transfer (a trigger?)."
        )
        raise mismatch("", message, UPDATE, table)


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
