"""A data type bound to its tables: the declaration, the catalog's description, and the compiled owners."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg import sql

from transfers.engine.catalog.tables import Key, Table
from transfers.engine.compiler.children import Branch
from transfers.engine.compiler.owners import OwnerSql, column_of, mapped_columns
from transfers.engine.compiler.policies import column_of_policy, policy_of, policy_order
from transfers.engine.compiler.requirements.parts_of_keys import clashing_keys
from transfers.engine.compiler.steps import Names, comma
from transfers.rules import DataType, Profile, Rename, all_children

# The types whose values have the same text if they are equal.
EXACT = re.compile(r"smallint|integer|bigint|uuid|text|character varying(\(\d+\))?|character\(\d+\)")


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
            "table": self.table.identifier,
            "type": sql.Literal(self.data_type.key),
        }
        return names | (self.owner_names(self.owners[0]) if self.owners else {})

    def owner_names(self, owner: OwnerSql) -> Names:
        return {
            "stage": owner.stage,
            "column": sql.Identifier(owner.column),
            "target": owner.user("target"),
            "of_owner": owner.staged,
            "holds_source": owner.holds("source"),
            "holds_target": owner.holds("target"),
            "other_holds_source": owner.holds("source", "s"),
        }

    @property
    def owner_columns(self) -> list[str]:
        return [owner.column for owner in self.owners]

    @property
    def mapped(self) -> dict[str, sql.Composed]:
        """The new value of each owner column of row `r`."""
        mapped = mapped_columns(self.owners)
        if self.data_type.self_edges == "clear":
            column = self.owners[1].column
            mapped[column] = sql.SQL("CASE WHEN {} THEN NULL ELSE {} END").format(
                self.joins_pair, mapped[column]
            )
        return mapped

    @property
    def joins_pair(self) -> sql.Composed:
        """The condition that one of the first two owners holds the source and the other the target of one pair."""
        one, other = self.owners[:2]
        pair = "(SELECT p.pair FROM {} AS p WHERE {}) = (SELECT p.pair FROM {} AS p WHERE {})"
        return sql.SQL(" OR ").join(
            sql.SQL(pair).format(one.stage, one.holds(mine), other.stage, other.holds(theirs))
            for mine, theirs in (("source", "target"), ("target", "source"))
        )

    @property
    def has_one_owner(self) -> bool:
        """True if a row belongs to at most one user, so a join with the pairs returns it at most once."""
        return len(self.owners) == 1 and self.owners[0].is_scalar

    @property
    def is_direct(self) -> bool:
        """True if no two rows can conflict: one owner that holds one user, and Overwrite or no unique key on it.

        Rows to detach are noted in the work table, so a type with such children is not direct.
        """
        can_conflict = bool(self.keys) and not self.data_type.overwrites
        return self.has_one_owner and not can_conflict and not self.detaches

    @property
    def only_moves(self) -> bool:
        """True if a move changes nothing but the owner, from the source to the target.

        The journal then needs only the keys of the rows.

        Otherwise a policy may rename the row, a trigger change it, or values that are equal differ in their text.
        """
        return (
            self.has_one_owner
            and not isinstance(policy_of(self.data_type), Rename)
            and not self.table.has_update_triggers
            and EXACT.fullmatch(self.table.base_types[self.owners[0].column]) is not None
        )

    @property
    def loses_rows(self) -> bool:
        """True if a transfer may delete rows of this type. Those of a Profile stay."""
        may_lose = bool(self.keys) or self.data_type.drops_self_edges or self.data_type.overwrites
        return may_lose and not isinstance(self.data_type.rule, Profile)

    @property
    def detaches(self) -> bool:
        """True if a transfer may detach rows, which may belong to any user."""
        return any(child.detached for child in all_children(self.data_type.children))

    @property
    def shares_rows(self) -> bool:
        """True if a transfer may change rows that can belong to users of several pairs."""
        return not self.has_one_owner or self.detaches

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys by which two rows can conflict because one gets another user."""
        return clashing_keys(self.table, self.owner_columns)

    @property
    def policy_column(self) -> str:
        """The column that the policy compares or renames, or an empty text."""
        field = column_of_policy(policy_of(self.data_type))
        return column_of(self.data_type.model, field) if field else ""

    def preferred_first(
        self, by: sql.Identifier, arrives: sql.SQL, key: Iterable[sql.Composable]
    ) -> sql.Composed:
        """Return the ORDER BY terms that put the row first that the policy prefers.

        by: the policy's column. arrives: see `kinds.arriving`. key: the parts of the primary key, which break ties.
        """
        by_type = self.table.base_types[self.policy_column] if self.policy_column else ""
        return comma([policy_order(policy_of(self.data_type), by, by_type, arrives), *key])

    @property
    def branches(self) -> list[Branch]:
        table, key = self.table.name, self.data_type.key
        parts = self.table.primary_key or ("tableoid", "ctid")
        first = self.preferred_first(
            sql.Identifier("lost", self.policy_column),
            sql.SQL("w.place"),
            (sql.SQL("lost.{}").format(sql.SQL(part)) for part in parts),
        )
        place = sql.SQL("rank() OVER (ORDER BY {})").format(first)
        return [
            Branch(number, child, table, key, self.names | {"place": place}, self.tables)
            for number, child in enumerate(self.data_type.children)
        ]
