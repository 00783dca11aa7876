"""Tables, columns and people as they are in the database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from transfers.checks.catalog.tables import Catalog, Index, Reference, Relation

TABLE_KINDS = ("r", "p")


@dataclass(frozen=True)
class Column:
    """A column. `base_type` is the type behind its domains, `written` says whether a statement may set it, `counts`
    whether the database numbers the rows by it."""

    name: str
    sql_type: str
    base_type: str
    not_null: bool
    written: bool
    counts: bool
    comment: str


@dataclass(frozen=True)
class Table:
    """A table with its own foreign keys. `pages` is its size on disk, with all partitions, in blocks."""

    relation: Relation
    columns: dict[str, Column]
    indexes: list[Index]
    references: list[Reference]
    pages: int
    comment: str

    @property
    def oid(self) -> int:
        return self.relation.oid

    @property
    def path(self) -> str:
        """The name with its schema, as in messages and questions."""
        return f"{self.relation.schema}.{self.relation.name}"

    @cached_property
    def primary_key(self) -> tuple[str, ...]:
        return next((tuple(name for name in key.names if name) for key in self.indexes if key.is_primary), ())

    @property
    def unique_columns(self) -> set[str]:
        """The columns that alone identify a row."""
        return {
            str(key.names[0])
            for key in self.indexes
            if key.is_unique and not key.predicate and len(key.names) == 1 and key.names[0]
        }

    def is_unique(self, column: str) -> bool:
        return column in self.unique_columns


@dataclass(frozen=True)
class People:
    """The column that identifies a person. `holds` is the attribute of our users that stores it.

    view: the view that was named, if the people are rows of the table behind it.
    """

    relation: Relation
    column: str
    base_type: str
    user_name: str
    holds: str
    view: str = ""

    @property
    def path(self) -> str:
        return f"{self.relation.schema}.{self.relation.name}.{self.column}"


@dataclass
class Database:
    """The tables to adopt by oid, in the order of their names, and everything else in their schemas.

    schema: the one to adopt; others have tables that reference its rows. only: the paths of the tables, if not all are
    to be adopted. triggers: the name, kind (`pg_trigger.tgtype`) and function of each. publications: the name, and
    whether it is for all tables.
    """

    tables: dict[int, Table]
    people: People
    catalog: Catalog
    schema: str
    only: tuple[str, ...] = ()
    others: list[Relation] = field(default_factory=list)
    triggers: dict[int, list[tuple[str, int, str]]] = field(default_factory=dict)
    publications: list[tuple[str, bool]] = field(default_factory=list)

    def references_to(self, oid: int) -> Iterator[Reference]:
        """Yield the foreign keys to a table or its partitions, of tables that are adopted."""
        parts = self.catalog.with_parts(oid)
        for table in self.tables.values():
            yield from (found for found in table.references if found.referenced in parts)

    def whole(self, oid: int) -> int:
        """Return the table that a partition belongs to, or the table itself."""
        return self.catalog.root(oid)
