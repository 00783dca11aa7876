"""Requirements of the unique keys with a column that a transfer changes: no row of another user may be in the way.

A policy decides between rows of both users. A row that gets another value, or that comes into a partial key by it,
could also conflict with a row that is not found by its owner: the pair would fail after the preview had promised the
change.
"""

from collections.abc import Mapping, Sequence, Set

from transfers.engine.catalog.tables import Key, Table
from transfers.engine.compiler.owners import OwnerSql, column_of
from transfers.engine.compiler.policies import policy_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.compiler.requirements.keys import is_for_all_users, key_holds_beside
from transfers.engine.compiler.requirements.parts_of_keys import (
    allows_null,
    ignores_user,
    in_quotes,
    is_in_expression,
    is_only_in_condition,
    parts_of,
    without,
)
from transfers.rules import Child, Concatenate, DataType, Fold, Merge, Profile, Rename, Sum, all_children


def changed_columns_keep_keys(
    data_type: DataType, tables: Mapping[str, Table], owners: Sequence[OwnerSql], keys: Sequence[Key]
) -> None:
    """Raise `CannotCompile` for a key that a changed column could violate. keys: those that hold an owner."""
    table = tables[data_type.model._meta.db_table]
    for number, owner in enumerate(owners):
        is_emptied = number == 1 and data_type.self_edges == "clear"
        owner_keeps_keys(data_type, table, owner.column, owners[0].column, is_emptied=is_emptied)
    policy = policy_of(data_type) if keys else None  # no row is merged or renamed without a conflict
    if isinstance(policy, Merge):
        folded_rows_keep_their_key(data_type, table, owners)
        for field, fold in policy.columns.items():
            fold_keeps_keys(data_type, table, column_of(data_type.model, field), fold, keys)
    if isinstance(policy, Rename):
        column = column_of(data_type.model, policy.field)
        for key in table.keys_with([column]):
            if key not in keys:
                raise violates(
                    data_type, table, column, key, "Choose another policy than Rename, or drop the key."
                )
    children = list(all_children(data_type.children))
    for child in children:
        emptied = {
            column_of(one.model, one.field) for one in children if one.detached and one.model is child.model
        }
        child_keeps_keys(data_type, tables[child.model._meta.db_table], child, emptied)


def profile_keeps_keys(data_type: DataType, table: Table, owners: Sequence[OwnerSql], rule: Profile) -> None:
    """Raise `CannotCompile` if a user may have several rows, or for a key by which the source's row, which stays,
    conflicts with its copied values.
    """
    owner, *others = owners
    if others:
        raise CannotCompile(
            data_type,
            f"a profile is that of one user, so rows with a user in {others[0].column} would not be looked for.",
            f"Declare one owner, and list {others[0].column} in NOT_TRANSFERRED, with the reason.",
        )
    if not any(is_once(data_type, key, owner) for key in table.keys):
        columns = ", ".join(in_quotes(column) for column in (owner.beside, owner.column) if column)
        index = f", or: CREATE UNIQUE INDEX ON {table.regclass} ({columns});"
        raise CannotCompile(
            data_type,
            f"{table.name} may have several rows of a user, of which a profile could take any.",
            "Choose another rule" + (index if owner.is_scalar else ": several lists may hold a user."),
        )
    for field in rule.columns:
        column = column_of(data_type.model, field)
        for key in table.keys_with([column]):
            if owner.column not in parts_of(key):
                remedy = f"Remove {field} from the columns of the Profile, or add {owner.column} to the key."
                raise violates(data_type, table, column, key, remedy)
            key_holds_beside(data_type, key, owner)


def is_once(data_type: DataType, key: Key, owner: OwnerSql) -> bool:
    """Return whether a user has at most one row by this key. A list may hold a user in several rows."""
    asks = without(key.predicate, owner.column, "IS NOT NULL")
    is_whole = asks in ("true", "()") or is_for_all_users(data_type, key, owner)
    return (
        owner.is_scalar and is_whole and not key.operators and parts_of(key) <= {owner.column, owner.beside}
    )


# --- Each column that changes ----------------------------------------------------------------------------------------


def owner_keeps_keys(data_type: DataType, table: Table, column: str, first: str, *, is_emptied: bool) -> None:
    """first: the first owner. An emptied row has the target in it, by which a policy finds rows with the same key."""
    for key in table.keys_with([column]):
        is_found = first in parts_of(key) and not data_type.overwrites
        if is_emptied and not (is_found or allows_null(key, table, column)):
            remedy = (
                'Choose another rule than self_edges="clear", or let the key leave out rows without a value:'
            )
            raise violates(data_type, table, column, key, f"{remedy} WHERE {column} IS NOT NULL.")
        if is_only_in_condition(key, table, column) and not ignores_user(key, table, column):
            remedy = (
                f"Add {column} to the key, or let the index have no condition with it, or only IS NOT NULL."
            )
            raise violates(data_type, table, column, key, remedy)


def fold_keeps_keys(data_type: DataType, table: Table, column: str, fold: Fold, keys: Sequence[Key]) -> None:
    for key in table.keys_with([column]):
        # Rows that are merged agree in the parts of the key. If it is the only one, the row that is kept still has it.
        keeps_parts = column not in parts_of(key) or not isinstance(fold, Sum | Concatenate)
        if [key] == list(keys) and keeps_parts and not is_in_expression(key, table, column):
            continue
        remedy = f"Remove {column} from the columns of Merge, choose another policy, or drop the key."
        raise violates(data_type, table, column, key, remedy)


def folded_rows_keep_their_key(data_type: DataType, table: Table, owners: Sequence[OwnerSql]) -> None:
    """Raise `CannotCompile` if a row could be merged into one that moves itself and gets another primary key by that.

    The journal names it by the key that it has when values are merged into it. If a row has one user, it is the
    target's and stays.
    """
    key = next((key.columns for key in table.keys if key.is_primary), frozenset())
    changing = [owner.column for owner in owners if owner.column in key]
    if changing and not (len(owners) == 1 and owners[0].is_scalar):
        raise CannotCompile(
            data_type,
            f"the primary key of {table.name} holds {changing[0]}, which changes if the row that others are merged into"
            " is moved itself, so an undo could not find it.",
            "Choose another policy than Merge, or give the table a primary key without users, such as an identity"
            " column, and keep this one as UNIQUE.",
        )


def child_keeps_keys(data_type: DataType, table: Table, child: Child, emptied: Set[str]) -> None:
    """emptied: the columns by which other rows of the table are detached."""
    column = column_of(child.model, child.field)
    for key in table.keys_with([column]):
        if child.detached and not allows_null(key, table, column):
            remedy = "Remove detached=True: the rows are then discarded or re-pointed. Or let the key leave out rows"
            raise violates(
                data_type, table, column, key, f"{remedy} without a value: WHERE {column} IS NOT NULL."
            )
        stays = child.detached or child.goes_with_parent or data_type.overwrites
        if not stays and is_only_in_condition(key, table, column) and not ignores_user(key, table, column):
            remedy = f"Declare goes_with_parent=True, or let the index have no condition with {column}."
            raise violates(data_type, table, column, key, remedy)
        if not stays and (others := sorted(emptied & key.columns)):
            raise CannotCompile(
                data_type,
                f"rows of {table.name} would be discarded for a conflict on the unique key {key.name} that ends when"
                f" {others[0]}, which is in it too, is emptied.",
                f"Choose one of the two: remove detached=True from the Child of {others[0]}, or declare"
                f" goes_with_parent=True for that of {column}.",
            )


def violates(data_type: DataType, table: Table, column: str, key: Key, remedy: str) -> CannotCompile:
    condition = "" if key.predicate == "true" else f" WHERE {key.predicate}"
    return CannotCompile(
        data_type,
        f"a transfer changes {column} of {table.name}, so a row could conflict on the unique key {key.name}"
        f" ({', '.join(key.expressions)}){condition} with a row that no policy decides about.",
        remedy,
    )
