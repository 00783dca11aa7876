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
from transfers.engine.catalog.policies import own_policies
from transfers.engine.catalog.queries import COLUMNS, KEYS

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

    @property
    def is_for_all_rows(self) -> bool:
        return self.predicate == "true" and not self.operators and self.is_usual

    def contains(self, one: "Key") -> bool:
        """Return whether no two rows have the same values in this unique key because of the other one, which is for all
        rows. That may allow several rows without a value.
        """
        has_its_parts = set(one.compared) <= set(self.compared)
        return has_its_parts and not self.operators and (one.is_primary or not self.nulls_equal)


@dataclass(frozen=True)
class Table:
    """A table as described by the catalog.

    `name` is the model's `db_table`, `regclass` the name as PostgreSQL prints it, `kind` its `relkind`. `columns` maps
    column names to SQL types, `base_types` to the types behind domains, and `element_types` also to those in arrays, or
    again the base type. `generated` maps the names of generated columns, which cannot be written, to their expressions,
    and `sources` to the columns they are computed from.
    `all_columns` are the names of both in the table's order. `has_heirs` is true if other tables inherit from it, other
    than as partitions. `before_update` and `before_insert` are true if a trigger may change a row before that, and
    `of_columns` if one fires for an update of certain columns only. `computes_all` is true if each update computes all
    generated columns, which PostgreSQL does if there is a trigger before it, even a disabled one.
    `hides_rows` is true if row-level security of another program applies, `changing_references` are the tables whose
    foreign keys are set to NULL or a default if a row is deleted. `followed` are the columns whose change would change
    rows of other tables by ON UPDATE, and those from which such a column is generated. `partitioned_by` are the columns
    by which it is divided into partitions, on any level. `root` is the topmost table of which it is a partition, as
    PostgreSQL prints it, or the table itself. `foreign_keys` are those of the whole table, without those over a
    PERIOD. `nondeterministic` are the columns whose collation may treat different texts as equal, `required` those that
    are NOT NULL, maybe by their domain, and `filled` those that hold no NULL at all: a domain does not refuse that of a
    join or a subquery, nor a constraint that is NOT VALID those from before. `numbered` are those GENERATED ALWAYS AS
    IDENTITY, which an UPDATE cannot write, and `hidden` those of an extension's type whose operators the search path
    does not find.
    """

    name: str
    columns: dict[str, str]
    keys: tuple[Key, ...]
    regclass: str = ""
    kind: str = PLAIN
    has_heirs: bool = False
    computes_all: bool = False
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
    hidden: frozenset[str] = frozenset()
    generated: dict[str, str] = field(default_factory=dict)
    sources: dict[str, frozenset[str]] = field(default_factory=dict)
    base_types: dict[str, str] = field(default_factory=dict)
    element_types: dict[str, str] = field(default_factory=dict)
    collations: dict[str, str] = field(default_factory=dict)
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

    def described(self, column: str) -> str:
        """Return the type of a column as in its definition, behind domains, with its collation."""
        collation = self.collations[column]
        return self.base_types[column] + (f" COLLATE {collation}" if collation != "-" else "")

    def keys_with(self, columns: Iterable[str]) -> tuple[Key, ...]:
        """Return the keys by which two rows can conflict because one of the columns changes.

        A unique key that contains another one, such as the primary key, cannot be violated, unless that has one of the
        columns, too.
        """
        wanted = frozenset(columns)
        distinct = [key for key in self.keys if key.is_for_all_rows and not key.columns & wanted]
        return tuple(
            key
            for key in self.keys
            if key.columns & wanted and not any(key.contains(one) for one in distinct)
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
    computes_all: bool
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
    is_hidden: bool
    collation: str
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
        table.computes_all,
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
        frozenset(column.name for column in columns if column.is_hidden),
        generated={column.name: column.expression for column in columns if column.expression is not None},
        sources={
            column.name: frozenset(column.sources) for column in columns if column.expression is not None
        },
        base_types={column.name: column.base_type for column in columns},
        element_types={column.name: column.element_type for column in columns},
        collations={column.name: column.collation for column in columns},
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
