"""Check that every foreign key to users in the database is declared, also those that no model has."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.core.checks import CheckMessage, Error, Warning
from django.db.models import ForeignKey, Model

from accounts.models import User
from transfers.checks.catalog.tables import Catalog, Reference
from transfers.checks.introspection import label, model_named
from transfers.checks.proposals.hints import hints
from transfers.checks.proposals.tables import identifying, lines_for_table
from transfers.checks.references import references_to
from transfers.engine.compiler.owners import column_of
from transfers.rules import DataType


def unclassified(
    entries: Sequence[DataType], stays: Mapping[str, str], models: Sequence[type[Model]], catalog: Catalog
) -> Iterator[CheckMessage]:
    """Yield an error for each foreign key to the table of users that is neither declared nor listed.

    The foreign keys of models are checked without the database (`transfers.checks.declarations`).
    """
    known = set(known_columns(entries, stays, models, catalog))
    of_table: dict[int, list[Reference]] = {}
    for found in references_to_users(catalog):
        tables = catalog.with_parents(found.oid)
        is_known = any((table, column) in known for table in tables for column in found.columns)
        if not is_known and not stays.keys() & set(found.paths):
            of_table.setdefault(found.oid, []).append(found)
    for references in of_table.values():
        hint = how_to_classify(references, entries, models, catalog)
        for found in references:
            column = identifying(found)[0]
            yield Error(
                f"{found.table}.{column} references a user (foreign key {found.name}), but is neither an owner of a"
                " data type nor in NOT_TRANSFERRED.",
                hint=hint,
                id="transfers.E003",
            )
            hint = f"See {found.table}.{identifying(references[0])[0]}."


def how_to_classify(
    references: Sequence[Reference],
    entries: Sequence[DataType],
    models: Sequence[type[Model]],
    catalog: Catalog,
) -> str:
    """Return the lines to paste: for the model of the table, if one has the columns, or with a new model."""
    columns = {identifying(found)[0] for found in references}
    for model in models:
        if catalog.oid(model) == references[0].oid:
            fields = [field for field in model._meta.local_concrete_fields if field.column in columns]
            if len(fields) == len(columns):
                return next(iter(hints(fields, entries, models).values()))
    return lines_for_table(references, catalog)


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
