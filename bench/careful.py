"""What a careful expert adds to the hand-written script: a copy of each deleted row, counts, and a check at the end.

The statements are those of `bench/script.py`. Each counts the rows that it changed by pair and table; those that delete
also keep the rows, in a table of the same columns and the pair's source user. The checks run before the commit.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from psycopg import sql

from bench.script import ALL_PAIRS, NotWritten, Step, arrows, column, steps
from transfers.engine.catalog.tables import Table
from transfers.rules import ArrayColumn, Column, DataType, JsonPath

MAKE_COUNTS = "CREATE TABLE kept_counts (from_user bigint, table_name text, effect text, rows bigint)"
MAKE_KEPT = "CREATE TABLE {kept} (LIKE {table}, kept_for bigint)"
COUNTED = """
WITH done AS ({statement} RETURNING p.from_user)
INSERT INTO kept_counts SELECT from_user, {name}, {effect}, count(*) FROM done GROUP BY 1
"""
COUNTED_LISTS = """
WITH done AS ({statement} RETURNING ARRAY({named}) AS users)
INSERT INTO kept_counts SELECT u.id, {name}, {effect}, count(*) FROM done, unnest(done.users) AS u (id) GROUP BY 1
"""
KEPT = """
WITH done AS ({statement} RETURNING t.*, p.from_user AS kept_for),
kept AS (INSERT INTO {kept} SELECT * FROM done)
INSERT INTO kept_counts SELECT kept_for, {name}, {effect}, count(*) FROM done GROUP BY 1
"""
ALL_KEPT = """
SELECT (SELECT count(*) FROM {kept}) = coalesce(sum(rows), 0) FROM kept_counts
WHERE table_name = {name} AND effect = 'deleted'
"""
NOBODY_LEFT = "SELECT NOT EXISTS (SELECT FROM {pairs} JOIN {table} AS t ON {holds})"
HOLDS = "t.{owner} = p.from_user"
HOLDS_IN_ARRAY = "t.{owner} @> ARRAY[p.from_user]::{type}"
HOLDS_IN_JSON = "(t.{owner}{steps}) @> to_jsonb(p.from_user)"

Tables = Iterable[tuple[DataType, Table]]


class CheckFailed(Exception):
    """A user still holds rows, or fewer rows were kept than deleted."""


class Careful:
    """The careful expert's statements: `before` the clock starts, `steps`, and `checks`, each of which returns true."""

    def __init__(self, tables: Tables) -> None:
        self.tables = list(tables)
        found = [step for entry, table in self.tables for step in steps(entry, table)]
        deleted_from = sorted({step.table for step in found if step.effect == "deleted"})
        self.before = [sql.SQL(MAKE_COUNTS), *(fill(MAKE_KEPT, name) for name in deleted_from)]
        self.steps = [counted(step) for step in found]
        self.checks = [*(fill(ALL_KEPT, name) for name in deleted_from), *self.nobody_left()]

    def nobody_left(self) -> Iterator[sql.Composed]:
        for entry, table in self.tables:
            for owner in entry.owners:
                yield fill(NOBODY_LEFT, table.name, pairs=ALL_PAIRS, holds=holds(entry, owner, table))


def counted(step: Step) -> sql.Composed:
    names: dict[str, sql.Composable] = {"statement": step.statement, "effect": sql.Literal(step.effect)}
    if step.named:
        return fill(COUNTED_LISTS, step.table, named=step.named, **names)
    return fill(KEPT if step.effect == "deleted" else COUNTED, step.table, **names)


def fill(text: str, table: str, **more: sql.Composable) -> sql.Composed:
    names = {
        "table": sql.Identifier(table),
        "name": sql.Literal(table),
        "kept": sql.Identifier(f"kept_{table}"),
    }
    return sql.SQL(text).format(**names, **more)


def holds(entry: DataType, owner: Any, table: Table) -> sql.Composed:
    name = column(entry.model, owner.field)
    names: dict[str, sql.Composable] = {"owner": sql.Identifier(name)}
    match owner:
        case Column(holds="id"):
            return sql.SQL(HOLDS).format(**names)
        case ArrayColumn():
            return sql.SQL(HOLDS_IN_ARRAY).format(type=sql.SQL(table.columns[name]), **names)
        case JsonPath(path=path, as_text=False):
            return sql.SQL(HOLDS_IN_JSON).format(steps=arrows(path), **names)
    raise NotWritten(entry, "bench/careful.py")
