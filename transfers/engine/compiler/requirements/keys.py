"""Requirements of the unique keys that hold an owner: a policy, and conflicting rows that are found by their owner."""

import re
from collections.abc import Collection, Iterable, Sequence

from transfers.engine.catalog.tables import Key, Table, unquoted
from transfers.engine.compiler.owners import OwnerSql, column_of
from transfers.engine.compiler.policies import policy_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.compiler.requirements.parts_of_keys import (
    clashing_keys,
    conjuncts,
    is_only_in_condition,
    mentions,
    parts_of,
)
from transfers.rules import Combine, DataType, Polymorphic, Rename

# Matches the predicate of a partial index that requires one value in one column, as PostgreSQL prints it.
ONE_VALUE = re.compile(
    r"""\(+"?(?P<column>[^"()]+)"?\)?(::[\w ]+)? = ('(?P<text>[^']*)'::[\w ]+|(?P<number>\d+))\)+"""
)


def conflicts_are_decided(data_type: DataType, table: Table) -> None:
    """Raise `CannotCompile` if a unique key holds an owner and no policy decides which of two rows is kept.

    A start-up check finds this too, but the key may be added between the confirmation of a transfer and its run.
    """
    rule = data_type.rule
    if isinstance(rule, Combine) and rule.on_clash is None:
        for key in clashing_keys(
            table, (column_of(data_type.model, owner.field) for owner in data_type.owners)
        ):
            raise CannotCompile(
                data_type,
                f"rows of both users can conflict on the unique key {key.name} ({', '.join(key.expressions)}), but no"
                " policy is declared.",
                "Declare which row survives in datatypes.py, e.g. Combine(on_clash=KeepTarget()).",
            )


def keys_name_columns(data_type: DataType, tables: Iterable[Table]) -> None:
    """Raise `CannotCompile` for a key that depends on the row as a whole: the mapped row is no row of the table."""
    for table in tables:
        for key in table.keys:
            if key.has_row:
                raise CannotCompile(
                    data_type,
                    f"the unique key {key.name} of {table.name} depends on the row as a whole"
                    f" ({', '.join(key.expressions)}), so a transfer cannot see which rows would conflict.",
                    "Let the key name its columns.",
                )


def overwritten_rows_do_not_conflict(data_type: DataType, table: Table, owners: Sequence[OwnerSql]) -> None:
    """Raise `CannotCompile` if rows that Overwrite keeps can conflict, or if those that it deletes are also of others.

    It deletes the target's rows, which it finds by the first owner. Rows with the source and with the target in another
    owner may become equal and be kept.
    """
    if data_type.overwrites and not owners[0].is_scalar:
        raise CannotCompile(
            data_type,
            f"Overwrite deletes the rows with the target in {owners[0].column}, a list, also for other users in it.",
            "Combine the type: Combine(). The source is then replaced by the target in the list.",
        )
    for owner in owners[1:] if data_type.overwrites else ():
        for key in table.keys_with([owner.column]):
            if not is_only_in_condition(key, table, owner.column):
                raise CannotCompile(
                    data_type,
                    f"rows of both users can conflict on the unique key {key.name}, which holds {owner.column};"
                    f" Overwrite deletes only rows with the target in {owners[0].column}.",
                    "Combine the type: Combine(on_clash=KeepTarget()).",
                )


def names_are_given_once(data_type: DataType, keys: Sequence[Key]) -> None:
    """Raise `CannotCompile` if a new name that one key makes necessary could conflict on another key."""
    if isinstance(policy_of(data_type), Rename) and len(keys) > 1:
        names = ", ".join(key.name for key in keys)
        raise CannotCompile(
            data_type,
            f"Rename cannot find a name that is free in several unique keys ({names}).",
            "Choose another policy, or drop the key that the other one makes unnecessary.",
        )


def keys_identify_owners(data_type: DataType, table: Table, owners: Iterable[OwnerSql]) -> None:
    """Raise `CannotCompile` if a moved row could conflict with a row of a user other than its target.

    The engine would not find such a row, and must not delete it.
    """
    for owner in owners:
        for key in table.keys_with([owner.column]):
            if is_only_in_condition(key, table, owner.column):
                continue
            key_holds_beside(data_type, key, owner)
            key_holds_attribute(data_type, key, owner)
            exclusion_compares_owner(data_type, key, owner, table)


def key_holds_beside(data_type: DataType, key: Key, owner: OwnerSql) -> None:
    if not owner.beside or owner.beside in parts_of(key) or is_for_users_only(data_type, key, owner):
        return
    raise CannotCompile(
        data_type,
        f"the unique key {key.name} holds {owner.column} without {owner.beside}, so a changed row could conflict with"
        " a row of neither user.",
        remedy_for_beside(data_type, owner),
    )


def remedy_for_beside(data_type: DataType, owner: OwnerSql) -> str:
    kinds = sorted(user_kinds(data_type))
    if owner.kind != "polymorphic" or "." in kinds[0]:  # an index cannot look up a content type
        return f"Add {owner.beside} to the key."
    return (
        f"Add {owner.beside} to the key, or restrict the index to users: WHERE {owner.beside} = '{kinds[0]}'."
    )


def is_for_users_only(data_type: DataType, key: Key, owner: OwnerSql) -> bool:
    """Return whether this is a partial key that covers only rows owned by users, or some of them."""
    kinds = user_kinds(data_type)
    return any(asks_for_kind(condition, owner.beside, kinds) for condition in conjuncts(key.predicate))


def is_for_all_users(data_type: DataType, key: Key, owner: OwnerSql) -> bool:
    """Return whether this is a partial key that covers the rows owned by users, all of them."""
    return asks_for_kind(key.predicate, owner.beside, user_kinds(data_type))


def asks_for_kind(condition: str, column: str, kinds: Collection[str]) -> bool:
    """Return whether the condition, as PostgreSQL prints it, is that the column has one of these kinds."""
    one = ONE_VALUE.fullmatch(condition)
    return one is not None and one["column"] == column and (one["text"] or one["number"]) in kinds


def user_kinds(data_type: DataType) -> set[str]:
    return {owner.kind for owner in data_type.owners if isinstance(owner, Polymorphic)}


def key_holds_attribute(data_type: DataType, key: Key, owner: OwnerSql) -> None:
    """Raise `CannotCompile` if the key contains a user's attribute only inside an expression.

    An expression such as lower() can be equal for the attributes of several users, if they are texts.
    """
    if owner.attribute and owner.form.is_text and owner.column not in parts_of(key):
        raise CannotCompile(
            data_type,
            f"the unique key {key.name} ({', '.join(key.expressions)}) holds {owner.column} inside an expression, so a"
            " moved row could conflict with a row of neither user.",
            f"Build the key on {owner.column} itself; a user's attribute must match exactly.",
        )


def exclusion_compares_owner(data_type: DataType, key: Key, owner: OwnerSql, table: Table) -> None:
    """Raise `CannotCompile` for an exclusion constraint by which rows of different users exclude each other."""
    for part, operator in zip(key.expressions, key.operators, strict=False):
        is_equal = unquoted(part) == owner.column and operator.endswith(".=)")
        if mentions(part, table, owner.column) and not is_equal:
            raise CannotCompile(
                data_type,
                f"the exclusion constraint {key.name} compares {part} by another operator than =, so a moved row could"
                " conflict with a row of neither user, or with one that is still to be moved.",
                f"Let the constraint compare {owner.column} itself: EXCLUDE USING gist ({owner.column} WITH =, …).",
            )
