"""The rows that a transfer deleted, read from the journal as JSON for people."""

from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from django.db import DataError, connection, transaction
from psycopg import sql

from transfers.engine.compiler.steps import as_text, comma
from transfers.models import JournalEntry

DELETED = ("dropped", "merged", "replaced", "children")
NUMBERS = count()  # so that several readers can work in one transaction
AT_ONCE = 20  # entries; limits the memory needed for a large transfer

COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""
# A record of the journal is read back by the row type of a table with the same columns.
ROW_TYPE = "CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP"
AS_JSON = "SELECT to_json(b::{name}) FROM unnest(%s::text[]) AS b"


class DeletedRow(NamedTuple):
    """A row as it was, as JSON, and the journal entry that holds it. A row of two pairs is in an entry of each."""

    entry: JournalEntry
    row: dict[str, Any]


def deleted_rows(transfer_id: int) -> Iterator[DeletedRow]:
    """Yield the rows that the transfer deleted, in the order in which it deleted them."""
    entries = JournalEntry.objects.filter(transfer_id=transfer_id, what__in=DELETED).order_by("pk")
    with transaction.atomic():
        reader = Reader()
        for entry in entries.iterator(AT_ONCE):
            for row in reader.rows_of(entry):
                yield DeletedRow(entry, row)


class Reader:
    """Reads records of the journal. Each table needs a temporary one, which exists until the transaction ends."""

    def __init__(self) -> None:
        self.row_types: dict[tuple[str, ...], sql.Identifier] = {}
        self.types_of = cache(types_of)

    def rows_of(self, entry: JournalEntry) -> list[dict[str, Any]]:
        """Return the rows of the entry, with the types that the columns of its table have today.

        The table may have been changed since: columns that it no longer has are read as text, and so are all of them if
        a value does not fit the type that its column has today.
        """
        try:
            with transaction.atomic():
                return self.read(entry, self.types_of(entry.table))
        except DataError:
            return self.read(entry, {})

    def read(self, entry: JournalEntry, types: dict[str, str]) -> list[dict[str, Any]]:
        columns = [(name, types.get(name, "text")) for name in entry.columns]
        name = self.row_type(columns)
        with connection.cursor() as cursor:
            cursor.execute(as_text(sql.SQL(AS_JSON).format(name=name)), [entry.before])
            return [row for (row,) in cursor.fetchall()]

    def row_type(self, columns: list[tuple[str, str]]) -> sql.Identifier:
        key = tuple(f"{name} {sql_type}" for name, sql_type in columns)
        if key not in self.row_types:
            name = sql.Identifier("pg_temp", f"journal_row_{next(NUMBERS)}")
            lines = comma(
                sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(sql_type))
                for column, sql_type in columns
            )
            with connection.cursor() as cursor:
                cursor.execute(as_text(sql.SQL(ROW_TYPE).format(name=name, columns=lines)))
            self.row_types[key] = name
        return self.row_types[key]


def types_of(table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [table])
        return dict(cursor.fetchall())
