"""Check the foreign keys of the database, whether a model declares them or not.

An undeclared foreign key to rows that a transfer deletes lets the database delete or change further rows (CASCADE, SET
NULL, SET DEFAULT), or makes the pair fail.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from django.core.checks import CheckMessage, Error, Warning
from django.db.models import ForeignKey, Model

from accounts.models import User
from transfers.checks.catalog.tables import Catalog, Reference, identifier
from transfers.checks.children import KEEP_TREES, to_detach
from transfers.checks.introspection import label, model_named
from transfers.checks.keys import can_lose_child_rows, can_lose_rows, written_columns
from transfers.checks.pasting import class_name, lines_for_table
from transfers.engine.compiler.owners import column_of
from transfers.rules import Child, Combine, DataType, all_children

ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
EFFECTS = {
    "c": "which the database would delete as well",
    "n": "in which the database would set the column to NULL",
    "d": "in which the database would set the column to its default",
}
# Rows that reference the deleted ones, one level up: each parent's oid with the children declared for it.
Chain = Sequence[tuple[int, Sequence[Child]]]


def undeclared_references(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    for entry in entries:
        if can_lose_rows(entry, catalog):
            chain = [(catalog.table(entry.model).oid, entry.children)]
            yield from undeclared_below(entry, chain, catalog)


def undeclared_below(entry: DataType, chain: Chain, catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each undeclared foreign key to the table at the end of the chain, and below its children."""
    parent, children = chain[-1]
    is_again = parent in [table for table, _ in chain[:-1]]
    for found in references_to(parent, catalog):
        if is_again and is_self(parent, found, catalog):
            continue  # a table that references itself appears below itself, and is declared once
        declared = [child for child in children if matches(child, found, catalog)]
        if not declared:
            yield undeclared(entry, parent, found, catalog)
        elif problem := problem_of(declared[0], parent, found, catalog):
            yield problem_error(entry, parent, found, problem, catalog)
    for child in children:
        if can_lose_child_rows(entry, child, catalog):
            below = (catalog.table(child.model).oid, child.children)
            yield from undeclared_below(entry, [*chain, below], catalog)


def references_to(table: int, catalog: Catalog) -> Iterator[Reference]:
    parts = catalog.with_parts(table)
    return (found for found in catalog.references if found.referenced in parts)


def matches(child: Child, found: Reference, catalog: Catalog) -> bool:
    """Return whether the child is the one of this foreign key: by table, partitions included, and column."""
    key = foreign_key(child)
    same_table = found.oid in catalog.with_parts(catalog.table(child.model).oid)
    return same_table and (str(key.column), str(key.target_field.column)) in found.pairs


def foreign_key(child: Child) -> "ForeignKey[Any, Any]":
    return cast("ForeignKey[Any, Any]", child.model._meta.get_field(child.field))


def is_self(parent: int, found: Reference, catalog: Catalog) -> bool:
    return found.oid in catalog.with_parts(parent)


def problem_of(child: Child, parent: int, found: Reference, catalog: Catalog) -> str:
    """Return why the declared child does not stand for exactly the rows that reference the deleted ones, or ""."""
    if len(found.columns) > 1:
        column = str(foreign_key(child).target_field.column)
        if not any(
            index.is_unique and not index.predicate and index.names == (column,)
            for index in catalog.indexes_of(parent)
        ):
            return f"its column {column} alone does not identify the referenced row"
    if is_self(parent, found, catalog) and found.on_delete in EFFECTS and not child.detached:
        return (
            f"ON DELETE {ACTIONS[found.on_delete]} goes on to rows of other users, level by level, uncounted"
        )
    return ""


def undeclared(entry: DataType, parent: int, found: Reference, catalog: Catalog) -> CheckMessage:
    effect = EFFECTS.get(found.on_delete, "so such a pair would fail")
    columns, field, model = (
        ", ".join(found.columns),
        found.columns[-1].removesuffix("_id"),
        class_name(found.table.name),
    )
    if is_self(parent, found, catalog) and isinstance(entry.rule, Combine):
        hint = KEEP_TREES
    else:
        hint = (
            f"Declare it in the DataType {entry.name!r}, with the model of {found.table} and its field for {columns}:\n"
            f'    children=(Child({model}, "{field}"),)'
        )
    if found.columns[-1] in found.nullable:
        hint += to_detach(found.columns[-1], model, field)
    return Error(
        f"A transfer of {entry.name} may delete rows of {catalog.relations[parent]} that {found.table}"
        f" ({', '.join(found.columns)}) references (foreign key {found.name}, ON DELETE"
        f" {ACTIONS[found.on_delete]}), {effect}.",
        hint=hint,
        id="transfers.E103",
    )


def problem_error(
    entry: DataType, parent: int, found: Reference, problem: str, catalog: Catalog
) -> CheckMessage:
    return Error(
        f"{entry.name}: the foreign key {found.name} of {found.table} ({', '.join(found.columns)}) references rows of"
        f" {catalog.relations[parent]} that a transfer may delete, and {problem}.",
        hint=f"Change the foreign key, as the owner of the table:\n{with_no_action(found, catalog)}",
        id="transfers.E103",
    )


def with_no_action(found: Reference, catalog: Catalog) -> str:
    columns = ", ".join(map(identifier, found.columns))
    referenced = ", ".join(map(identifier, found.referenced_columns))
    name = identifier(found.name)
    return (
        f"    ALTER TABLE {found.table.quoted} DROP CONSTRAINT {name}, ADD CONSTRAINT {name}\n"
        f"        FOREIGN KEY ({columns}) REFERENCES {catalog.relations[found.referenced].quoted} ({referenced});"
    )


# --- Children --------------------------------------------------------------------------------------------------------


def not_foreign_keys(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    """Yield an error for each child whose field is no foreign key to its parent."""
    for entry in entries:
        yield from not_to_parent(entry, entry.model, entry.children)


def not_to_parent(entry: DataType, parent: type[Model], children: Sequence[Child]) -> Iterator[CheckMessage]:
    for child in children:
        field = child.model._meta.get_field(child.field)
        target = field.related_model
        if not isinstance(field, ForeignKey) or not (isinstance(target, type) and issubclass(parent, target)):
            name = child.model._meta.object_name
            yield Error(
                f"{entry.name}: {child.model._meta.label}.{child.field} is no foreign key to {parent._meta.label}, so"
                " it does not say which rows are children of which.",
                hint="Name the foreign key. In an unmanaged model, declare it:\n"
                f"    {child.field} = models.ForeignKey({parent._meta.object_name}, models.DO_NOTHING)\n"
                f'    children=(Child({name}, "{child.field}"),)',
                id="transfers.E103",
            )
        yield from not_to_parent(entry, child.model, child.children)


def trees(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each combined type of which conflicting rows may be parents of each other."""
    for entry in entries:
        table = catalog.table(entry.model)
        if isinstance(entry.rule, Combine) and can_lose_rows(entry, catalog):
            for child in all_children(entry.children):
                if catalog.table(child.model).oid == table.oid and not child.detached:
                    yield Error(
                        f"{entry.name}: rows of {table} reference other rows of {table} by {child.field}. A row that is"
                        " kept could become its own parent, or be discarded with the row that is dropped.",
                        hint=f"Remove the Child. {KEEP_TREES}"
                        + to_detach(column_of(child.model, child.field), child.model.__name__, child.field),
                        id="transfers.E115",
                    )


# --- Foreign keys to columns that a transfer changes -----------------------------------------------------------------


def followed_changes(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each foreign key by which the database changes other rows when a transfer changes a column."""
    for entry in entries:
        for model, column in written_columns(entry):
            for found in references_to(catalog.table(model).oid, catalog):
                if column in found.referenced_columns and found.on_update in EFFECTS:
                    yield Error(
                        f"{entry.name}: a transfer changes {model._meta.db_table}.{column}, and the foreign key"
                        f" {found.name} of {found.table} is ON UPDATE {ACTIONS[found.on_update]}, so the database would"
                        " change its rows uncounted.",
                        hint=f"Let it reference a key without {column}, such as the primary key, or drop it:\n"
                        f"    ALTER TABLE {found.table.quoted} DROP CONSTRAINT {identifier(found.name)};",
                        id="transfers.E111",
                    )


# --- Foreign keys to users that no model has -------------------------------------------------------------------------


def unclassified(
    entries: Iterable[DataType], stays: Mapping[str, str], models: Iterable[type[Model]], catalog: Catalog
) -> Iterator[CheckMessage]:
    """Yield an error for each foreign key to the table of users that is neither declared nor listed.

    The foreign keys of models are checked without the database (`transfers.checks.declarations`).
    """
    known = set(known_columns(entries, stays, models, catalog))
    for found in references_to_users(catalog):
        tables = catalog.with_parents(found.oid)
        is_known = any((table, column) in known for table in tables for column in found.columns)
        if not is_known and not stays.keys() & set(found.paths):
            yield Error(
                f"{found.table}.{found.columns[-1]} references a user (foreign key {found.name}), but is neither an"
                " owner of a data type nor in NOT_TRANSFERRED.",
                hint=lines_for_table(found.table, found.columns[-1]),
                id="transfers.E003",
            )


def references_to_users(catalog: Catalog) -> Iterator[Reference]:
    users = catalog.oid(User)
    return iter(()) if users is None else references_to(users, catalog)


def outdated(stays: Mapping[str, str], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield a warning for each name that is no field of a model and no foreign key to users in the database."""
    paths = {path for found in references_to_users(catalog) for path in found.paths}
    for name in stays:
        if model_named(name) is None and len(name.split(".")) == 3 and name not in paths:
            yield Warning(
                f"NOT_TRANSFERRED lists {name}, but no model has this column, and no such column references a user.",
                hint="Correct it to app_label.Model.field or, for a table without a model, to schema.table.column, or"
                " remove the line.",
                id="transfers.W001",
            )


def known_columns(
    entries: Iterable[DataType], stays: Mapping[str, str], models: Iterable[type[Model]], catalog: Catalog
) -> Iterator[tuple[int, str]]:
    for entry in entries:
        yield from (
            (catalog.table(entry.model).oid, column_of(entry.model, owner.field)) for owner in entry.owners
        )
    for model in models:
        oid = catalog.oid(model)
        for field in model._meta.local_concrete_fields:
            is_checked = isinstance(field, ForeignKey) and field.related_model is User
            if oid is not None and field.column and (is_checked or label(field) in stays):
                yield oid, field.column
