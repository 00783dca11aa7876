"""What the checks know of the database: tables by oid, with everything that can change, hide or keep their rows."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from psycopg import sql

Key = TypeVar("Key", int, str)


@dataclass(frozen=True)
class TableName:
    """The name of a table. `is_visible`: the search path finds it without its schema."""

    schema: str
    name: str
    is_visible: bool

    def __str__(self) -> str:
        return self.name if self.is_visible else f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        """Return the name as SQL, with the schema if the search path does not find the table."""
        return identifier(*(() if self.is_visible else (self.schema,)), self.name)

    @property
    def db_table(self) -> str:
        """Return the name as `db_table` of a model."""
        return self.name if self.is_visible else self.quoted


@dataclass(frozen=True)
class Relation(TableName):
    """A table, partitioned table, view or foreign table.

    `kind` is `pg_class.relkind`. `rights` are those of the current role. `hides_rows`: row-level security hides
    some of its rows from that role, or may refuse changes. `publications` are those that send updates or deletes, for
    which the table has no replica identity.
    """

    oid: int
    kind: str
    is_partition: bool
    may_use_schema: bool
    rights: tuple[str, ...]
    hides_rows: bool
    publications: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """An index. `names` has a part's column, or None if it is an expression; `columns` are all it depends on.

    `is_part`: it belongs to an index of the partitioned table.

    `constraint` is the definition of the exclusion constraint that the index enforces, or "". `nulls_equal`: NULLS NOT
    DISTINCT.
    """

    name: str
    method: str
    is_unique: bool
    is_primary: bool
    is_part: bool
    names: tuple[str | None, ...]
    expressions: tuple[str, ...]
    predicate: str
    columns: Collection[str]
    constraint: str
    nulls_equal: bool = False


@dataclass(frozen=True)
class Reference:
    """A foreign key of `table`, which has this `oid`. Actions are one letter: a, r, c, n or d (`confdeltype`).

    nullable: those of `columns` that may hold NULL. is_deferred: INITIALLY DEFERRED. is_full: MATCH FULL.
    is_validated: all rows fulfil it; false if it is NOT VALID or NOT ENFORCED. has_period: a row may reference several.
    people_key: if it references people of the organisation's own table, the column with their IDs (the setting
    PEOPLE_KEY).
    """

    table: TableName
    oid: int
    name: str
    columns: tuple[str, ...]
    referenced: int
    referenced_columns: tuple[str, ...]
    on_delete: str
    on_update: str
    nullable: tuple[str, ...]
    is_deferred: bool = False
    is_full: bool = False
    is_validated: bool = True
    has_period: bool = False
    people_key: str = ""

    @property
    def paths(self) -> list[str]:
        """Return the columns as keys of `NOT_TRANSFERRED`, which are in lower case: schema.table.column."""
        return [f"{self.table.schema}.{self.table.name}.{column}".lower() for column in self.columns]

    @property
    def pairs(self) -> set[tuple[str, str]]:
        return set(zip(self.columns, self.referenced_columns, strict=True))


@dataclass(frozen=True)
class Trigger:
    """An enabled trigger of a table. `columns` limits an UPDATE trigger to some columns.

    `whole`: the oid of the partitioned table from which a partition has the trigger, or 0.
    `writes`: the tables into which its function inserts rows, as "schema.table".
    """

    name: str
    kind: int
    function: str
    columns: tuple[str, ...]
    definition: str
    whole: int = 0
    writes: tuple[str, ...] = ()

    # Bits of `kind`, which is `pg_trigger.tgtype`.
    BEFORE_ROW: ClassVar[int] = 3
    INSERT: ClassVar[int] = 4
    DELETE: ClassVar[int] = 8
    UPDATE: ClassVar[int] = 16


@dataclass(frozen=True)
class Policy:
    name: str
    is_permissive: bool
    condition: str
    applies: bool


@dataclass
class Catalog:
    """The tables by oid, and what belongs to each. `people` is that of the setting PEOPLE_KEY.

    required: the columns that are NOT NULL. sources: those from which a column is generated. generated: its expression.
    """

    oids: dict[str, int] = field(default_factory=dict)
    elsewhere: dict[str, list[str]] = field(default_factory=dict)
    people: int | None = None
    relations: dict[int, Relation] = field(default_factory=dict)
    edges: list[tuple[int, int]] = field(default_factory=list)
    columns: dict[int, dict[str, str]] = field(default_factory=dict)
    required: dict[int, set[str]] = field(default_factory=dict)
    sources: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    generated: dict[int, dict[str, str]] = field(default_factory=dict)
    indexes: dict[int, list[Index]] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    triggers: dict[int, list[Trigger]] = field(default_factory=dict)
    rules: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    policies: dict[int, list[Policy]] = field(default_factory=dict)

    def oid(self, model: type[Model]) -> int | None:
        return self.oids.get(model._meta.db_table)

    def table(self, model: type[Model]) -> Relation:
        return self.relations[self.oids[model._meta.db_table]]

    def columns_of(self, model: type[Model]) -> dict[str, str]:
        return self.columns.get(self.oids[model._meta.db_table], {})

    def indexes_of(self, oid: int) -> list[Index]:
        return self.indexes.get(oid, [])

    @cached_property
    def parts(self) -> dict[int, list[int]]:
        """The partitions and inheriting tables of each table, one level down."""
        return grouped((parent, part) for part, parent in self.edges)

    @cached_property
    def parents(self) -> dict[int, list[int]]:
        return grouped(self.edges)

    def with_parts(self, oid: int) -> set[int]:
        """Return the table and everything that inherits from it, on any level."""
        return reached(oid, self.parts)

    def with_parents(self, oid: int) -> set[int]:
        return reached(oid, self.parents)

    def whole(self, oid: int) -> set[int]:
        """Return the table with its parts, and the partitioned tables of which it is a part, on any level."""
        above = self.with_parents(oid) - {oid}
        return self.with_parts(oid) | {one for one in above if self.relations[one].kind == "p"}

    def root(self, oid: int) -> int:
        """Return the topmost table of which it is a partition, or the table itself."""
        while self.relations[oid].is_partition and self.parents.get(oid):
            oid = self.parents[oid][0]
        return oid

    def depends(self, oid: int, column: str, changed: str) -> bool:
        """Return whether the column is the changed one, or generated from it."""
        return changed in (column, *self.sources.get((oid, column), ()))


def reached(start: int, steps: dict[int, list[int]]) -> set[int]:
    found, new = {start}, [start]
    while new:
        new = [oid for old in new for oid in steps.get(old, []) if oid not in found]
        found |= set(new)
    return found


def identifier(*names: str) -> str:
    return sql.Identifier(*names).as_string(None)


def grouped(pairs: Iterable[tuple[Key, Any]]) -> dict[Key, list[Any]]:
    found: dict[Key, list[Any]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
