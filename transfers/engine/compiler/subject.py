"""A data type bound to its tables: the declaration, the catalog's description, and the compiled owners."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from transfers.engine.compiler.catalog import Key, Table
from transfers.engine.compiler.children import Branch
from transfers.engine.compiler.owners import OwnerSql
from transfers.engine.compiler.steps import Names, fill
from transfers.rules import DataType


@dataclass(frozen=True)
class Subject:
    """The data type to compile. `tables` maps names to tables and includes those of the type's children."""

    data_type: DataType
    tables: Mapping[str, Table]
    table: Table
    owners: tuple[OwnerSql, ...]

    @property
    def names(self) -> Names:
        """The placeholder values that most statements use.

        `{holds_source}` and the like refer to the first owner, which decides what Overwrite replaces.
        """
        names: Names = {
            "table": sql.Identifier(self.table.name),
            "table_name": sql.Literal(self.table.name),
            "type": sql.Literal(self.data_type.key),
        }
        names["lost"] = fill("parts/lost", **names)
        return names | (self.owner_names(self.owners[0]) if self.owners else {})

    def owner_names(self, owner: OwnerSql) -> Names:
        return {
            "stage": owner.stage,
            "column": sql.Identifier(owner.column),
            "target": owner.target(),
            "holds_source": owner.holds("source"),
            "holds_target": owner.holds("target"),
            "other_holds_source": owner.holds("source", "s"),
        }

    @property
    def has_one_owner(self) -> bool:
        """True if a row belongs to at most one user, so a join with the pairs returns it at most once."""
        return len(self.owners) == 1 and self.owners[0].is_scalar

    @property
    def is_direct(self) -> bool:
        """True if no two rows can conflict: one owner that holds one user, and Overwrite or no unique key on it."""
        return self.has_one_owner and (self.data_type.overwrites or not self.keys)

    @property
    def loses_rows(self) -> bool:
        """True if a transfer may delete rows of this type."""
        return bool(self.keys) or self.data_type.drop_self_edges or self.data_type.overwrites

    @property
    def keys(self) -> tuple[Key, ...]:
        """The unique keys that depend on an owner."""
        return self.table.keys_with(owner.column for owner in self.owners)

    @property
    def branches(self) -> list[Branch]:
        table, key = self.table.name, self.data_type.key
        return [Branch(child, table, key, self.names) for child in self.data_type.children]
