"""What the database itself knows about the record tables: columns, primary keys, unique keys.

Keys come from the catalog and not from the models, so that a unique index that exists only in the database is
honoured too. One query each for columns and keys, for all tables at once; nothing is remembered between batches,
because a migration may run between two of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

COLUMNS = """
SELECT
    t.name, a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> '',
    c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_inherits AS below WHERE below.inhparent = c.oid)
FROM unnest(%s::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(t.name))
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
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
    `columns`: every column that it depends on, also inside expressions and the predicate."""

    name: str
    is_primary: bool
    nulls_clash: bool
    expressions: tuple[str, ...]
    predicate: str
    columns: frozenset[str]


@dataclass(frozen=True)
class Table:
    """A table as the database has it. `columns` maps each name to its SQL type; generated ones are left out.

    is_one: its rows lie in one place, so that a ctid names one of them; not so with partitions, heirs and views.
    """

    name: str
    columns: dict[str, str]
    keys: tuple[Key, ...]
    is_one: bool = True

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
    keys: dict[str, list[Key]] = {}
    one: dict[str, bool] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [wanted])
        for table, column, sql_type, is_generated, is_one in cursor.fetchall():
            one[table] = is_one
            if not is_generated:
                columns.setdefault(table, {})[column] = sql_type
        cursor.execute(KEYS, [wanted])
        for table, name, primary, nulls_clash, expressions, predicate, involved in cursor.fetchall():
            key = Key(name, primary, nulls_clash, tuple(expressions), predicate, frozenset(involved))
            keys.setdefault(table, []).append(key)
    return {name: Table(name, columns[name], tuple(keys.get(name, ())), one[name]) for name in columns}
