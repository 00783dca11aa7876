"""The table or view in which the people of the organisation are."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, transaction
from psycopg import sql

from accounts.models import User
from adopting.catalog import queries
from adopting.catalog.tables import People
from transfers.checks.catalog.queries import INDEXES, RELATIONS
from transfers.checks.catalog.reading import hashable, rows
from transfers.checks.catalog.tables import Relation, identifier

KEYS = ("person_id", "id", "user_id")
USER_NAMES = ("user_name", "username", "login", "user_login", "login_name")


def find_people(cursor: Any, name: str) -> People:
    """Return the people of "schema.table" or "schema.table.column". Raises CommandError with what is wrong."""
    schema, table, column = parts(name)
    cursor.execute(queries.ONE_RELATION, {"schema": schema, "name": table})
    found = cursor.fetchone()
    if found is None:
        raise CommandError(f"--people: the database has no table or view {schema}.{table}.")
    [relation] = [Relation(*hashable(row)) for row in rows(cursor, RELATIONS, [found[0]])]
    check_rights(relation)
    types = {row[1]: row[3] for row in rows(cursor, queries.COLUMNS, [relation.oid])}
    key = column or key_of(cursor, relation, types)
    if key not in types:
        raise CommandError(
            f"--people: {schema}.{table} has no column {key}. It has: {', '.join(types)}. Name the column that"
            f" identifies a person: --people {schema}.{table}.column"
        )
    if relation.kind in "vm" and (table_key := behind_view(cursor, relation, key)):
        return replace(find_people(cursor, table_key), view=f"{schema}.{table}")
    user_name = next((name for name in USER_NAMES if name in types and name != key), "")
    is_ours = (schema, table) == (settings.APP_SCHEMA, User._meta.db_table)
    return People(relation, key, types[key], user_name, "id" if is_ours else "external_id")


def parts(name: str) -> tuple[str, str, str]:
    words = [word.strip('"') for word in name.split(".")]
    if len(words) == 1:
        return settings.APP_SCHEMA, words[0], ""
    if len(words) > 3 or not all(words):
        raise CommandError(f"--people: {name!r} is neither schema.table nor schema.table.column.")
    return words[0], words[1], words[2] if len(words) == 3 else ""


def key_of(cursor: Any, relation: Relation, types: dict[str, str]) -> str:
    """Return the only column of the primary key. A view has none, so its column has a usual name."""
    for row in rows(cursor, INDEXES, [relation.oid]):
        if row[4] and len(row[6]) == 1:
            return str(row[6][0])
    return next((name for name in KEYS if name in types), KEYS[0])


def behind_view(cursor: Any, view: Relation, key: str) -> str:
    """Return the column of the table whose rows the people of a view are, or "". Foreign keys name that one.

    Raises CommandError if it may be one of several.
    """
    cursor.execute(queries.BEHIND_VIEW, {"view": view.oid})
    found = []
    for schema, table, column in cursor.fetchall():
        names = {
            "table": sql.Identifier(schema, table),
            "column": sql.Identifier(column),
            "key": sql.Identifier(key),
        }
        query = sql.SQL(queries.ALL_ARE_IN).format(**names, view=sql.Identifier(view.schema, view.name))
        path = f"{schema}.{table}.{column}"
        try:
            with transaction.atomic():
                cursor.execute(queries.LIMITS)
                cursor.execute(query.as_string(None))
                found += [path] if cursor.fetchone() == (True,) else []
        except DatabaseError as error:
            raise CommandError(
                f"--people: the view {view.schema}.{view.name} could not be compared with {path}:"
                f" {str(error).splitlines()[0]}. Name the table of the people: --people {path}, if it is that one."
            ) from error
    same = [path for path in found if path.endswith(f".{key}")]
    if len(found) > 1 and len(same) != 1:
        raise CommandError(
            f"--people: {view.schema}.{view.name} is a view, and its {key} may come from {' or '.join(found)}. Name the"
            f" right one: --people {found[0]}"
        )
    return (same or found or [""])[0]


def check_rights(relation: Relation) -> None:
    if not relation.may_use_schema or "SELECT" not in relation.rights:
        role, name = identifier(settings.APPLICATION_ROLE), identifier(relation.schema, relation.name)
        raise CommandError(
            f"--people: the application's role may not read {relation.schema}.{relation.name}. As its owner:\n"
            f"    GRANT USAGE ON SCHEMA {identifier(relation.schema)} TO {role};\n"
            f"    GRANT SELECT ON {name} TO {role};"
        )
