"""Steps: SQL from the files in `sql/`, with the placeholders filled in for one data type."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.db import connection
from psycopg import sql

from transfers.engine.catalog.tables import Key, Table

SQL_FOLDER = Path(__file__).parent.parent / "sql"
LOCK = sql.SQL("FOR UPDATE OF r")
NO_LOCK = sql.SQL("")
# With several keys, a row may lose to one that then loses on another key. So there are several rounds, of which all but
# the first do nothing unless there is such a row. What is not decided then, the table's keys refuse.
ROUNDS = 5
Names = dict[str, sql.Composable]


@dataclass(frozen=True)
class Step:
    """One statement, named after its .sql file. It reads the transfer's ID from the setting `transfers.transfer`."""

    name: str
    statement: str


@cache
def sql_file(name: str) -> str:
    """Return the text of `sql/<name>.sql`. `parts/` holds fragments that other statements include."""
    return (SQL_FOLDER / f"{name}.sql").read_text()


def fill(name: str, **names: sql.Composable) -> sql.Composed:
    return sql.SQL(sql_file(name)).format(**names)


def step(name: str, **names: sql.Composable) -> Step:
    return Step(name, as_text(fill(name, **names)))


def as_text(statement: sql.Composed) -> str:
    """Render the SQL, with identifiers and literals quoted."""
    return statement.as_string(connection.connection)


def comma(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def identifiers(names: Iterable[str]) -> sql.Composed:
    return comma(sql.Identifier(name) for name in names)


def key_names(key: Key, table: Table, written: Collection[str], is_updated: str) -> Names:
    """Return the placeholder values for statements that resolve conflicts on a unique key.

    written: the columns that a transfer changes. is_updated: the name of the column that is true for the rows that it
    updates.

    The key's expressions come from the catalog and name columns without a table, so they have to be evaluated in a
    subquery in which only the columns of one row are in scope.
    """
    order = order_names(table)
    keys = [f"_k{i}" for i in range(len(key.expressions))]
    # Not IS NOT NULL, which is false for a composite value with a field that is NULL.
    all_set = sql.SQL(" AND ").join(
        sql.SQL("{} IS DISTINCT FROM NULL").format(sql.Identifier(name)) for name in keys
    )
    return {
        "order_columns": aliased(table.primary_key or ("_relation", "_row"), order),
        "order_names": identifiers(order),
        "key_columns": aliased(key.compared, keys),
        "key_names": identifiers(keys),
        "generated_columns": generated_columns(
            table, dict.fromkeys(computed_again(table, written), is_updated)
        ),
        "predicate": sql.SQL(key.predicate),
        "keys_can_conflict": sql.SQL("true") if key.nulls_equal else all_set,
    }


def rounds(keys: Sequence[Key]) -> int:
    return ROUNDS if len(keys) > 1 else 1


def generated_columns(table: Table, computed: Mapping[str, str]) -> sql.Composed:
    """Return the SQL of these generated columns, to append to a select list.

    computed: in which rows each is computed. The others have its stored value, see `stored_columns`.
    """
    return sql.SQL("").join(
        sql.SQL(", CASE WHEN {} THEN {} ELSE {} END AS {}").format(
            sql.SQL(condition), generated_value(table, name), stored_name(table, name), sql.Identifier(name)
        )
        for name, condition in computed.items()
    )


def generated_value(table: Table, name: str) -> sql.Composed:
    """Return the expression of a generated column, over a row's other columns, in the column's type and collation.

    The catalog prints no cast to that type: `day date GENERATED ALWAYS AS (at)` may be computed from a timestamp.
    """
    return sql.SQL("({})::{}").format(sql.SQL(table.generated[name]), sql.SQL(table.described(name)))


def computed_again(table: Table, written: Collection[str]) -> list[str]:
    """Return the generated columns that PostgreSQL computes again if these columns of a row are written.

    It leaves the others as they are, although a function may give another value today: unless there is a trigger which
    may change the row before, or the row may come to another partition.
    """
    is_whole = table.computes_all or not table.partitioned_by.isdisjoint(written)
    return [name for name in table.generated if is_whole or not table.sources[name].isdisjoint(written)]


def stored_columns(table: Table, written: Collection[str]) -> Iterator[sql.Composed]:
    """Yield the generated columns of row `r` as they are, each that is computed again under another name."""
    computed = computed_again(table, written)
    for name in table.generated:
        column = sql.SQL("r.{}").format(sql.Identifier(name))
        yield sql.SQL("{} AS {}").format(column, stored_name(table, name)) if name in computed else column


def stored_name(table: Table, name: str) -> sql.Identifier:
    return sql.Identifier(f"_g{list(table.generated).index(name)}")


def order_names(table: Table) -> list[str]:
    return [f"_o{i}" for i in range(len(table.primary_key or ("_relation", "_row")))]


def aliased(expressions: Iterable[str], names: Iterable[str]) -> sql.Composed:
    return comma(
        sql.SQL("{} AS {}").format(sql.SQL(expression), sql.Identifier(name))
        for expression, name in zip(expressions, names, strict=True)
    )
