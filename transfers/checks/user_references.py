"""Check that every foreign key to users, or to the organisation's own people, is declared, with a model or without."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from django.core.checks import CheckMessage, Error, Warning
from django.db.models import ForeignKey, Model

from accounts.models import User
from transfers.checks.catalog.reading import people_key
from transfers.checks.catalog.tables import Catalog, Reference
from transfers.checks.introspection import label, model_named
from transfers.checks.proposals.hints import hints
from transfers.checks.proposals.tables import identifying, lines_for_table
from transfers.checks.tables.keys import owner_columns
from transfers.checks.tables.partitions import parts_without
from transfers.checks.tables.references import references_to
from transfers.engine.compiler.owners import column_of
from transfers.rules import DataType


def unclassified(
    entries: Sequence[DataType], stays: Mapping[str, str], models: Sequence[type[Model]], catalog: Catalog
) -> Iterator[CheckMessage]:
    """Yield an error for each foreign key to the table of users that is neither declared nor listed.

    The foreign keys of models are checked without the database (`transfers.checks.declarations`).
    """
    yield from owners_of_parts(entries, catalog)
    known = set(known_columns(entries, stays, models, catalog))
    of_table: dict[int, list[Reference]] = {}
    for found in references_to_users(catalog):
        tables = catalog.with_parents(found.oid)
        is_known = any((table, column) in known for table in tables for column in found.columns)
        if not is_known and not stays.keys() & set(found.paths):
            of_table.setdefault(found.oid, []).append(found)
    for references in of_table.values():
        others = [found for found in references if references_another_column(found)]
        yield from (another_column(found) for found in others)
        references = [found for found in references if found not in others]
        if not references:
            continue
        hint = how_to_classify(references, entries, models, catalog)
        for found in references:
            column = identifying(found)[0]
            whom = "a person" if found.people_key else "a user"
            yield Error(
                f"{found.table}.{column} references {whom} (foreign key {found.name}), but is neither an owner of a"
                " data type nor in NOT_TRANSFERRED.",
                hint=hint,
                id="transfers.E003",
            )
            hint = f"See {found.table}.{identifying(references[0])[0]}."


def references_another_column(found: Reference) -> bool:
    return bool(found.people_key) and found.people_key not in found.referenced_columns


def another_column(found: Reference) -> CheckMessage:
    """Return the error for a foreign key to people by another column than that with their IDs."""
    column, referenced = found.columns[-1], found.referenced_columns[-1]
    return Error(
        f"{found.table}.{column} references a person by {referenced} (foreign key {found.name}), not by"
        f" {found.people_key}, and is not in NOT_TRANSFERRED.",
        hint="If the records belong to the person, their table needs a column with the person's ID. Otherwise list the"
        " column in the datatypes.py of an app of your own, which EXTRA_APPS lists (docs/extending.md):\n"
        f'    NOT_TRANSFERRED = {{\n        "{found.paths[-1]}": "the reason",\n    }}',
        id="transfers.E003",
    )


def how_to_classify(
    references: Sequence[Reference],
    entries: Sequence[DataType],
    models: Sequence[type[Model]],
    catalog: Catalog,
) -> str:
    """Return the lines to paste: for the model of the table, if one has the columns, or with a new model."""
    columns = {identifying(found)[0] for found in references}
    external = {identifying(found)[0] for found in references if found.people_key}
    for model in models:
        if catalog.oid(model) == references[0].oid:
            fields = [field for field in model._meta.local_concrete_fields if field.column in columns]
            if len(fields) == len(columns):
                people = [field for field in fields if field.column in external]
                return next(iter(hints(fields, entries, models, people).values()))
    return lines_for_table(references, catalog)


def owners_of_parts(entries: Sequence[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each owner that references users in some parts of its table only."""
    for entry in entries:
        table = catalog.table(entry.model)
        for column in sorted(owner_columns(entry)):
            keys = [found for found in references_to_users(catalog) if column in found.columns]
            parts = parts_without(keys, table.oid, catalog)
            if parts and len(parts) < len(parts_without([], table.oid, catalog)):
                yield Error(
                    f"{entry.name}: {column} references users in some parts of {table}, but not in others, such as"
                    f" {parts[0]}, whose rows may belong to others with the same number.",
                    hint="Declare the parts that reference users as data types of their own, or add the foreign key to"
                    f" {table} as a whole.",
                    id="transfers.E113",
                )


def references_to_users(catalog: Catalog) -> Iterator[Reference]:
    """Yield the foreign keys to users, and to the people of the setting PEOPLE_KEY."""
    for table in {catalog.oid(User), catalog.people} - {None}:
        yield from references_to(cast("int", table), catalog)


def people_are_there(catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error if the setting PEOPLE_KEY names no column: no foreign key to people would be found."""
    name, column = people_key()
    if name and column not in catalog.columns.get(catalog.people or 0, {}):
        what = f"has no column {column}" if catalog.people else "does not exist"
        yield Error(
            f"PEOPLE_KEY: the table {name} {what}, so the foreign keys to people cannot be checked.",
            hint="Set PEOPLE_KEY to the schema, the table and its column: suite.person.person_id.",
            id="transfers.E118",
        )


def outdated(stays: Mapping[str, str], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield a warning for each name that is no field of a model and no foreign key to users in the database."""
    paths = {path for found in references_to_users(catalog) for path in found.paths}
    for name in stays:
        if model_named(name) is None and name.count(".") > 1 and name not in paths:
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
