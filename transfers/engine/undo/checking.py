"""Verification of an undo before its batch is committed: what was to be restored is read again and compared."""

from collections.abc import Sequence

from psycopg import sql

from transfers.engine.compiler.steps import comma
from transfers.engine.stage import execute
from transfers.engine.undo.restoring import Written, not_as_they_were
from transfers.engine.undo.tables import UndoneTable, both, rows
from transfers.engine.verification.database import (
    FIRE_DEFERRED,
    Before,
    check_files,
    check_settings,
    check_written,
)
from transfers.engine.verification.mismatch import UPDATE, mismatch

NOT_AS_BEFORE = """
SELECT count(*) FROM {final} AS f LEFT JOIN {table} AS t ON {is_record} WHERE t.{first_key} IS NULL OR NOT {is_restored}
"""
NOT_THERE = """
SELECT count(*) FROM {deleted} AS d LEFT JOIN {table} AS t ON {is_record}
WHERE d."_why" IS NULL AND d."_inserts" AND ROW({there})::text IS DISTINCT FROM ROW({wanted})::text
"""


def check_restored(tables: Sequence[UndoneTable], written: Written, before: Before) -> None:
    """Raise `TotalsMismatch` if a row is not as it was, or if anything else was written."""
    execute(FIRE_DEFERRED)  # deferred triggers may change records too
    check_settings(before.settings)
    for table in tables:
        if number := not_as_before(table):
            message = f"{number:,} records of {table.regclass} do not have the values that were restored."
            raise mismatch("", message, UPDATE, table.regclass)
        if number := not_there(table):
            raise not_as_they_were(table, number)
    check_written(before.counted, written, {table.regclass for table in tables})
    check_files(before.files)


def not_as_before(table: UndoneTable) -> int:
    if not table.changes:
        return 0
    restored = both(
        sql.SQL("({0} <> ALL (f.watched) OR t.{1}::text IS NOT DISTINCT FROM f.{2}::text)").format(
            sql.Literal(n), sql.Identifier(name), sql.Identifier(f"f{n}")
        )
        for n, name in enumerate(table.columns)
    )
    [(number,)] = rows(
        NOT_AS_BEFORE,
        final=table.name("final"),
        table=table.table.identifier,
        is_record=both(has_restored_key(table, n) for n in range(len(table.keys))),
        first_key=sql.Identifier(table.keys[0]),
        is_restored=restored,
    )
    return int(number)


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


def not_there(table: UndoneTable) -> int:
    """Return how many inserted records are not there. Without a primary key they cannot be found again."""
    if not table.deletions or not table.keys:
        return 0
    names = table.restorable
    [(number,)] = rows(
        NOT_THERE,
        deleted=table.name("deleted"),
        table=table.table.identifier,
        is_record=both(sql.SQL("t.{0} = d.{0}").format(sql.Identifier(name)) for name in table.keys),
        there=comma(sql.SQL("t.{}").format(sql.Identifier(name)) for name in names),
        wanted=comma(sql.SQL("d.{}").format(sql.Identifier(name)) for name in names),
    )
    return int(number)
