"""Undo a transfer with plain SQL and nothing but its journal, to show that the journal holds all that is needed."""

from collections.abc import Iterable

from django.db import connection
from psycopg import sql

from tests.fixtures.roles import as_owner
from tests.transfers.rules.running import models_of
from transfers.engine.compiler.steps import comma, identifiers
from transfers.models import JournalEntry
from transfers.results.deleted_rows import DELETED
from transfers.rules import DataType

# `b` is a record of the journal. A table with the same columns has the row type by which it is read back.
ROW_TYPE = "CREATE TEMP TABLE journal_row ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"
INSERT = """
INSERT INTO {table} ({written}) OVERRIDING SYSTEM VALUE
SELECT {values} FROM (SELECT b::journal_row AS r FROM unnest(%(before)s::text[]) AS b) AS rows ON CONFLICT DO NOTHING
"""
UPDATE = """
UPDATE {table} AS t SET {assignments}
FROM (
    SELECT k::journal_key AS key_row, b::journal_row AS before_row
    FROM unnest(%(keys)s::text[], %(before)s::text[]) AS rows (k, b)
) AS was
WHERE {same_key}
"""
KEY_TYPE = ROW_TYPE.replace("journal_row", "journal_key")
GENERATED = """
SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attgenerated <> '' AND NOT attisdropped
"""


def restore(transfer_id: int) -> None:
    """Undo the last statement first. Rows of tables without a primary key cannot be found again and stay moved."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL DEFERRED"
        )  # deleted rows of several pairs may refer to each other
        for entry in JournalEntry.objects.filter(transfer_id=transfer_id).order_by("-pk"):
            if entry.what in DELETED:
                insert(cursor, entry)
            elif entry.keys:
                update(cursor, entry)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def insert(cursor: object, entry: JournalEntry) -> None:
    cursor.execute(GENERATED, [entry.table])
    generated = {name for (name,) in cursor.fetchall()}
    written = [name for name in entry.columns if name not in generated]
    execute(cursor, ROW_TYPE, entry, columns=identifiers(entry.columns))
    values = comma(sql.SQL("(r).{}").format(sql.Identifier(name)) for name in written)
    execute(cursor, INSERT, entry, written=identifiers(written), values=values)
    cursor.execute("DROP TABLE journal_row")


def update(cursor: object, entry: JournalEntry) -> None:
    execute(cursor, ROW_TYPE, entry, columns=identifiers(entry.columns))
    execute(cursor, KEY_TYPE, entry, columns=identifiers(entry.key_columns))
    assignments = comma(
        sql.SQL("{0} = (was.before_row).{0}").format(sql.Identifier(name)) for name in entry.columns
    )
    same_key = sql.SQL(" AND ").join(
        sql.SQL("t.{0} = (was.key_row).{0}").format(sql.Identifier(name)) for name in entry.key_columns
    )
    execute(cursor, UPDATE, entry, assignments=assignments, same_key=same_key)
    cursor.execute("DROP TABLE journal_row, journal_key")


def execute(cursor: object, statement: str, entry: JournalEntry, **names: sql.Composable) -> None:
    composed = sql.SQL(statement).format(table=sql.SQL(entry.table), **names).as_string(None)
    before = entry.before * (len(entry.keys) if entry.what == "moved" else 1)
    cursor.execute(composed, {"keys": entry.keys, "before": before} if "%(" in statement else None)


def rows_as_text(types: Iterable[DataType]) -> dict[str, list[str]]:
    """Return the rows of the types' tables and their child tables as PostgreSQL prints them, sorted."""
    found = {}
    with connection.cursor() as cursor:
        for model in models_of(types):
            table = sql.Identifier(model._meta.db_table)
            cursor.execute(sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(table).as_string(None))
            found[model._meta.db_table] = [row for (row,) in cursor.fetchall()]
    return found
