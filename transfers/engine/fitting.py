"""Does a declaration fit the tables as the database has them? What the engine could only do wrongly is refused.

`compile` asks before it compiles: when the site or a worker starts (`catalog_check`), and again before each batch.
"""

import re
from collections.abc import Iterable, Iterator

from transfers.engine.catalog import Key, Table
from transfers.engine.owners import OwnerSql, column_of
from transfers.engine.policies import policy_of
from transfers.rules import Column, DataType, Merge, Polymorphic, Profile, Rename

# What a partial index says of a column that it wants to have one value, as the database writes it.
ONE_KIND = re.compile(
    r"""\(+"?(?P<column>[^"()]+)"?\)?(::[\w ]+)? = ('(?P<text>[^']*)'::[\w ]+|(?P<number>\d+))\)+"""
)


class CannotCompile(Exception):
    """A declaration that does not fit the database. `data_type` is the type's key, `hint` the next step."""

    def __init__(self, data_type: DataType, what: str, hint: str) -> None:
        self.data_type = data_type.key
        self.hint = hint
        super().__init__(f"{data_type.name}: {what}")


# --- Columns that the engine writes ----------------------------------------------------------------------------------


def columns_can_be_written(data_type: DataType, table: Table) -> None:
    for field in written_fields(data_type):
        column = column_of(data_type.model, field)
        if column in table.generated:
            raise CannotCompile(
                data_type,
                f"the database computes {column} ({table.generated[column]}), so nobody can write it.",
                "Name the column that it is computed from.",
            )


def written_fields(data_type: DataType) -> Iterator[str]:
    yield from (owner.field for owner in data_type.owners)
    policy = data_type.rule if isinstance(data_type.rule, Profile) else policy_of(data_type)
    if isinstance(policy, Merge | Profile):
        yield from policy.columns
    if isinstance(policy, Rename):
        yield policy.field


# --- Owners ----------------------------------------------------------------------------------------------------------


def attributes_have_a_tenant(data_type: DataType) -> None:
    for owner in data_type.owners:
        if isinstance(owner, Column) and not owner.names_tenant:
            raise CannotCompile(
                data_type,
                f"nothing says of which tenant the {owner.holds} in {owner.field} is.",
                f"Name the field that holds the tenant: Column({owner.field!r}, …, tenant=…).",
            )


def attributes_are_exact(data_type: DataType, owners: Iterable[OwnerSql]) -> None:
    for owner in owners:
        if owner.kind == "attribute" and owner.sql_type == "citext":
            raise CannotCompile(
                data_type,
                f"{owner.column} takes letters of either case for one (citext), and users are known by their attribute"
                " exactly as it is written.",
                "Make it a column of text, with what stands in it written as in the users' records.",
            )


# --- Keys ------------------------------------------------------------------------------------------------------------


def keys_say_whose(data_type: DataType, table: Table, owners: Iterable[OwnerSql]) -> None:
    """Is every row that may be in the way of a moved one the target's, so that it is found and may give way?"""
    for owner in owners:
        for key in table.keys_with([owner.column]):
            if in_predicate_alone(key, table, owner.column):
                continue
            stays_beside(data_type, key, owner)
            stands_by_itself(data_type, key, owner)


def in_predicate_alone(key: Key, table: Table, column: str) -> bool:
    """Do the parts of the key not look at the column at all?"""
    return column not in names_of(key) and names_of(key) <= set(table.columns)


def names_of(key: Key) -> set[str]:
    """The parts of the key as names of columns; an expression is none of them."""
    return {
        part[1:-1].replace('""', '"') if part.startswith('"') and part.endswith('"') else part
        for part in key.expressions
    }


def stays_beside(data_type: DataType, key: Key, owner: OwnerSql) -> None:
    if not owner.beside or owner.beside in names_of(key) or is_of_kind(data_type, key, owner):
        return
    raise CannotCompile(
        data_type,
        f"the unique key {key.name} holds {owner.column} without {owner.beside}, so that a row which is nobody's of the"
        " pair can be in the way.",
        f"Put {owner.beside} into the key, or make it hold for the rows of users alone"
        f" (CREATE UNIQUE INDEX … WHERE {owner.beside} = …).",
    )


def is_of_kind(data_type: DataType, key: Key, owner: OwnerSql) -> bool:
    """Does a partial key hold for users' rows alone?"""
    kinds = {one.kind for one in data_type.owners if isinstance(one, Polymorphic)}
    only = ONE_KIND.fullmatch(key.predicate)
    return only is not None and only["column"] == owner.beside and (only["text"] or only["number"]) in kinds


def stands_by_itself(data_type: DataType, key: Key, owner: OwnerSql) -> None:
    """Users are told by their exact attribute; an expression makes one of several that are not the user's."""
    if owner.kind == "attribute" and owner.column not in names_of(key):
        raise CannotCompile(
            data_type,
            f"the unique key {key.name} ({', '.join(key.expressions)}) holds {owner.column} inside an expression, so"
            " that a row which is nobody's of the pair can be in the way.",
            f"Make the key one over {owner.column} itself; users are known by it exactly as it stands in their record.",
        )
