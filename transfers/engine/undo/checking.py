"""Verification of an undo before its batch is committed: what was to be restored is read again and compared."""

from collections.abc import Iterator, Sequence

from psycopg import sql

from transfers.engine.compiler.steps import as_text, comma
from transfers.engine.stage import fetch_union
from transfers.engine.undo.restoring import Written, not_as_they_were
from transfers.engine.undo.tables import UndoneTable, both, filled
from transfers.engine.verification.database import (
    Before,
    check_files,
    check_settings,
    check_written,
    fire_deferred,
)
from transfers.engine.verification.mismatch import UPDATE, mismatch

NOT_AS_BEFORE = """
SELECT {place}, true, count(*) FROM {final} AS f LEFT JOIN {table} AS t ON {is_record}
WHERE t.{first_key} IS NULL OR NOT {is_restored}
"""
# Most records are equal byte for byte, which is much quicker to see than that their texts are equal. The work table has
# no domains, so the columns are compared as their base types.
NOT_THERE = """
SELECT {place}, false, count(*) FROM {deleted} AS d LEFT JOIN {table} AS t ON {is_record}
WHERE d."_why" IS NULL AND d."_inserts"
    AND ROW({there})::record *<> ROW({wanted})::record AND ROW({there})::text IS DISTINCT FROM ROW({wanted})::text
"""


def check_restored(tables: Sequence[UndoneTable], written: Written, before: Before) -> None:
    """Raise `TotalsMismatch` if a row is not as it was, or if anything else was written."""
    fire_deferred()
    check_settings(before.settings)
    for place, is_update, number in fetch_union(comparisons(tables)):
        table = tables[place]
        if number and is_update:
            message = f"{number:,} records of {table.regclass} do not have the values that were restored."
            raise mismatch("", message, UPDATE, table.regclass)
        if number:
            raise not_as_they_were(table, number, tables)
    check_written(before.counted, written, {table.regclass for table in tables})
    check_files(before.files)


def comparisons(tables: Sequence[UndoneTable]) -> Iterator[str]:
    """Yield the queries of how many records differ: the place of the table, whether they were updated, the number.

    Without a primary key, inserted records cannot be found again.
    """
    for place, table in enumerate(tables):
        if table.changes:
            yield as_text(not_as_before(table, place))
        if table.deletions and table.keys:
            yield as_text(not_there(table, place))


def not_as_before(table: UndoneTable, place: int) -> sql.Composed:
    restored = both(
        sql.SQL("({0} <> ALL (f.watched) OR t.{1}::text IS NOT DISTINCT FROM f.{2}::text)").format(
            sql.Literal(n), sql.Identifier(name), sql.Identifier(f"f{n}")
        )
        for n, name in enumerate(table.columns)
    )
    return filled(
        NOT_AS_BEFORE,
        place=sql.Literal(place),
        final=table.final,
        table=table.table.identifier,
        is_record=both(has_restored_key(table, n) for n in range(len(table.keys))),
        first_key=sql.Identifier(table.keys[0]),
        is_restored=restored,
    )


def has_restored_key(table: UndoneTable, number: int) -> sql.Composed:
    """Return the condition on one column of the primary key. If it has the owner, restoring the owner changes it."""
    name = table.keys[number]
    key: sql.Composable = sql.SQL("f.{}").format(sql.Identifier(f"k{number}"))
    if name in table.columns:
        restored = table.columns.index(name)
        key = sql.SQL("CASE WHEN {} = ANY (f.differs) THEN f.{} ELSE {} END").format(
            sql.Literal(restored), sql.Identifier(f"f{restored}"), key
        )
    return sql.SQL("t.{} = {}").format(sql.Identifier(name), key)


def is_time(table: UndoneTable, column: str) -> bool:
    """Return whether the column holds times, and the transfer does not know records by it."""
    return (
        table.table.base_types[column].startswith(("timestamp", "date", "time")) and column not in table.known
    )


def not_there(table: UndoneTable, place: int) -> sql.Composed:
    """Return the query of the records that did not return as they were.

    If they were written again, the times that a BEFORE UPDATE trigger then stamped stay.
    """
    is_stamped = bool(table.written_again) and table.table.has_update_triggers
    names = [name for name in table.kept if not (is_stamped and is_time(table, name))]
    return filled(
        NOT_THERE,
        place=sql.Literal(place),
        deleted=table.name("deleted"),
        table=table.table.identifier,
        is_record=table.is_deleted("t", "d"),
        there=comma(
            sql.SQL("t.{}::{}").format(sql.Identifier(name), sql.SQL(table.table.base_types[name]))
            for name in names
        ),
        wanted=comma(sql.SQL("d.{}").format(sql.Identifier(name)) for name in names),
    )
