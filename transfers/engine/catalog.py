"""What the database itself knows about the record tables: columns, primary keys, unique keys.

Keys come from the catalog and not from the models, so that a unique index that exists only in the database is
honoured too. One query each for columns and keys, for all tables at once; nothing is remembered between batches,
because a migration may run between two of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

COLUMNS = """
SELECT
    t.name, a.attname, format_type(a.atttypid, a.atttypmod),
    c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_inherits AS below WHERE below.inhparent = c.oid),
    CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    ARRAY(
        SELECT base.attname::text
        FROM pg_depend AS needs
        JOIN pg_attribute AS base ON base.attrelid = c.oid AND base.attnum = needs.refobjsubid
        WHERE a.attgenerated <> '' AND base.attnum <> a.attnum
            AND needs.classid = 'pg_attrdef'::regclass AND needs.objid = d.oid
            AND needs.refclassid = 'pg_class'::regclass AND needs.refobjid = c.oid
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
    """A unique key. `expressions`: the SQL of its parts; `predicate`: which rows it holds for ("true": all);
    `columns`: every column that it depends on, also inside expressions, the predicate and generated columns."""

    name: str
    is_primary: bool
    nulls_clash: bool
    expressions: tuple[str, ...]
    predicate: str
    columns: frozenset[str]


@dataclass(frozen=True)
class Table:
    """A table as the database has it. `columns` maps each name to its SQL type, `generated` those that the database
    computes, and nobody can write, to their expressions.

    is_one: its rows lie in one place, so that a ctid names one of them; not so with partitions, heirs and views.
    """

    name: str
    columns: dict[str, str]
    keys: tuple[Key, ...]
    is_one: bool = True
    generated: dict[str, str] = field(default_factory=dict)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The expressions of the primary key, or () for a table without one."""
        return next((key.expressions for key in self.keys if key.is_primary), ())

    def keys_with(self, columns: Iterable[str]) -> tuple[Key, ...]:
        """The unique keys that depend on at least one of the columns."""
        wanted = frozenset(columns)
        return tuple(key for key in self.keys if key.columns & wanted)


def read_tables(names: Iterable[str]) -> dict[str, Table]:
    """The tables of these names that exist, by name."""
    wanted = sorted(set(names))
    columns: dict[str, dict[str, str]] = {}
    generated: dict[str, dict[str, str]] = {}
    needs: dict[tuple[str, str], list[str]] = {}
    keys: dict[str, list[Key]] = {}
    one: dict[str, bool] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [wanted])
        for table, column, sql_type, is_one, expression, bases in cursor.fetchall():
            one[table] = is_one
            needs[table, column] = [column, *bases]
            if expression is None:
                columns.setdefault(table, {})[column] = sql_type
            else:
                generated.setdefault(table, {})[column] = expression
        cursor.execute(KEYS, [wanted])
        for table, name, primary, nulls_clash, expressions, predicate, involved in cursor.fetchall():
            involved = frozenset(base for column in involved for base in needs[table, column])
            key = Key(name, primary, nulls_clash, tuple(expressions), predicate, involved)
            keys.setdefault(table, []).append(key)
    return {
        name: Table(name, columns[name], tuple(keys.get(name, ())), one[name], generated.get(name, {}))
        for name in columns
    }
