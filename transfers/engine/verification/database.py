"""What PostgreSQL itself knows about the transaction: the rows that it counted, the files of tables, and settings."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import connection

from transfers.engine.catalog.triggers import FIRES
from transfers.engine.compiler.plans import CompiledPlan
from transfers.engine.stage import fetch
from transfers.engine.verification.mismatch import DELETE, INSERT, UPDATE, TotalsMismatch, mismatch

# PostgreSQL counts per partition: a row that changes its partition is deleted from one and inserted into the other.
# Temporary tables are the engine's own.
COUNTED_BY_POSTGRESQL = """
SELECT coalesce(pg_partition_root(c.oid), c.oid)::regclass::text, bool_or(c.relispartition),
    sum(
        pg_stat_get_xact_tuples_deleted(c.oid)
        - CASE WHEN c.relispartition THEN pg_stat_get_xact_tuples_inserted(c.oid) ELSE 0 END
    )::bigint,
    sum(pg_stat_get_xact_tuples_updated(c.oid))::bigint,
    sum(pg_stat_get_xact_tuples_inserted(c.oid))::bigint,
    array_agg(c.oid::regclass::text)
FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
GROUP BY 1
"""


class Counted(NamedTuple):
    """The rows that PostgreSQL has counted in a table, maybe in earlier transactions too.

    Those that changed their partition are counted as inserted, and not as deleted or updated. parts: the table, or its
    partitions, each of which may be the table of a data type.
    """

    is_partitioned: bool = False
    deleted: int = 0
    updated: int = 0
    inserted: int = 0
    parts: Sequence[str] = ()

    @property
    def touched(self) -> int:
        """The rows that were updated or deleted. One that changed its partition is counted as deleted and inserted."""
        return self.updated + self.deleted + (self.inserted if self.is_partitioned else 0)

    def names(self, table: str) -> set[str]:
        return {table, *self.parts}


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


def any_inserted(tables: Iterable[str], before: Mapping[str, Counted], now: Mapping[str, Counted]) -> bool:
    """Return whether the transaction has inserted rows into one of the tables, or moved some between its partitions."""
    wanted = set(tables)
    return any(
        count.inserted > before.get(table, Counted()).inserted
        for table, count in now.items()
        if not wanted.isdisjoint(count.names(table))
    )


# PostgreSQL's own triggers, which check foreign keys and unique keys, change nothing.
DEFERRABLE_TRIGGERS = f"""
SELECT g.tgrelid::regclass::text, bool_and(g.tginitdeferred) FROM pg_trigger AS g
WHERE g.tgdeferrable AND g.tgfoid >= 16384 AND {FIRES}
GROUP BY 1
"""  # noqa: S608  # nosec B608  (a constant is inserted)


def any_trigger_waits(before: Mapping[str, Counted], now: Mapping[str, Counted]) -> bool:
    """Return whether a trigger of another program may wait for the end of the transaction.

    Those that are initially immediate do not, but would if all constraints were deferred.
    """
    deferrable = dict(fetch(DEFERRABLE_TRIGGERS))
    return not all(deferrable.values()) or any(
        (count.inserted, count.touched) != (then.inserted, then.touched)
        for table, count in now.items()
        for then in (before.get(table, Counted()),)
        if not deferrable.keys().isdisjoint(count.names(table))
    )


FIRE_DEFERRED = """
SET CONSTRAINTS ALL IMMEDIATE;
SELECT sum(
    pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid) + pg_stat_get_xact_tuples_deleted(oid)
)
FROM pg_class WHERE relkind = 'r'
"""


def fire_deferred() -> None:
    """Fire the deferred triggers now, because they may change records too, or reset the settings.

    One of them may defer others again, which would fire after the verification, so they are fired until no row of any
    table changes, temporary ones included.
    """
    before, changed = None, rows_changed_when_fired()
    while changed != before:
        before, changed = changed, rows_changed_when_fired()


def rows_changed_when_fired() -> int:
    """Fire the deferred triggers, and return how many rows of any table the transaction has changed until then."""
    with connection.cursor() as cursor:
        cursor.execute(FIRE_DEFERRED)
        cursor.nextset()
        [changed] = cursor.fetchone()
    return int(changed)


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


def check_counted(plans: Iterable[CompiledPlan], before: Mapping[str, Counted], changes: list[tuple]) -> None:
    """Compare with PostgreSQL's own counts, which include what a trigger or a cascade did.

    Rows must not be deleted from any table of the database unless the journal has them. In the tables of the data types
    no other rows may be updated. In a partitioned table of which the transfer has no rows, rows that a trigger inserts
    offset rows that it deletes, because they cannot be told from rows that changed their partition.
    """
    deleted, updated = Counter[str](), Counter[str]()
    for _, table, number_deleted, number_updated in changes:
        deleted[table] += number_deleted
        updated[table] += number_updated
    ours = {name for plan in plans for name in plan.regclass.values()}
    for table, now in counted().items():
        then = before.get(table, Counted())
        is_ours = not ours.isdisjoint(now.names(table))
        check_table(table, now, then, deleted[table], updated[table], is_ours=is_ours)


def check_written(
    before: Mapping[str, Counted], written: Mapping[tuple[str, str], int], ours: Collection[str]
) -> None:
    """Compare PostgreSQL's counts with what an undo wrote, by (table, "updated" or "inserted").

    No row of any table may be deleted, and in `ours` no other rows updated or inserted.
    """
    for table, now in counted().items():
        then, mine = before.get(table, Counted()), now.names(table).intersection(ours)
        updated, inserted = (
            sum(written.get((name, what), 0) for name in mine) for what in ("updated", "inserted")
        )
        check_table(table, now, then, 0, updated, is_ours=bool(mine))
        # Nothing was deleted. What is counted so in a partitioned table are rows that changed their partition.
        new = then.deleted - now.deleted if now.is_partitioned else now.inserted - then.inserted
        if mine and (more := new - inserted) > 0:
            message = f"{more:,} records were added to {table} by something other than the undo (a trigger?)."
            raise mismatch("", message, INSERT | UPDATE, table)


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
    changed = now.touched - then.touched - deleted - updated
    if (unknown < 0 and not now.is_partitioned) or (changed < 0 and is_ours):
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
