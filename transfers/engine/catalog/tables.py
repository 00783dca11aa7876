"""Columns, primary keys and unique keys of the record tables, read from the database catalog.

Keys come from the catalog and not from the models, so a unique index that exists only in the database is honoured.
One query reads the columns of all tables, another the keys. Nothing is cached between batches, because a migration may
run between two of them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connection
from psycopg import sql

from transfers.engine.catalog.names import parts_of, quoted
from transfers.engine.catalog.policies import HIDES_ROWS, own_policies
from transfers.engine.catalog.triggers import FIRES

# Whether the column `a` holds no NULL at all: a constraint that is NOT VALID does not refuse those from before.
IS_FILLED = """
(a.attnotnull AND NOT EXISTS (
    SELECT FROM pg_constraint AS k
    WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated
))
"""

COLUMNS = f"""
WITH RECURSIVE given AS (
    SELECT name, to_regclass(quoted) AS oid FROM unnest(%(names)s::text[], %(quoted)s::text[]) AS t (name, quoted)
),
tables AS MATERIALIZED (
    SELECT
        given.name, c.oid, c.oid::regclass::text AS regclass, c.relkind,
        c.relkind <> 'p' AND EXISTS (SELECT FROM pg_inherits AS heir WHERE heir.inhparent = c.oid) AS has_heirs,
        coalesce(fired.before_update, false) AS before_update,
        coalesce(fired.before_insert, false) AS before_insert,
        coalesce(fired.of_columns, false) AS of_columns,
        {HIDES_ROWS} AS hides_rows,
        ARRAY(
            SELECT DISTINCT k.conrelid::regclass::text
            FROM pg_constraint AS k
            WHERE k.contype = 'f' AND k.confrelid = c.oid AND k.confdeltype IN ('n', 'd') AND k.conparentid = 0
        ) AS changing_references,
        ARRAY(
            SELECT DISTINCT a.attname::text
            FROM pg_constraint AS k
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (k.confkey)
            WHERE k.contype = 'f' AND k.confrelid = c.oid AND k.confupdtype IN ('c', 'n', 'd')
        ) AS followed,
        ARRAY(
            SELECT DISTINCT a.attname::text
            FROM pg_partition_tree(c.oid) AS part
            JOIN pg_partitioned_table AS p ON p.partrelid = part.relid
            JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::int2[])
        ) AS partitioned_by,
        coalesce(pg_partition_root(c.oid), c.oid)::regclass::text AS root,
        ARRAY(  -- a PERIOD refers to several rows; keys to a partitioned table are there again for its partitions
            SELECT DISTINCT jsonb_build_array(
                coalesce(pg_partition_root(k.confrelid), k.confrelid)::regclass::text, k.convalidated,
                (
                    SELECT jsonb_agg(jsonb_build_array(own.attname, other.attname) ORDER BY own.attnum)
                    FROM unnest(k.conkey, k.confkey) AS pair (own, other)
                    JOIN pg_attribute AS own ON own.attrelid = k.conrelid AND own.attnum = pair.own
                    JOIN pg_attribute AS other ON other.attrelid = k.confrelid AND other.attnum = pair.other
                )
            )
            FROM pg_constraint AS k
            WHERE k.contype = 'f' AND k.conrelid = c.oid AND NOT to_jsonb(k) @> '{{"conperiod": true}}'
        ) AS foreign_keys
    FROM given
    JOIN pg_class AS c ON c.oid = given.oid AND c.relpersistence <> 't'
    CROSS JOIN LATERAL (  -- BEFORE, FOR EACH ROW; UPDATE OF
        SELECT bool_or(g.tgtype & 19 = 19) AS before_update, bool_or(g.tgtype & 7 = 7) AS before_insert,
            bool_or(g.tgattr::int2[] <> '{{}}') AS of_columns
        FROM pg_trigger AS g
        WHERE (g.tgrelid = c.oid OR g.tgrelid IN (SELECT relid FROM pg_partition_tree(c.oid)))
            AND NOT g.tgisinternal AND {FIRES}
    ) AS fired
),
chain AS (  -- each type of a column, and in turn those behind its domains and in its array
    SELECT DISTINCT atttypid AS oid, atttypmod AS modifier, 1 AS place,
        atttypid AS inner_oid, atttypmod AS inner_modifier, false AS is_element
    FROM given JOIN pg_attribute ON attrelid = given.oid
    UNION ALL
    SELECT chain.oid, chain.modifier, place + 1,
        CASE typtype WHEN 'd' THEN typbasetype ELSE typelem END,
        CASE typtype WHEN 'd' THEN typtypmod ELSE inner_modifier END, is_element OR typtype <> 'd'
    FROM chain JOIN pg_type ON pg_type.oid = inner_oid
    WHERE typtype = 'd' OR typelem <> 0 AND typlen = -1
),
behind AS (
    SELECT oid, modifier,
        (array_agg(name ORDER BY place) FILTER (WHERE NOT is_domain))[1] AS base_type,
        (array_agg(name ORDER BY place DESC))[1] AS element_type,
        bool_or(typnotnull AND NOT is_element) AS is_required
    FROM (
        SELECT chain.*, typtype = 'd' AS is_domain, typnotnull, format_type(inner_oid, inner_modifier) AS name
        FROM chain JOIN pg_type ON pg_type.oid = inner_oid
    ) AS named
    GROUP BY oid, modifier
)
SELECT
    t.name, t.regclass, t.relkind, t.has_heirs, t.before_update, t.before_insert, t.of_columns, t.hides_rows,
    t.changing_references, t.followed, t.partitioned_by, t.root,
    t.foreign_keys,
    a.attnotnull OR behind.is_required,
    {IS_FILLED},
    a.attidentity = 'a',
    coalesce((SELECT NOT l.collisdeterministic FROM pg_collation AS l WHERE l.oid = a.attcollation), false),
    a.attname,
    format_type(a.atttypid, a.atttypmod),
    behind.base_type,
    behind.element_type,
    CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    ARRAY(
        SELECT base.attname::text
        FROM pg_depend AS dep
        JOIN pg_attribute AS base ON base.attrelid = t.oid AND base.attnum = dep.refobjsubid
        WHERE a.attgenerated <> '' AND base.attnum <> a.attnum
            AND dep.classid = 'pg_attrdef'::regclass AND dep.objid = d.oid
            AND dep.refclassid = 'pg_class'::regclass AND dep.refobjid = t.oid
    )
FROM tables AS t
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = a.attnum
JOIN behind ON behind.oid = a.atttypid AND behind.modifier = a.atttypmod
ORDER BY t.name, a.attnum
"""  # noqa: S608  # nosec B608  (a constant is inserted)

# Whether a part or the condition of the index `i` depends on the row as a whole, which depends on no column by itself.
HAS_ROW = "concat(i.indexprs::text, i.indpred::text) LIKE '%%:varattno 0 %%'"

# A part of an index is compared in the index's collation, which may differ from that of its column.
KEYS = f"""
SELECT
    t.name,
    i.indexrelid::regclass::text,
    i.indisprimary,
    i.indnullsnotdistinct,
    ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, false) FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k),
    ARRAY(
        SELECT CASE WHEN of_index.oid IS DISTINCT FROM a.attcollation
            THEN (SELECT format('%%I.%%I', n.nspname, l.collname) FROM pg_collation AS l
                JOIN pg_namespace AS n ON n.oid = l.collnamespace WHERE l.oid = of_index.oid)
            END
        FROM unnest(i.indcollation::oid[], i.indkey::int2[]) WITH ORDINALITY AS of_index (oid, attnum, k)
        LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = of_index.attnum AND of_index.attnum > 0
        WHERE k <= i.indnkeyatts
        ORDER BY k
    ),
    ARRAY(
        SELECT format('OPERATOR(%%I.%%s)', n.nspname, o.oprname)
        FROM unnest(exclusion.conexclop) WITH ORDINALITY AS used (oid, k)
        JOIN pg_operator AS o ON o.oid = used.oid
        JOIN pg_namespace AS n ON n.oid = o.oprnamespace
        ORDER BY used.k
    ),
    coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'),
    {HAS_ROW},
    NOT EXISTS (
        SELECT FROM unnest(i.indclass::oid[], i.indkey::int2[]) AS part (class, attnum)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.attnum AND part.attnum > 0
        JOIN pg_opclass AS used ON used.oid = part.class
        CROSS JOIN LATERAL (
            WITH RECURSIVE behind (oid) AS (  -- the type of the column, and those behind its domains
                SELECT a.atttypid
                UNION ALL
                SELECT typbasetype FROM behind JOIN pg_type ON pg_type.oid = behind.oid AND typtype = 'd'
            )
            SELECT oid FROM behind
        ) AS behind
        JOIN pg_opclass AS usual
            ON usual.opcmethod = used.opcmethod AND usual.opcintype = behind.oid AND usual.opcdefault
        WHERE used.opcfamily <> usual.opcfamily AND NOT EXISTS (  -- their operators = differ
            SELECT FROM pg_amop AS one JOIN pg_amop AS other ON other.amopopr = one.amopopr
            WHERE one.amopfamily = used.opcfamily AND other.amopfamily = usual.opcfamily AND one.amopstrategy = 3
        )
    ),
    ARRAY(
        SELECT DISTINCT a.attname::text
        FROM pg_attribute AS a
        WHERE a.attrelid = i.indrelid AND (
            a.attnum = ANY (i.indkey)
            OR {HAS_ROW} AND a.attnum > 0 AND NOT a.attisdropped
            OR EXISTS (
                SELECT FROM pg_depend AS d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum
            )
        )
    )
FROM unnest(%(names)s::text[], %(quoted)s::text[]) AS t (name, quoted)
JOIN pg_class AS c ON c.oid = to_regclass(t.quoted)
JOIN pg_index AS i ON i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion) AND i.indisvalid
LEFT JOIN pg_constraint AS exclusion ON exclusion.conindid = i.indexrelid AND exclusion.conexclop IS NOT NULL
ORDER BY t.name, i.indisprimary DESC, i.indexrelid::regclass::text
"""  # noqa: S608  # nosec B608  (a constant is inserted)

PLAIN, PARTITIONED = "r", "p"
# The columns of a foreign key, each with the one it references.
Pairs = tuple[tuple[str, str], ...]


class ForeignKey(NamedTuple):
    """A foreign key. `parent` is the root of the referenced table, as PostgreSQL prints it. `is_validated` is false if
    it is NOT VALID or NOT ENFORCED.
    """

    parent: str
    is_validated: bool
    pairs: Pairs


@dataclass(frozen=True)
class Key:
    """A unique key of a table, or an exclusion constraint.

    `expressions` is the SQL of its parts, `collations` the collation in which each is compared, or None for that of its
    column. `predicate` is the condition of a partial index, otherwise "true". `columns` are all columns it depends on,
    including those inside expressions, in the predicate, and behind generated columns. `nulls_equal` is true for NULLS
    NOT DISTINCT. `operators` are those of an exclusion constraint or of WITHOUT OVERLAPS: two rows conflict if all of
    them are true. A unique key has none. `has_row` is true if it depends on the row as a whole, as f(t.*) does.
    `is_usual` is false if it compares a column by another operator than the = of its type: values may then differ in
    the key which are equal for the type.
    """

    name: str
    is_primary: bool
    nulls_equal: bool
    expressions: tuple[str, ...]
    collations: tuple[str | None, ...]
    operators: tuple[str, ...]
    predicate: str
    columns: frozenset[str]
    has_row: bool = False
    is_usual: bool = True

    @property
    def compared(self) -> tuple[str, ...]:
        """The SQL of the parts as the index compares them."""
        parts = zip(self.expressions, self.collations, strict=True)
        return tuple(f"{part} COLLATE {collation}" if collation else part for part, collation in parts)


@dataclass(frozen=True)
class Table:
    """A table as described by the catalog.

    `name` is the model's `db_table`, `regclass` the name as PostgreSQL prints it, `kind` its `relkind`. `columns` maps
    column names to SQL types, `base_types` to the types behind domains, and `element_types` also to those in arrays, or
    again the base type. `generated` maps the names of generated columns, which cannot be written, to their expressions,
    and `sources` to the columns they are computed from.
    `all_columns` are the names of both in the table's order. `has_heirs` is true if other tables inherit from it, other
    than as partitions. `before_update` and `before_insert` are true if a trigger may change a row before that, and
    `of_columns` if one fires for an update of certain columns only.
    `hides_rows` is true if row-level security of another program applies, `changing_references` are the tables whose
    foreign keys are set to NULL or a default if a row is deleted. `followed` are the columns whose change would change
    rows of other tables by ON UPDATE, and those from which such a column is generated. `partitioned_by` are the columns
    by which it is divided into partitions, on any level. `root` is the topmost table of which it is a partition, as
    PostgreSQL prints it, or the table itself. `foreign_keys` are those of the whole table, without those
    over a PERIOD. `nondeterministic` are the
    columns whose collation may treat different texts as equal, `required` those that are NOT NULL, maybe by their
    domain, and `filled` those that hold no NULL at all: a domain does not refuse that of a join or a subquery, nor a
    constraint that is NOT VALID those from before. `numbered` are those GENERATED ALWAYS AS IDENTITY, which an UPDATE
    cannot write.
    """

    name: str
    columns: dict[str, str]
    keys: tuple[Key, ...]
    regclass: str = ""
    kind: str = PLAIN
    has_heirs: bool = False
    before_update: bool = False
    before_insert: bool = False
    of_columns: bool = False
    hides_rows: bool = False
    changing_references: tuple[str, ...] = ()
    followed: frozenset[str] = frozenset()
    partitioned_by: frozenset[str] = frozenset()
    nondeterministic: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()
    numbered: frozenset[str] = frozenset()
    generated: dict[str, str] = field(default_factory=dict)
    sources: dict[str, frozenset[str]] = field(default_factory=dict)
    base_types: dict[str, str] = field(default_factory=dict)
    element_types: dict[str, str] = field(default_factory=dict)
    all_columns: tuple[str, ...] = ()
    root: str = ""
    foreign_keys: tuple[ForeignKey, ...] = ()

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(*parts_of(self.name))

    @property
    def has_update_triggers(self) -> bool:
        """Whether a trigger may change a row before it is updated, also as one that comes from another partition."""
        return self.before_update or (self.kind == PARTITIONED and self.before_insert)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The expressions of the primary key, each the quoted name of a column; () if there is none."""
        return next((key.expressions for key in self.keys if key.is_primary), ())

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The names of the primary key's columns; () if there is none."""
        return tuple(map(unquoted, self.primary_key))

    def keys_with(self, columns: Iterable[str]) -> tuple[Key, ...]:
        """Return the keys by which two rows can conflict because one of the columns changes.

        A unique key that contains the primary key cannot be violated, unless the primary key has one of the columns.
        """
        wanted = frozenset(columns)
        distinct = [
            key for key in self.keys if key.is_primary and not key.operators and not key.columns & wanted
        ]
        return tuple(
            key
            for key in self.keys
            if key.columns & wanted
            and (key.operators or not any(set(one.compared) <= set(key.compared) for one in distinct))
        )


def unquoted(name: str) -> str:
    """Return the name of a column that is quoted as in SQL, if necessary."""
    return name[1:-1].replace('""', '"') if name.startswith('"') and name.endswith('"') else name


class TableRow(NamedTuple):
    """A table as `COLUMNS` returns it."""

    name: str
    regclass: str
    kind: str
    has_heirs: bool
    before_update: bool
    before_insert: bool
    of_columns: bool
    hides_rows: bool
    changing_references: list[str]
    followed: list[str]
    partitioned_by: list[str]
    root: str
    foreign_keys: list[str]


class ColumnRow(NamedTuple):
    """A column as `COLUMNS` returns it. `expression` is None unless it is generated from the columns in `sources`."""

    is_required: bool
    is_filled: bool
    is_numbered: bool
    is_nondeterministic: bool
    name: str
    sql_type: str
    base_type: str
    element_type: str
    expression: str | None
    sources: list[str]


def read_tables(names: Iterable[str]) -> dict[str, Table]:
    """Read the tables with these names (`db_table`), and return them by name; those that do not exist are left out.

    So are those that a temporary table of this session hides, which a trigger of another program may have made.
    """
    wanted = sorted(set(names))
    parameters = {
        "names": wanted,
        "quoted": [quoted(name) for name in wanted],
        **own_policies(),
    }
    width = len(TableRow._fields)
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, parameters)
        columns = groupby(cursor.fetchall(), key=itemgetter(slice(width)))
        found = {
            table[0]: (TableRow(*table), [ColumnRow(*row[width:]) for row in rows]) for table, rows in columns
        }
        cursor.execute(KEYS, parameters)
        keys = {name: list(rows) for name, rows in groupby(cursor.fetchall(), key=itemgetter(0))}
    return {name: table_of(*parts, keys.get(name, [])) for name, parts in found.items()}


def table_of(table: TableRow, columns: list[ColumnRow], keys: list[Any]) -> Table:
    bases = {column.name: [column.name, *column.sources] for column in columns}
    return Table(
        table.name,
        {column.name: column.sql_type for column in columns if column.expression is None},
        tuple(key_of(bases, *key[1:]) for key in keys),
        table.regclass,
        table.kind,
        table.has_heirs,
        table.before_update,
        table.before_insert,
        table.of_columns,
        table.hides_rows,
        tuple(table.changing_references),
        frozenset(base for column in table.followed for base in bases[column]),
        frozenset(table.partitioned_by),
        frozenset(column.name for column in columns if column.is_nondeterministic),
        frozenset(column.name for column in columns if column.is_required),
        frozenset(column.name for column in columns if column.is_filled),
        frozenset(column.name for column in columns if column.is_numbered),
        generated={column.name: column.expression for column in columns if column.expression is not None},
        sources={
            column.name: frozenset(column.sources) for column in columns if column.expression is not None
        },
        base_types={column.name: column.base_type for column in columns},
        element_types={column.name: column.element_type for column in columns},
        all_columns=tuple(bases),
        root=table.root,
        foreign_keys=tuple(map(foreign_key, table.foreign_keys)),
    )


def foreign_key(found: str) -> ForeignKey:
    parent, is_validated, pairs = json.loads(found)
    return ForeignKey(parent, is_validated, tuple(map(tuple, pairs)))


def key_of(
    bases: Mapping[str, list[str]],
    name: str,
    is_primary: bool,
    nulls_equal: bool,
    expressions: list[str],
    collations: list[str | None],
    operators: list[str],
    predicate: str,
    has_row: bool,
    is_usual: bool,
    involved: list[str],
) -> Key:
    columns = frozenset(base for column in involved for base in bases[column])
    lists = tuple(expressions), tuple(collations), tuple(operators)
    return Key(name, is_primary, nulls_equal, *lists, predicate, columns, has_row, is_usual)
