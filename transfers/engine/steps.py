"""Statements: SQL that stands in a file of its own, with the names of one data type put in."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.db import connection
from psycopg import sql

from transfers.engine.catalog import Key, Table

SQL_FOLDER = Path(__file__).parent / "sql"
LOCK = sql.SQL("FOR UPDATE OF r")
NO_LOCK = sql.SQL("")
Names = dict[str, sql.Composable]


@dataclass(frozen=True)
class Step:
    """One statement. `name` is the .sql file's, for the log; `statement` asks `transfers.transfer` for the transfer."""

    name: str
    statement: str


@cache
def sql_file(name: str) -> str:
    return (SQL_FOLDER / f"{name}.sql").read_text()


def fill(name: str, **names: sql.Composable) -> sql.Composed:
    """The SQL of a file, with the names put in."""
    return sql.SQL(sql_file(name)).format(**names)


def step(name: str, **names: sql.Composable) -> Step:
    return Step(name, as_text(fill(name, **names)))


def as_text(statement: sql.Composed) -> str:
    """The SQL with its identifiers and literals quoted."""
    return statement.as_string(connection.connection)


def comma(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def identifiers(names: Iterable[str]) -> sql.Composed:
    return comma(sql.Identifier(name) for name in names)


def key_names(key: Key, table: Table) -> Names:
    """What the statements that judge a unique key need to know of it.

    Its expressions are the database's own SQL and name columns without a table, so they are evaluated where only the
    columns of a row in hand are in scope.
    """
    order = order_names(table)
    keys = [f"_k{i}" for i in range(len(key.expressions))]
    clash = sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in keys)
    return {
        "order_columns": aliased(table.primary_key or ("_row",), order),
        "order_names": identifiers(order),
        "key_columns": aliased(key.expressions, keys),
        "key_names": identifiers(keys),
        "generated_columns": generated_columns(table),
        "predicate": sql.SQL(key.predicate),
        "keys_can_clash": sql.SQL("true") if key.nulls_clash else clash,
    }


def generated_columns(table: Table) -> sql.Composed:
    """What the database computes of a row's other columns, to be put behind these."""
    return sql.SQL("").join(
        sql.SQL(", {} AS {}").format(sql.SQL(expression), sql.Identifier(name))
        for name, expression in table.generated.items()
    )


def order_names(table: Table) -> list[str]:
    return [f"_o{i}" for i in range(len(table.primary_key or ("_row",)))]


def aliased(expressions: Iterable[str], names: Iterable[str]) -> sql.Composed:
    return comma(
        sql.SQL("{} AS {}").format(sql.SQL(expression), sql.Identifier(name))
        for expression, name in zip(expressions, names, strict=True)
    )
