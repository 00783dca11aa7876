"""Requirements of the columns that the engine writes, and of those that hold a user."""

import re
from collections.abc import Iterable, Iterator, Mapping

from django.db.models import Model

from accounts.models import User
from transfers.engine.catalog.tables import Table, unquoted
from transfers.engine.compiler.owners import OwnerSql, column_of
from transfers.engine.compiler.policies import policy_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.rules import (
    Best,
    Child,
    DataType,
    Latest,
    Merge,
    Owner,
    Profile,
    Rename,
    all_children,
    has_tenant,
)

# Names that the statements of a transfer or its undo give to their own values, beside the columns of a record.
OWN_NAME = re.compile(
    r"_(arrives|compared|entry|inserts|is_updated|joint|n|o\d+|outcome|pairs?|place|relation|row|type|updated|was\d+|what|why"
    r"|winner)"
)
# An undo compares the columns before and after in one work table, of which PostgreSQL allows 1,600.
MOST_COLUMNS = 750
# The temporary tables of a transfer and its undo, which would hide a table of this name.
OWN_TABLES = {
    *("transfer_stage", "transfer_stage_attribute", "transfer_work", "transfer_tally", "transfer_changes"),
    *("transfer_undone", "transfer_entry", "transfer_conflict"),
}
FLOATS = ("real", "double precision")
# A numeric type with a negative scale, which rounds to tens or hundreds.
ROUNDS = re.compile(r"numeric\(\d+,-\d+\)")


def columns_can_be_written(data_type: DataType, table: Table) -> None:
    for field in (*(owner.field for owner in data_type.owners), *policy_fields(data_type)):
        column = column_of(data_type.model, field)
        if column in table.generated:
            raise CannotCompile(
                data_type,
                f"{column} is a generated column ({table.generated[column]}) and cannot be written.",
                f"Declare the column that {column} is computed from.",
            )


def names_are_free(data_type: DataType, tables: Iterable[Table]) -> None:
    """Raise `CannotCompile` for a table or a column with a name that a transfer or an undo gives to its own."""
    for table in tables:
        if table.regclass in OWN_TABLES:
            raise CannotCompile(
                data_type,
                f"{table.name} is also the name of a temporary table of a transfer or its undo, which would hide it.",
                f"Rename the table: ALTER TABLE {table.regclass} RENAME TO …;",
            )
        if name := next(filter(OWN_NAME.fullmatch, sorted(table.all_columns)), ""):
            raise CannotCompile(
                data_type,
                f"{table.name} has a column {name}, which is the name of a value in the statements of a transfer or its"
                " undo.",
                f'Rename the column: ALTER TABLE {table.regclass} RENAME "{name}" TO …;',
            )


def columns_can_be_compared(data_type: DataType, tables: Iterable[Table]) -> None:
    """Raise `CannotCompile` for a table of which a trigger may change more columns than an undo can compare."""
    for table in tables:
        if table.has_update_triggers and len(table.columns) > MOST_COLUMNS:
            raise CannotCompile(
                data_type,
                f"{table.name} has {len(table.columns):,} columns, and a BEFORE UPDATE trigger that may change each of"
                f" them. An undo can compare {MOST_COLUMNS}.",
                "Let the trigger run AFTER the update, or list the column of the user in NOT_TRANSFERRED.",
            )


def types_are_found(data_type: DataType, tables: Mapping[str, Table]) -> None:
    """Raise `CannotCompile` for a column that is compared and whose type is in a schema outside of the search path.

    Of two values of citext, for instance, the operators of text would then be found.
    """
    own = {column_of(data_type.model, name) for owner in data_type.owners for name in fields_of(owner)}
    policy = policy_of(data_type)
    by = {column_of(data_type.model, policy.by)} if isinstance(policy, Latest | Best) else set()
    written = {column_of(data_type.model, field) for field in policy_fields(data_type)}
    for name, table in tables.items():
        compared = {column for key in table.keys for column in key.columns}
        compared |= {column for key in table.foreign_keys for column, _ in key.pairs}
        if name == data_type.model._meta.db_table:
            compared |= own | by | written
        if found := sorted(compared & table.hidden):
            raise CannotCompile(
                data_type,
                f"{found[0]} of {name} is of type {table.element_types[found[0]]}, which is in a schema outside of the"
                " search path, so its operators would not be found.",
                "Add the schema to the search path of the application's role: ALTER ROLE … SET search_path = …;",
            )


def primary_keys_are_written(data_type: DataType, tables: Mapping[str, Table], *, loses_rows: bool) -> None:
    """Raise `CannotCompile` if a primary key is generated from a column that a transfer changes.

    The journal names rows by the primary key that they have before, and knows only what is written into its columns.
    """
    changed = [(data_type.model, written_columns(data_type))]
    if loses_rows:
        changed += [(one.model, {column_of(one.model, one.field)}) for one in kept_children(data_type)]
    for model, columns in changed:
        table = tables[model._meta.db_table]
        for name in table.key_columns:
            if found := sorted(columns & table.sources.get(name, frozenset())):
                raise CannotCompile(
                    data_type,
                    f"{name}, in the primary key of {table.name}, is generated from {found[0]}, which a transfer"
                    " changes, so an undo could not find the row.",
                    "Give the table another primary key, such as an identity column, and keep this one as UNIQUE.",
                )


def references_can_be_written(data_type: DataType, tables: Mapping[str, Table]) -> None:
    """Raise `CannotCompile` if the foreign key of a child that is re-pointed or detached is generated."""
    for child in kept_children(data_type):
        table, column = tables[child.model._meta.db_table], column_of(child.model, child.field)
        if column in table.generated:
            raise CannotCompile(
                data_type,
                f"{column} of {table.name} is a generated column, so its rows can neither get another parent nor lose"
                " it.",
                f'Let them go with their parent: Child({child.model.__name__}, "{child.field}", goes_with_parent=True).'
                " Or let the application fill an ordinary column:"
                f' ALTER TABLE {table.regclass} ALTER "{column}" DROP EXPRESSION;',
            )


def kept_children(data_type: DataType) -> Iterator[Child]:
    """Yield the children of which rows are re-pointed or detached, not only deleted with their parents."""
    for child in all_children(data_type.children):
        if child.detached or not (child.goes_with_parent or data_type.overwrites):
            yield child


def policies_change_no_reference(data_type: DataType, table: Table) -> None:
    """Raise `CannotCompile` if a policy writes a user, or a reference to rows of the same table or of the children.

    A transfer gives owners another user and clears references to deleted rows. The value of a losing row would be
    neither: it may be the user or the row itself that gets it. The kind or tenant beside an owner says whose it is.
    """
    model, below = data_type.model, all_children(data_type.children)
    rows = {model._meta.db_table, *(child.model._meta.db_table for child in below)}
    owners = {column_of(model, name) for owner in data_type.owners for name in fields_of(owner)}
    fields = {field.column: field.name for field in model._meta.concrete_fields}
    for field in policy_fields(data_type):
        column = column_of(model, field)
        for written in (column, *(one for one, sources in table.sources.items() if column in sources)):
            references = referenced_table(model, fields[written]) if written in fields else ""
            is_row = references == User._meta.db_table or references in rows
            if written in owners or is_row:
                what = f"refers to rows of {references}" if is_row else "says which user owns the row"
                subject = column if written == column else f"{written}, which is generated from {column},"
                raise CannotCompile(
                    data_type,
                    f"{subject} {what}, so no policy can give it the value of another row.",
                    f"Remove {field} from the columns of the policy: the row that is kept then keeps its own.",
                )


def fields_of(owner: Owner) -> Iterator[str]:
    """Yield the fields that say which user an owner is: its own, and those with the kind and the tenant."""
    names = (owner.field, getattr(owner, "kind_field", None), getattr(owner, "tenant", None))
    return (name for name in names if name)


def referenced_table(model: type[Model], field: str) -> str:
    """Return the table that the model's field references, or ""."""
    related = model._meta.get_field(field).related_model
    return related._meta.db_table if isinstance(related, type) else ""


def written_columns(data_type: DataType) -> set[str]:
    return {column_of(data_type.model, field) for field in written_fields(data_type)}


def written_fields(data_type: DataType) -> Iterator[str]:
    """Yield the fields that a transfer may change. A Profile changes no owner: its row stays, and only values move."""
    if not isinstance(data_type.rule, Profile):
        yield from (owner.field for owner in data_type.owners)
    yield from policy_fields(data_type)


def policy_fields(data_type: DataType) -> Iterator[str]:
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


def ids_are_exact(data_type: DataType, table: Table, owners: Iterable[OwnerSql]) -> None:
    """Raise `CannotCompile` for a column that rounds the IDs of users, or cannot be compared with all of them."""
    for owner in owners:
        sql_type = table.element_types[owner.column]
        rounds = sql_type in FLOATS or ROUNDS.fullmatch(sql_type)
        if not owner.attribute and (rounds or sql_type == "oid"):
            what = "rounds the IDs of users" if rounds else "cannot be compared with every ID of a user"
            raise CannotCompile(
                data_type,
                f"{owner.column} is of type {table.columns[owner.column]}, which {what}.",
                f'Change the column: ALTER TABLE "{table.name}" ALTER "{owner.column}" TYPE bigint;',
            )


def is_inexact(table: Table, column: str) -> bool:
    """Return whether values of the column, or of its arrays, can be equal that are written differently."""
    is_citext = unquoted(table.element_types[column].rpartition(".")[2]) == "citext"
    return is_citext or column in table.nondeterministic
