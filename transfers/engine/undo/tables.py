"""The record tables of an undo, and the names of their work tables (see `work_tables`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from django.db import DataError, IntegrityError
from psycopg import sql

from transfers.engine.catalog.tables import PARTITIONED, Table
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.requirements.columns import policy_fields
from transfers.engine.compiler.steps import as_text, comma
from transfers.engine.stage import execute, fetch
from transfers.rules import DataType

NUMBERS = count()  # work tables of several predictions may exist in one transaction

# Raised for a record of the journal if a value is none of the type that its column has today, or of its domain.
UNREADABLE = (DataError, IntegrityError)


class UndonePair(NamedTuple):
    """A pair of an undo. `key` is unique within the batch; source and target are those of the undo, so exchanged.

    `undoes` are the IDs of the pairs that it takes back.
    """

    key: int
    source_id: int
    target_id: int
    undoes: tuple[int, ...]


class Group(NamedTuple):
    """Entries with the same columns. `assigned` is the number of columns that the statement wrote."""

    what: str
    key_columns: tuple[str, ...]
    columns: tuple[str, ...]
    assigned: int


DELETED = ("dropped", "merged", "replaced", "children")
LATE = ("adopted", "detached")  # restored after the rows that they refer to


@dataclass
class UndoneTable:
    """A record table and its work tables. `columns` are those of `changes`, by number.

    `types` are the data types of the table, `moving` the columns with their users or, of children, with parents, which
    any transfer may change, `lists` the numbers of the columns with lists of users. `last_entry` is
    the ID of the last entry that deleted a row: parents are deleted after their children. `may_return` and `returns`:
    whether records that were changed and then deleted return, see `loading.returning`. `parents` are the tables that
    its foreign keys refer to. `unreadable` are the groups whose records stay as they are. `stamped` are the columns in
    which a trigger stamps each row that is updated, with the condition that a record `t` has such a stamp.
    """

    regclass: str
    table: Table
    number: int
    changes: list[Group] = field(default_factory=list)
    deletions: list[Group] = field(default_factory=list)
    unreadable: list[Group] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    summed: frozenset[int] = frozenset()
    last_entry: int = 0
    ranks: int = 1
    is_shared: bool = False
    may_return: bool = False
    returns: bool = False
    parents: frozenset[str] = frozenset()
    stamped: Mapping[str, sql.Composed] = field(default_factory=dict)
    types: Sequence[DataType] = ()
    moving: frozenset[str] = frozenset()
    lists: Sequence[int] = ()
    row_types: dict[tuple[str, ...], sql.Identifier] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """The columns by which records are known: those of unique keys, foreign keys and policies."""
        of_policies = {
            column_of(entry.model, field) for entry in self.types for field in policy_fields(entry)
        }
        of_references = (column for key in self.table.foreign_keys for column, _ in key.pairs)
        return of_policies.union(of_references, *(key.columns for key in self.table.keys))

    def name(self, what: str) -> sql.Identifier:
        return sql.Identifier("pg_temp", f"undo_{self.number}_{what}")

    @property
    def is_plain(self) -> bool:
        """Whether `changes` says by itself what is to be restored: all columns of each record's only entry."""
        is_simple = self.ranks == 1 and not self.lists and not self.returns
        return is_simple and all(group.what == "moved" for group in self.changes)

    @property
    def final(self) -> sql.Composable:
        """Return the work table `final`, or the query that stands for it if the table is plain."""
        if not self.is_plain:
            return self.name("final")
        keys = (sql.Identifier(f"k{n}") for n in range(len(self.keys)))
        values = (
            sql.SQL("{} AS {}").format(sql.Identifier(f"b{n}"), sql.Identifier(f"f{n}"))
            for n in range(len(self.columns))
        )
        return sql.SQL(PLAIN_FINAL).format(changes=self.name("changes"), columns=comma([*keys, *values]))

    @property
    def work_tables(self) -> list[sql.Identifier]:
        changed = ["changes"] if self.changes else []
        if self.changes and not self.is_plain:
            changed.append("final")
        deleted = ["deleted"] if self.deletions else []
        returning = ["returning"] if self.returns else []
        return [*map(self.name, changed + deleted + returning), *self.row_types.values()]

    @property
    def may_move(self) -> bool:
        """Whether a record that is changed may come to another partition, where a trigger changes what is inserted."""
        return bool(self.changes) and self.table.before_insert and self.table.kind == PARTITIONED

    @property
    def is_written_again(self) -> bool:
        """Whether a trigger may change rows that are inserted, after which they are updated."""
        return self.table.before_insert and bool(self.keys) and (bool(self.deletions) or self.may_move)

    @property
    def keys(self) -> tuple[str, ...]:
        return self.table.key_columns

    @property
    def assigned(self) -> set[str]:
        """The columns of changed records that the transfer wrote. A trigger may have changed further ones."""
        return {name for group in self.changes for name in group.columns[: group.assigned]}

    @property
    def kept(self) -> list[str]:
        """The columns of deleted records that the table still has, in any of the entries."""
        names = dict.fromkeys(name for group in self.deletions for name in group.columns)
        return [name for name in names if name in self.table.base_types]

    @property
    def restorable(self) -> list[str]:
        """Those of `kept` that can be written: the others are generated."""
        return [name for name in self.kept if name in self.table.columns]

    @property
    def identity(self) -> list[sql.Identifier]:
        """The columns of `changes` and `final` that say which record a row is of."""
        keys = [sql.Identifier(f"k{n}") for n in range(len(self.keys))]
        return [*keys, sql.Identifier("gone")] if self.returns else keys

    def same_record(self, one: str, other: str) -> sql.Composed:
        """Return the condition that two rows of `changes` and `final` are of the same record. Both are aliases."""
        return both(
            sql.SQL("{0}.{2} = {1}.{2}").format(sql.SQL(one), sql.SQL(other), name) for name in self.identity
        )

    def has_key(self, record: str, work: str) -> sql.Composed:
        """Return the condition that a record has the key of a row of a work table. Both are aliases."""
        return both(
            sql.SQL("{}.{} = {}.{}").format(
                sql.SQL(record), sql.Identifier(name), sql.SQL(work), sql.Identifier(f"k{n}")
            )
            for n, name in enumerate(self.keys)
        )

    def is_record(self, record: str, work: str) -> sql.Composed:
        """Return the condition that a record of the table is that of a row of `changes` or `final`."""
        has_key = self.has_key(record, work)
        return filled("({} AND {}.gone = 0)", has_key, sql.SQL(work)) if self.returns else has_key

    def is_returning(self, work: str) -> sql.Composed:
        """Return the condition that the record `r` of `returning` is that of a row of `changes` or `final`."""
        return filled('({} AND r."_gone" = {}.gone)', self.has_key("r", work), sql.SQL(work))

    def has_restored_key(self, record: str, work: str) -> sql.Composed:
        """Return the condition that a record has the key of a row of `final`, once that is restored."""
        return both(
            sql.SQL("{}.{} = {}").format(sql.SQL(record), sql.Identifier(name), self.restored_key(n, work))
            for n, name in enumerate(self.keys)
        )

    def restored_key(self, number: int, work: str) -> sql.Composable:
        """Return a column of the primary key. If it has the owner, restoring the owner changes it."""
        key = sql.SQL("{}.{}").format(sql.SQL(work), sql.Identifier(f"k{number}"))
        name = self.keys[number]
        if name not in self.columns:
            return key
        return self.restored(self.columns.index(name), work, key)

    def restored(self, number: int, work: str, otherwise: sql.Composable) -> sql.Composed:
        """Return what `final` has for the column if it is restored, or else this."""
        return sql.SQL("CASE WHEN {0} = ANY ({1}.differs) THEN {1}.{2} ELSE {3} END").format(
            sql.Literal(number), sql.SQL(work), sql.Identifier(f"f{number}"), otherwise
        )

    def is_deleted(self, record: str, work: str) -> sql.Composed:
        """Return the condition that a record has the key of a row of `deleted`. Both are aliases."""
        return both(
            sql.SQL("{0}.{2} = {1}.{2}").format(sql.SQL(record), sql.SQL(work), sql.Identifier(name))
            for name in self.keys
        )

    def key_text(self, alias: str) -> sql.Composed:
        names = (
            sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(f"k{n}")) for n in range(len(self.keys))
        )
        return sql.SQL("ROW({})::text").format(comma(names))

    def each_record(self, alias: str) -> sql.Composable:
        """Return what to count of `changes`, so that the entries of a record count once, but each one that is left."""
        if self.ranks == 1:
            return sql.SQL("*")
        left = "DISTINCT ({record}, CASE WHEN {of}.why <> 'held' THEN {of}.entry END)"
        record = comma(filled("{of}.{name}", of=sql.SQL(alias), name=name) for name in self.identity)
        return filled(left, record=record, of=sql.SQL(alias))

    def deleted_key_text(self, alias: str) -> sql.Composable:
        return self.deleted_text(alias) if self.keys else sql.SQL("''")

    def deleted_text(self, alias: str) -> sql.Composed:
        """Return the text by which a deleted record is known: its key or, without a primary key, all of its columns."""
        names = self.keys or self.restorable
        columns = (sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(name)) for name in names)
        return sql.SQL("ROW({})::text").format(comma(columns))


def both(conditions: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL("({})").format(sql.SQL(" AND ").join(conditions))


def filled(statement: str, *parts: sql.Composable, **names: sql.Composable) -> sql.Composed:
    return sql.SQL(statement).format(*parts, **names)


def run(statement: str, **names: sql.Composable) -> None:
    execute(as_text(filled(statement, **names)))


def send(statements: Iterable[sql.Composed]) -> None:
    """Execute the statements in their order, in one round trip."""
    if script := ";\n".join(map(as_text, statements)):
        execute(script)


def rows(statement: str, **names: sql.Composable) -> list[tuple]:
    return fetch(as_text(filled(statement, **names)))


PLAIN_FINAL = """
(SELECT entry, differs, watched, '{{}}'::integer[] AS late, ctid, {columns} FROM {changes}
WHERE why IS NULL AND differs <> '{{}}')
"""
ROW_TYPE = "CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT {columns} FROM {table} AS t WITH NO DATA"


def create_row_types(entry: UndoneTable, *kinds: tuple[str, ...]) -> Iterator[sql.Composed]:
    """Create tables with these columns, by whose row types records of the journal are read (`entry.row_types`)."""
    for columns in kinds:
        if columns not in entry.row_types:
            name = entry.row_types[columns] = entry.name(f"row_{len(entry.row_types)}")
            names = comma(map(sql.Identifier, columns))
            yield filled(ROW_TYPE, name=name, columns=names, table=entry.table.identifier)


def union_of_all(tables: Iterable[UndoneTable], of_changes: str, of_deleted: str) -> sql.Composed | None:
    """Return one query for all work tables, or None if there are none. One statement replaces two for each table."""
    queries = [
        sql.SQL(query).format(
            changes=table.name("changes"),
            deleted=table.name("deleted"),
            regclass=sql.Literal(table.regclass),
            key=table.key_text("c"),
            deleted_key=table.deleted_key_text("d"),
            each=table.each_record("c"),
        )
        for table in tables
        for query, used in ((of_changes, table.changes), (of_deleted, table.deletions))
        if used
    ]
    return sql.SQL(" UNION ALL ").join(queries) if queries else None
