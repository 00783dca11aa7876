"""Check the data types against the database; run by `migrate`, `check --database default` and every worker.

Start-up fails if a transfer could end in a success that is not one: rows that the database hides, deletes or changes by
itself. Most of this is found even if it exists only in the database and in no model. Tables and columns that migrations
have yet to create are not checked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection
from django.db.models import Model

from accounts.models import User
from transfers.checks.catalog.reading import read_catalog
from transfers.checks.catalog.tables import Catalog
from transfers.checks.children import Models
from transfers.checks.declarations import misnamed
from transfers.checks.introspection import models_of
from transfers.checks.tables.children import ambiguous_parents, circles, not_foreign_keys, trees
from transfers.checks.tables.column_types import remedy
from transfers.checks.tables.documents import documents
from transfers.checks.tables.hazards import hazards
from transfers.checks.tables.kept_rows import detached_with_changing_key, written_references
from transfers.checks.tables.keys import exclusions, slow_columns, undecided_keys
from transfers.checks.tables.partitions import covered_twice, uncovered_parts
from transfers.checks.tables.references import followed_changes, left_behind, undeclared_references
from transfers.checks.tables.relations import is_usable, lacking, unfit_tables
from transfers.checks.tables.trial import refusals
from transfers.checks.user_references import outdated, people_are_there, unclassified
from transfers.engine.catalog.tables import read_tables
from transfers.engine.compiler.plans import CompiledPlan, compile_plan, tables_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.models import JournalEntry
from transfers.registry import data_types, not_transferred
from transfers.rules import DataType, keeping_target


@register(Tags.database)
def data_types_fit_the_database(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    if not databases or "default" not in databases:
        return []
    models = apps.get_models(include_auto_created=True)
    entries = data_types()
    catalog = read_catalog([*all_models(entries), JournalEntry], [*models, User])
    return [
        *findings(entries, not_transferred(), models, catalog),
        *not_compiled(usable_entries(entries, catalog), catalog),
        *without_counts(),
    ]


def all_models(entries: Iterable[DataType]) -> list[type[Model]]:
    return [model for entry in entries for model in models_of(entry)]


def findings(
    entries: Iterable[DataType], stays: Mapping[str, str], models: Models, catalog: Catalog
) -> Iterator[CheckMessage]:
    named = [entry for entry in entries if not list(misnamed([entry]))]  # E001 reports the others
    yield from not_foreign_keys(named)
    yield from unfit_tables(named, catalog)
    usable = usable_entries(named, catalog)
    yield from undecided_keys(usable, catalog)
    yield from exclusions(usable, catalog)
    yield from undeclared_references(usable, catalog)
    yield from trees(usable, catalog)
    yield from circles(usable, catalog)
    yield from detached_with_changing_key(usable, catalog)
    yield from written_references(usable, catalog)
    yield from ambiguous_parents(usable, catalog)
    yield from followed_changes(usable, catalog)
    yield from left_behind(usable, catalog)
    yield from covered_twice(usable, catalog)
    yield from uncovered_parts(usable, catalog)
    yield from hazards(usable, catalog)
    yield from slow_columns(usable, catalog)
    yield from documents(usable, catalog)
    yield from unclassified(usable, stays, models, catalog)
    yield from outdated(stays, catalog)
    yield from people_are_there(catalog)


def usable_entries(entries: Iterable[DataType], catalog: Catalog) -> list[DataType]:
    return [entry for entry in entries if not list(misnamed([entry])) and is_usable(entry, catalog)]


def without_counts() -> Iterator[CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW track_counts")
        [setting] = cursor.fetchone()
    if setting != "on":
        yield Error(
            "track_counts is off, so a transfer cannot compare the rows that it deleted with those that PostgreSQL"
            " counted, and would refuse every pair that deletes rows.",
            hint="ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();",
            id="transfers.E116",
        )


# --- The statements of each type -------------------------------------------------------------------------------------


def not_compiled(entries: Sequence[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    tables = read_tables(name for entry in entries for name in tables_of(entry))
    plans = []
    for entry in entries:
        try:
            plans.append(compile_plan(entry, tables))
            compile_plan(keeping_target(entry), tables)  # for late arrivals
        except CannotCompile as refusal:
            yield Error(str(refusal), hint=refusal.hint, id="transfers.E104")
    if catalog.oid(JournalEntry) and not lacking(JournalEntry, catalog):  # else a migration will create it
        yield from not_prepared(plans, catalog)


def not_prepared(plans: list[CompiledPlan], catalog: Catalog) -> Iterator[CheckMessage]:
    for plan, message in refusals(plans):
        entry = plan.data_type
        yield Error(
            f"{entry.name}: the database refuses the statements for {entry.model._meta.db_table}: {message}.",
            hint=remedy(entry, message, catalog),
            id="transfers.E105",
        )
