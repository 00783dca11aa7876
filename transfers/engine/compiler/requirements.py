"""Requirements that a declaration and its tables must meet, so that the engine can transfer the type correctly.

`compile_plan` checks them when the site or a worker starts (`transfers.checks.database`) and before each batch.
"""

import re
from collections.abc import Iterable, Iterator

from transfers.engine.catalog.tables import Key, Table, unquoted
from transfers.engine.compiler.owners import OwnerSql, column_of
from transfers.engine.compiler.policies import policy_of
from transfers.rules import Column, Combine, DataType, Merge, Polymorphic, Profile, Rename

# Matches the predicate of a partial index that requires one value in one column, as PostgreSQL prints it.
ONE_VALUE = re.compile(
    r"""\(+"?(?P<column>[^"()]+)"?\)?(::[\w ]+)? = ('(?P<text>[^']*)'::[\w ]+|(?P<number>\d+))\)+"""
)


class CannotCompile(Exception):
    """The declaration does not fit the database. `data_type` is the type's key, `hint` the next step."""

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
                f"{column} is a generated column ({table.generated[column]}) and cannot be written.",
                f"Declare the column that {column} is computed from.",
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
        if isinstance(owner, Column) and not owner.has_tenant:
            raise CannotCompile(
                data_type,
                f"{owner.field} holds the {owner.holds}, but no field with the tenant is declared.",
                f'Add the field with the tenant: Column("{owner.field}", holds="{owner.holds}", tenant="tenant").',
            )


def attributes_are_exact(data_type: DataType, table: Table, owners: Iterable[OwnerSql]) -> None:
    for owner in owners:
        if owner.kind == "attribute" and owner.sql_type == "citext":
            raise CannotCompile(
                data_type,
                f"{owner.column} is of type citext, which ignores case, but a user's attribute must match exactly.",
                f'Change the column to text: ALTER TABLE "{table.name}" ALTER "{owner.column}" TYPE text; and write'
                " its values exactly as in the users' records.",
            )


# --- Keys ------------------------------------------------------------------------------------------------------------


def conflicts_are_decided(data_type: DataType, table: Table) -> None:
    """Raise `CannotCompile` if a unique key holds an owner and no policy decides which of two rows is kept.

    A start-up check finds this too, but the key may be added between the confirmation of a transfer and its run.
    """
    rule = data_type.rule
    if isinstance(rule, Combine) and rule.on_clash is None:
        for key in table.keys_with(column_of(data_type.model, owner.field) for owner in data_type.owners):
            raise CannotCompile(
                data_type,
                f"rows of both users can conflict on the unique key {key.name} ({', '.join(key.expressions)}), but no"
                " policy is declared.",
                "Declare which row survives in datatypes.py, e.g. Combine(on_clash=KeepTarget()).",
            )


def keys_identify_owners(data_type: DataType, table: Table, owners: Iterable[OwnerSql]) -> None:
    """Raise `CannotCompile` if a moved row could conflict with a row of a user other than its target.

    The engine would not find such a row, and must not delete it.
    """
    for owner in owners:
        for key in table.keys_with([owner.column]):
            if only_in_predicate(key, table, owner.column):
                continue
            key_holds_beside(data_type, key, owner)
            key_holds_attribute(data_type, key, owner)


def only_in_predicate(key: Key, table: Table, column: str) -> bool:
    """Return whether the key depends on the column only through its predicate, not through its parts."""
    return column not in names_of(key) and names_of(key) <= set(table.columns)


def names_of(key: Key) -> set[str]:
    """Return the parts of the key, unquoted. A part that is an expression matches no column."""
    return set(map(unquoted, key.expressions))


def key_holds_beside(data_type: DataType, key: Key, owner: OwnerSql) -> None:
    if not owner.beside or owner.beside in names_of(key) or is_for_users_only(data_type, key, owner):
        return
    raise CannotCompile(
        data_type,
        f"the unique key {key.name} holds {owner.column} without {owner.beside}, so a moved row could conflict with a"
        " row of neither user.",
        remedy_for_beside(data_type, owner),
    )


def remedy_for_beside(data_type: DataType, owner: OwnerSql) -> str:
    kinds = sorted(user_kinds(data_type))
    if owner.kind != "polymorphic":
        return f"Add {owner.beside} to the key."
    return (
        f"Add {owner.beside} to the key, or restrict the index to users: WHERE {owner.beside} = '{kinds[0]}'."
    )


def is_for_users_only(data_type: DataType, key: Key, owner: OwnerSql) -> bool:
    """Return whether this is a partial key that covers only rows owned by users."""
    match = ONE_VALUE.fullmatch(key.predicate)
    if match is None or match["column"] != owner.beside:
        return False
    return (match["text"] or match["number"]) in user_kinds(data_type)


def user_kinds(data_type: DataType) -> set[str]:
    return {owner.kind for owner in data_type.owners if isinstance(owner, Polymorphic)}


def key_holds_attribute(data_type: DataType, key: Key, owner: OwnerSql) -> None:
    """Raise `CannotCompile` if the key contains a user's attribute only inside an expression.

    An expression such as lower() can be equal for the attributes of several users.
    """
    if owner.kind == "attribute" and owner.column not in names_of(key):
        raise CannotCompile(
            data_type,
            f"the unique key {key.name} ({', '.join(key.expressions)}) holds {owner.column} inside an expression, so a"
            " moved row could conflict with a row of neither user.",
            f"Build the key on {owner.column} itself; a user's attribute must match exactly.",
        )
