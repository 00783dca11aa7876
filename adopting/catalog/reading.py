"""Read the tables of a schema, and the tables of any schema that reference people."""

from collections.abc import Collection, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection

from accounts.models import User
from adopting.catalog import queries
from adopting.catalog.people import find_people
from adopting.catalog.tables import TABLE_KINDS, Column, Database, Table
from transfers.checks.catalog.queries import INHERITANCE, REFERENCES
from transfers.checks.catalog.reading import describe, reference, rows
from transfers.checks.catalog.tables import Catalog, Reference, grouped
from transfers.engine.catalog.names import parts_of


def read_database(schema: str, people: str, only: Collection[str] = ()) -> Database:
    """Read the schema. `only`: the names of the tables to adopt, without which all are.

    Raises CommandError if there is nothing to adopt.
    """
    with connection.cursor() as cursor:
        standing = find_people(cursor, people)
        listed = relations_of(cursor, schema)
        chosen = choose(listed, schema, only)
        catalog = Catalog(oids={User._meta.db_table: user_table(cursor)})
        adopted = with_referring(cursor, {*chosen, standing.relation.oid}, catalog) - {standing.relation.oid}
        if standing.relation.kind in TABLE_KINDS and standing.relation.oid in {*chosen}:
            adopted.add(standing.relation.oid)
        everything = sorted(
            {*adopted, *listed, standing.relation.oid, *(o for e in catalog.edges for o in e)}
        )
        describe(catalog, cursor, everything)
        tables = read_tables(cursor, catalog, sorted(adopted))
        parts = sorted({part for oid in tables for part in catalog.with_parts(oid)})
        triggers = grouped((oid, tuple(row)) for oid, *row in rows(cursor, queries.ALL_TRIGGERS, parts))
        publications = [(name, for_all) for name, for_all in rows(cursor, queries.PUBLICATIONS, parts)]
    others = [found for oid, found in catalog.relations.items() if oid in listed and oid not in tables]
    paths = tuple(table.path for table in tables.values()) if only else ()
    return Database(tables, standing, catalog, schema, paths, others, triggers, publications)


def relations_of(cursor: Any, schema: str) -> dict[int, str]:
    """Return the tables, views and foreign tables of a schema by oid, but none of this product."""
    cursor.execute(queries.RELATIONS, {"schema": schema})
    own = own_tables() if schema == settings.APP_SCHEMA else set()
    found = {oid: name for oid, name, _, _ in cursor.fetchall() if name not in own}
    if not found:
        cursor.execute(queries.SCHEMAS)
        names = [name for (name,) in cursor.fetchall()]
        if schema not in names:
            raise CommandError(f"The database has no schema {schema}. It has: {', '.join(names)}.")
        raise CommandError(f"The schema {schema} has no tables.")
    return found


def choose(listed: dict[int, str], schema: str, only: Collection[str]) -> list[int]:
    missing = sorted(set(only) - set(listed.values()))
    if missing:
        raise CommandError(
            f"The schema {schema} has no table {', '.join(missing)}. Leave it out of --tables."
        )
    return [oid for oid, name in listed.items() if not only or name in only]


def own_tables() -> set[str]:
    """Return the tables of this product, which migrations create."""
    models = apps.get_models(include_auto_created=True)
    return {
        "django_migrations",
        *(parts_of(model._meta.db_table)[-1] for model in models if model._meta.managed),
    }


def with_referring(cursor: Any, start: set[int], catalog: Catalog) -> set[int]:
    """Return the tables and all that reference them, in any schema, on any level; their rows may be children."""
    found: set[int] = set()
    while new := start - found:
        found |= new
        catalog.edges = rows(cursor, INHERITANCE, sorted(found))
        catalog.references = read_references(cursor, sorted({*found, *(o for e in catalog.edges for o in e)}))
        start = {reference.oid for reference in catalog.references if not is_own(reference)}
    return found


def is_own(found: Reference) -> bool:
    return found.table.schema == settings.APP_SCHEMA and found.table.name in own_tables()


def user_table(cursor: Any) -> int:
    cursor.execute("SELECT to_regclass(%s)::oid::bigint", [User._meta.db_table])
    [oid] = cursor.fetchone()
    return int(oid)


def read_references(cursor: Any, wanted: Sequence[int]) -> list[Reference]:
    return [reference(*row) for row in rows(cursor, REFERENCES, list(wanted))]


def read_tables(cursor: Any, catalog: Catalog, wanted: list[int]) -> dict[int, Table]:
    """Return the tables in the order of their names. Partitions belong to their table."""
    columns = grouped((oid, Column(*row)) for oid, *row in rows(cursor, queries.COLUMNS, wanted))
    sizes = {oid: (comment, pages) for oid, comment, pages in rows(cursor, queries.SIZES, wanted)}
    references = grouped((found.oid, found) for found in catalog.references)
    tables = {}
    for oid in sorted(wanted, key=lambda oid: (catalog.relations[oid].schema, catalog.relations[oid].name)):
        relation, (comment, pages) = catalog.relations[oid], sizes[oid]
        if relation.kind in TABLE_KINDS and not relation.is_partition:
            named = {column.name: column for column in columns.get(oid, [])}
            own = references.get(oid, [])
            tables[oid] = Table(relation, named, catalog.indexes_of(oid), own, int(pages), comment)
    return tables
