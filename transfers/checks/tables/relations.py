"""Check that each table exists, is an ordinary table, has the columns of its model, and that the role may change it."""

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import ForeignKey, Model

from transfers.checks.catalog.tables import Catalog, Relation, identifier
from transfers.checks.children import goes_with_parent
from transfers.checks.introspection import field_of, models_of, names_of
from transfers.checks.tables.keys import can_lose_child_rows, can_lose_rows
from transfers.engine.catalog.names import parts_of
from transfers.engine.compiler.owners import column_of
from transfers.rules import Child, DataType, all_children

KINDS = {
    "v": "a view. A row of a view has no place of its own by which a transfer could identify it",
    "m": "a materialized view, which cannot be changed",
    "f": "a foreign table. Its changes are committed by the other server, so a transfer could be stored in part",
}
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
PLACE = "ctid"  # the column of every table by which a model may identify rows that have no key


def is_usable(entry: DataType, catalog: Catalog) -> bool:
    """Return whether the declaration's tables and columns exist, so that the other checks can look at them."""
    return (
        all(may_read(catalog, model) for model in models_of(entry))
        and not any(
            column_of(model, name) not in catalog.columns_of(model) for model, name in names_of(entry)
        )
        and all(is_foreign_key(child.model, child.field) for child in all_children(entry.children))
    )


def may_read(catalog: Catalog, model: type[Model]) -> bool:
    return catalog.oid(model) is not None and catalog.table(model).may_use_schema


def is_foreign_key(model: type[Model], name: str) -> bool:
    return isinstance(field_of(model, name), ForeignKey)


def unfit_tables(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    missing = [*missing_tables(entries, catalog), *missing_columns(entries, catalog)]
    # `migrate` runs the checks before it creates tables and columns.
    if missing and not has_migrations_to_run():
        yield from missing
    yield from not_tables(entries, catalog)
    present = [
        entry for entry in entries if all(catalog.oid(model) is not None for model in models_of(entry))
    ]
    yield from not_allowed(present, catalog)


def has_migrations_to_run() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


# --- Tables and columns that do not exist ----------------------------------------------------------------------------


def missing_tables(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    for entry in entries:
        for model in models_of(entry):
            if catalog.oid(model) is None:
                name = ".".join(parts_of(model._meta.db_table))
                yield Error(
                    f"{entry.name}: the database has no table {name}, or the search path does not lead to it.",
                    hint=where_it_may_be(model, catalog.elsewhere.get(model._meta.db_table, [])),
                    id="transfers.E106",
                )


def where_it_may_be(model: type[Model], elsewhere: list[str]) -> str:
    if not elsewhere:
        return f"Create the table, or correct db_table of the model {model._meta.label}."
    lines = "\n".join(f"    db_table = '{name}'" for name in elsewhere)
    return f"Name the schema in the Meta of {model._meta.label}. Tables of this name:\n{lines}"


def missing_columns(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    for entry in entries:
        for model in dict.fromkeys(models_of(entry)):
            if catalog.oid(model) is not None:
                names = [*declared_elsewhere(entry, model, catalog), *lacking(model, catalog)]
                yield from (no_such_column(entry, model, name, catalog) for name in dict.fromkeys(names))


def lacking(model: type[Model], catalog: Catalog) -> list[str]:
    columns = catalog.columns_of(model)
    return [
        field.name
        for field in model._meta.local_concrete_fields
        if field.column and field.column not in {*columns, PLACE}
    ]


def declared_elsewhere(entry: DataType, of: type[Model], catalog: Catalog) -> Iterator[str]:
    """Yield the declared fields that a model inherits from another table (multi-table inheritance)."""
    for model, name in names_of(entry):
        if model is of and column_of(model, name) not in catalog.columns_of(model):
            yield name


def no_such_column(entry: DataType, model: type[Model], name: str, catalog: Catalog) -> CheckMessage:
    field, table = field_of(model, name), catalog.table(model)
    column = column_of(model, name)
    hint = f"Correct the model or the table. Columns in the database: {', '.join(catalog.columns_of(model))}."
    if field is not None and field not in model._meta.local_fields:
        owner = field.model._meta
        hint = f"{name} is a column of {owner.db_table}. Declare a DataType of its model, {owner.label}."
    elif field is not None and field.primary_key and field.auto_created:
        hint = (
            "Django adds this field to a model without a primary key. Say in the model what identifies a row:\n"
            "    primary_key=True, on the field if it is one;\n"
            '    pk = models.CompositePrimaryKey("one", "other"), if they are several.\n'
            f"Columns in the database: {', '.join(catalog.columns_of(model))}."
        )
    message = (
        f"{entry.name}: the table {table} has no column {column}, which {model._meta.label}.{name} needs."
    )
    return Error(message, hint=hint, id="transfers.E101")


# --- Views, foreign tables, rights -----------------------------------------------------------------------------------


def not_tables(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    for entry in entries:
        for table in tables_with_parts(entry, catalog):
            if table.kind in KINDS:
                yield Error(
                    f"{entry.name}: {table} is {KINDS[table.kind]}.",
                    hint=instead_of(table),
                    id="transfers.E108",
                )


def tables_with_parts(entry: DataType, catalog: Catalog) -> list[Relation]:
    """Return the tables of a data type and its children, with their partitions and inheriting tables."""
    oids = [catalog.oid(model) for model in models_of(entry)]
    parts = {part: None for oid in oids if oid is not None for part in sorted(catalog.with_parts(oid))}
    return [catalog.relations[oid] for oid in parts]


def instead_of(table: Relation) -> str:
    if table.kind != "f":
        return "Declare the table that holds the rows. Its name is in the definition:\n" + (
            f"    SELECT pg_get_viewdef('{table.quoted}'::regclass, true);"
        )
    if table.is_partition:
        return "Transfer these records in the database that holds them, and detach the partition here."
    return "Remove the DataType, and transfer these records in the database that holds them."


def not_allowed(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each table that the application may not change; the owner, which migrates, is not checked.

    Rows that a transfer deletes are inserted again by its undo.
    """
    if settings.AS_TABLE_OWNER:
        return
    for entry in entries:
        needed = needed_rights(entry, catalog)
        for model in dict.fromkeys(models_of(entry)):
            table = catalog.table(model)
            missing = [right for right in needed[model] if right not in table.rights]
            if table.kind not in KINDS and (missing or not table.may_use_schema):
                yield refused(entry, table, missing)


def needed_rights(entry: DataType, catalog: Catalog) -> dict[type[Model], list[str]]:
    """Return the rights that a transfer and its undo use, by model."""
    loses = can_lose_rows(entry, catalog)
    found = {entry.model: rights_to_change(deletes=loses, loses=loses)}
    for child, loses_child in children_that_lose(entry, entry.children, catalog):
        of_child = rights_to_change(deletes=loses and not child.detached, loses=loses and loses_child)
        known = found.get(child.model, [])
        found[child.model] = [right for right in RIGHTS if right in known or right in of_child]
    return found


def children_that_lose(
    entry: DataType, children: Iterable[Child], catalog: Catalog, *, orphaned: bool = False
) -> Iterator[tuple[Child, bool]]:
    """Yield the children of all levels, and whether rows of them may be deleted."""
    for child in children:
        yield child, can_lose_child_rows(entry, child, catalog, orphaned=orphaned)
        goes = goes_with_parent(entry, child, orphaned=orphaned)
        yield from children_that_lose(entry, child.children, catalog, orphaned=goes)


def rights_to_change(*, deletes: bool, loses: bool) -> list[str]:
    """Return the rights on a table of which rows are changed.

    deletes: a statement deletes rows of it. loses: there may be such rows, which an undo inserts again.
    """
    further = {"DELETE": deletes, "INSERT": loses and bool(settings.UNDO_DAYS)}
    return [right for right in RIGHTS if further.get(right, True)]


def refused(entry: DataType, table: Relation, missing: list[str]) -> CheckMessage:
    role = identifier(settings.APPLICATION_ROLE)
    may_not = [*([] if table.may_use_schema else [f"use the schema {table.schema}"])]
    lines = (
        [] if table.may_use_schema else [f"    GRANT USAGE ON SCHEMA {identifier(table.schema)} TO {role};"]
    )
    if missing:
        may_not.append(f"{', '.join(missing)} on it")
        lines.append(f"    GRANT {', '.join(missing)} ON {table.quoted} TO {role};")
    return Error(
        f"{entry.name}: transfers and their undo change rows of {table}, but the application's role may not"
        f" {' or '.join(may_not)}.",
        hint="\n".join(["As the owner of the table:", *lines]),
        id="transfers.E107",
    )
