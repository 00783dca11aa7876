"""Columns, primary keys and unique keys of the record tables, read from the database catalog.

Keys come from the catalog and not from the models, so a unique index that exists only in the database is honoured.
One query reads the columns of all tables, another the keys. Nothing is cached between batches, because a migration may
run between two of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

COLUMNS = """
SELECT
    t.name, a.attname, format_type(a.atttypid, a.atttypmod),
    c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_inherits AS child WHERE child.inhparent = c.oid),
    CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    ARRAY(
        SELECT base.attname::text
        FROM pg_depend AS dep
        JOIN pg_attribute AS base ON base.attrelid = c.oid AND base.attnum = dep.refobjsubid
        WHERE a.attgenerated <> '' AND base.attnum <> a.attnum
            AND dep.classid = 'pg_attrdef'::regclass AND dep.objid = d.oid
            AND dep.refclassid = 'pg_class'::regclass AND dep.refobjid = c.oid
    )
FROM unnest(%s::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(t.name))
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
ORDER BY t.name, a.attnum
"""

KEYS = """
SELECT
    t.name,
    i.indexrelid::regclass::text,
    i.indisprimary,
    i.indnullsnotdistinct,
    ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, false) FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k),
    coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'),
    ARRAY(
        SELECT DISTINCT a.attname::text
        FROM pg_attribute AS a
        WHERE a.attrelid = i.indrelid AND (
            a.attnum = ANY (i.indkey)
            OR EXISTS (
                SELECT FROM pg_depend AS d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum
            )
        )
    )
FROM unnest(%s::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(t.name))
JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisunique AND i.indisvalid
ORDER BY t.name, i.indisprimary DESC, i.indexrelid::regclass::text
"""


@dataclass(frozen=True)
class Key:
    """A unique key of a table.

    `expressions` is the SQL of its parts. `predicate` is the condition of a partial index, otherwise "true". `columns`
    are all columns it depends on, including those inside expressions, in the predicate, and behind generated columns.
    `nulls_equal` is true for NULLS NOT DISTINCT.
    """

    name: str
    is_primary: bool
    nulls_equal: bool
    expressions: tuple[str, ...]
    predicate: str
    columns: frozenset[str]


@dataclass(frozen=True)
class Table:
    """A table as described by the catalog.

    `columns` maps column names to SQL types. `generated` maps the names of generated columns, which cannot be written,
    to their expressions. `is_plain` is true if a ctid identifies one row; it is false for partitioned tables, tables
    that others inherit from, and views.
    """

    name: str
    columns: dict[str, str]
    keys: tuple[Key, ...]
    is_plain: bool = True
    generated: dict[str, str] = field(default_factory=dict)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The expressions of the primary key; () if there is none."""
        return next((key.expressions for key in self.keys if key.is_primary), ())

    def keys_with(self, columns: Iterable[str]) -> tuple[Key, ...]:
        """Return the unique keys that depend on at least one of the columns."""
        wanted = frozenset(columns)
        return tuple(key for key in self.keys if key.columns & wanted)


def read_tables(names: Iterable[str]) -> dict[str, Table]:
    """Read the tables with these names, and return them by name; those that do not exist are left out."""
    wanted = sorted(set(names))
    columns: dict[str, dict[str, str]] = {}
    generated: dict[str, dict[str, str]] = {}
    base_columns: dict[tuple[str, str], list[str]] = {}
    keys: dict[str, list[Key]] = {}
    plain: dict[str, bool] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [wanted])
        for table, column, sql_type, is_plain, expression, bases in cursor.fetchall():
            plain[table] = is_plain
            base_columns[table, column] = [column, *bases]
            if expression is None:
                columns.setdefault(table, {})[column] = sql_type
            else:
                generated.setdefault(table, {})[column] = expression
        cursor.execute(KEYS, [wanted])
        for table, name, primary, nulls_equal, expressions, predicate, involved in cursor.fetchall():
            involved = frozenset(base for column in involved for base in base_columns[table, column])
            key = Key(name, primary, nulls_equal, tuple(expressions), predicate, involved)
            keys.setdefault(table, []).append(key)
    return {
        name: Table(name, columns[name], tuple(keys.get(name, ())), plain[name], generated.get(name, {}))
        for name in columns
    }
