"""Check that all contestants end with the same records; times are comparable only for the same work."""

from dataclasses import dataclass

from psycopg import sql

from bench.server import Server
from transfers.engine.compiler.plans import tables_of
from transfers.registry import data_types

CONTENT = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} AS t"


@dataclass(frozen=True)
class Contents:
    """Row counts and order-independent checksums by record table."""

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
    """The tables with different contents."""
    return [
        f"{table}: {one.rows[table]:,} rows and {other.rows[table]:,} rows"
        for table in one.rows
        if one.checksums[table] != other.checksums[table]
    ]
