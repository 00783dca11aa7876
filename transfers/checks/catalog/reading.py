"""Read the catalog into `transfers.checks.catalog.tables`."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model

from accounts.models import User
from transfers.checks.catalog import queries
from transfers.checks.catalog.tables import (
    Catalog,
    Index,
    Policy,
    Reference,
    Relation,
    TableName,
    Trigger,
    grouped,
    identifier,
)
from transfers.engine.catalog.names import parts_of
from transfers.engine.catalog.policies import own_policies


def read_catalog(models: Iterable[type[Model]], others: Iterable[type[Model]] = ()) -> Catalog:
    """Read the tables of the models, and those that reference them or users.

    Of `others`, read only which tables they are and which foreign keys they get.
    """
    described = {model._meta.db_table for model in models}
    people, key = people_key()
    known = described | {model._meta.db_table for model in others} | ({people} if people else set())
    catalog = Catalog()
    with connection.cursor() as cursor:
        resolve(catalog, known, rows(cursor, queries.NAMES, [parts_of(name)[-1] for name in known]))
        catalog.people = catalog.oids.get(people)
        wanted = [catalog.oids[name] for name in described if name in catalog.oids]
        catalog.edges = rows(cursor, queries.INHERITANCE, wanted)
        wanted = sorted({*wanted, *(oid for edge in catalog.edges for oid in edge)})
        targets = sorted({*wanted, *catalog.oids.values()})
        found = [reference(*row) for row in rows(cursor, queries.REFERENCES, targets)]
        catalog.references = [
            replace(one, people_key=key if one.referenced == catalog.people else "") for one in found
        ]
        relevant = {*wanted, catalog.oid(User), catalog.people}
        referring = {found.oid for found in catalog.references if found.referenced in relevant}
        people_too = [] if catalog.people is None else [catalog.people]
        describe(catalog, cursor, sorted({*wanted, *referring, *people_too}))
    return catalog


def people_key() -> tuple[str, str]:
    """Return the table and the column of the setting PEOPLE_KEY, or two empty texts."""
    if not settings.PEOPLE_KEY:
        return "", ""
    *table, column = settings.PEOPLE_KEY
    return identifier(*table), column


def rows(cursor: Any, query: str, wanted: list[Any]) -> list[Any]:
    cursor.execute(query, {"wanted": wanted, **own_policies()})
    return list(cursor.fetchall())


def resolve(catalog: Catalog, names: Iterable[str], found: list[Any]) -> None:
    """Find each name as a statement would: in the schema it names, or else by the search path."""
    tables = grouped((name, (oid, schema, is_visible)) for oid, schema, name, is_visible in found)
    for db_table in names:
        *named, name = parts_of(db_table)
        for oid, schema, is_visible in tables.get(name, []):
            if schema in named or (is_visible and not named):
                catalog.oids[db_table] = oid
            else:
                catalog.elsewhere.setdefault(db_table, []).append(identifier(schema, name))


def describe(catalog: Catalog, cursor: Any, wanted: list[int]) -> None:
    relations = [Relation(*hashable(row)) for row in rows(cursor, queries.RELATIONS, wanted)]
    catalog.relations = {relation.oid: relation for relation in relations}
    for oid, column, sql_type, base_columns, is_required, expression in rows(cursor, queries.COLUMNS, wanted):
        catalog.columns.setdefault(oid, {})[column] = sql_type
        catalog.required.setdefault(oid, set()).update([column] if is_required else [])
        catalog.sources[oid, column] = base_columns
        if expression:
            catalog.generated.setdefault(oid, {})[column] = expression
    catalog.indexes = grouped(index(catalog.sources, *row) for row in rows(cursor, queries.INDEXES, wanted))
    triggers = rows(cursor, queries.TRIGGERS, wanted)
    catalog.triggers = grouped((oid, Trigger(*hashable(row))) for oid, *row in triggers)
    catalog.rules = grouped((oid, (name, event)) for oid, name, event in rows(cursor, queries.RULES, wanted))
    catalog.policies = grouped((oid, Policy(*row)) for oid, *row in rows(cursor, queries.POLICIES, wanted))


def index(sources: dict[tuple[int, str], list[str]], oid: int, *row: Any) -> tuple[int, Index]:
    made = Index(*hashable(row))
    involved = (name for column in made.columns for name in (column, *sources[oid, column]))
    return oid, replace(made, columns=frozenset(involved))


def reference(schema: str, name: str, is_visible: bool, *row: Any) -> Reference:
    return Reference(TableName(schema, name, is_visible), *hashable(row))


def hashable(row: Iterable[Any]) -> Iterator[Any]:
    """Yield the values of a row, with tuples instead of lists."""
    return (tuple(value) if isinstance(value, list) else value for value in row)
