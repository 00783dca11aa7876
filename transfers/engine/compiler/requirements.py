"""Requirements that a declaration and its tables must meet, so that the engine can transfer the type correctly.

`compile_plan` checks them when the site or a worker starts (`transfers.checks.database`) and before each batch.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from transfers.engine.catalog.tables import Key, Table, unquoted
from transfers.engine.compiler.owners import OwnerSql, column_of
from transfers.engine.compiler.policies import policy_of
from transfers.rules import Combine, DataType, Merge, Polymorphic, Profile, Rename, has_tenant

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
        if not has_tenant(owner):
            raise CannotCompile(
                data_type,
                f"{owner.field} holds the {owner.holds}, but no field with the tenant is declared.",
                f'Add the field with the tenant: Column("{owner.field}", holds="{owner.holds}", tenant="tenant").',
            )


def attributes_are_exact(data_type: DataType, table: Table, owners: Iterable[OwnerSql]) -> None:
    for owner in owners:
        if owner.attribute and owner.form.is_text and is_inexact(table, owner.column):
            raise CannotCompile(
                data_type,
                f"{owner.column} ignores case or other differences, but a user's attribute must match exactly.",
                f'Change the column to text: ALTER TABLE "{table.name}" ALTER "{owner.column}" TYPE text; and write'
                " its values exactly as in the users' records.",
            )


def is_inexact(table: Table, column: str) -> bool:
    """Return whether values of the column can be equal that are written differently."""
    is_citext = unquoted(table.base_types[column].rpartition(".")[2]) == "citext"
    return is_citext or column in table.nondeterministic


# --- What the start-up checks find too, but may be added later ------------------------------------------------------


def nothing_interferes(data_type: DataType, tables: Sequence[Table], lost: Collection[str]) -> None:
    """Raise `CannotCompile` for a policy that hides rows, and for foreign keys by which other rows would be changed.

    lost: the names of the tables of which rows may be deleted.
    """
    known = {table.regclass for table in tables}
    for table in tables:
        if table.hides_rows:
            raise CannotCompile(
                data_type,
                f"row-level security may hide rows of {table.regclass} from the role of this program.",
                "Create a policy for this role: CREATE POLICY transfer ON … TO … USING (true);",
            )
        for reference in table.changing_references if table.name in lost else ():
            if reference not in known:
                raise CannotCompile(
                    data_type,
                    f"if rows of {table.regclass} are deleted, a foreign key changes rows of {reference}.",
                    "Declare the table as a Child, or make its foreign key ON DELETE NO ACTION.",
                )
    written = {column_of(data_type.model, field) for field in written_fields(data_type)}
    for column in sorted(written & tables[0].followed):
        raise CannotCompile(
            data_type,
            f"if {column} is changed, a foreign key ON UPDATE changes rows of another table.",
            "Let the foreign key reference the primary key, or make it ON UPDATE NO ACTION.",
        )


def children_are_reached_once(data_type: DataType, tables: Sequence[str]) -> None:
    """Raise `CannotCompile` if child rows could be found, and counted, in two ways."""
    for name in tables:
        if tables.count(name) > 1:
            raise CannotCompile(
                data_type,
                f"rows of {name} are children in two ways, so they would be counted twice.",
                "Declare one of the foreign keys only, and make the other one ON DELETE NO ACTION.",
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


def further_owners_do_not_conflict(data_type: DataType, table: Table, owners: Sequence[OwnerSql]) -> None:
    """Raise `CannotCompile` if rows with the target in a further owner, which Overwrite keeps, can conflict."""
    if data_type.overwrites:
        for key in table.keys_with(owner.column for owner in owners[1:]):
            if owners[0].column not in key.columns:
                raise CannotCompile(
                    data_type,
                    f"rows of both users can conflict on the unique key {key.name}, which does not hold"
                    f" {owners[0].column}; Overwrite deletes only rows with the target in {owners[0].column}.",
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
    if owner.kind != "polymorphic" or "." in kinds[0]:  # an index cannot look up a content type
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

    An expression such as lower() can be equal for the attributes of several users, if they are texts.
    """
    if owner.attribute and owner.form.is_text and owner.column not in names_of(key):
        raise CannotCompile(
            data_type,
            f"the unique key {key.name} ({', '.join(key.expressions)}) holds {owner.column} inside an expression, so a"
            " moved row could conflict with a row of neither user.",
            f"Build the key on {owner.column} itself; a user's attribute must match exactly.",
        )
