"""Check that all contestants (the implementations under test) leave the same records.

Only then have they done the same work, so that their times can be compared.
"""

from dataclasses import dataclass

from psycopg import sql

from bench.server import Server
from transfers.engine.compiler.plans import tables_of
from transfers.registry import data_types

CONTENT = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} AS t"


@dataclass(frozen=True)
class Contents:
    """The row count and an order-independent checksum of each record table."""

    rows: dict[str, int]
    checksums: dict[str, str]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def contents(server: Server, database: str) -> Contents:
    names = sorted({table for entry in data_types() for table in tables_of(entry)})
    rows, checksums = {}, {}
    with server.connect(database) as connection:
        for name in names:
            found = connection.execute(sql.SQL(CONTENT).format(sql.Identifier(name))).fetchone()
            rows[name], checksums[name] = found or (0, "")
    return Contents(rows, checksums)


def differences(one: Contents, other: Contents) -> list[str]:
    """Return a line with both row counts for each table whose contents differ."""
    return [
        f"{table}: {one.rows[table]:,} rows and {other.rows[table]:,} rows"
        for table in one.rows
        if one.checksums[table] != other.checksums[table]
    ]
