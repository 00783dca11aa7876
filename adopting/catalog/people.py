"""The table or view in which the people of the organisation are."""

import re
import shlex
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
# A part of a name: in quotation marks, in which "" stands for one, or without.
PART = r'"((?:[^"]|"")+)"|([^."]+)'
Names = tuple[str, str, str]
USER_NAMES = ("user_name", "username", "login", "user_login", "login_name")


def find_people(cursor: Any, name: str) -> People:
    """Return the people of "schema.table" or "schema.table.column". Raises CommandError with what is wrong."""
    return people_of(cursor, *parts(name))


def people_of(cursor: Any, schema: str, table: str, column: str) -> People:
    """Return the people of a table or view. Without a column, its key is taken."""
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
    if relation.kind in "vm" and (behind := behind_view(cursor, relation, key, is_named=bool(column))):
        return replace(people_of(cursor, *behind), view=f"{schema}.{table}")
    user_name = next((name for name in USER_NAMES if name in types and name != key), "")
    is_ours = (schema, table) == (settings.APP_SCHEMA, User._meta.db_table)
    return People(relation, key, types[key], user_name, "id" if is_ours else "external_id")


def parts(name: str) -> Names:
    """Return schema, table and column, or "" without one. A part with dots stands in quotation marks."""
    found = [quoted.replace('""', '"') or plain for quoted, plain in re.findall(PART, name)]
    is_name = re.fullmatch(rf"({PART})(\.({PART}))*", name)
    if not is_name or len(found) > 3:
        raise CommandError(f"--people: {name!r} is neither schema.table nor schema.table.column.")
    schema, table, column = [settings.APP_SCHEMA, *found, ""] if len(found) == 1 else [*found, ""][:3]
    return schema, table, column


def dotted(*names: str) -> str:
    """Return a name as it is written in SQL and in settings: suite.person, "Suite".person."""
    plain = [name if re.fullmatch("[a-z_][a-z0-9_]*", name) else identifier(name) for name in names]
    return ".".join(plain)


def key_of(cursor: Any, relation: Relation, types: dict[str, str]) -> str:
    """Return the only column of the primary key. A view has none, so its column has a usual name."""
    for row in rows(cursor, INDEXES, [relation.oid]):
        if row[4] and len(row[6]) == 1:
            return str(row[6][0])
    return next((name for name in KEYS if name in types), KEYS[0])


def behind_view(cursor: Any, view: Relation, key: str, *, is_named: bool) -> Names | None:
    """Return the column of the table whose rows the people of a view are, or None. Foreign keys name that one.

    is_named: the column of the view was named, so it is taken if it is not certain whose rows the people are. Without,
    raises CommandError.
    """
    options = [("schema", "table", "column")]
    try:
        with transaction.atomic():
            cursor.execute(queries.LIMITS)
            shown = shown_column(cursor, view.oid, key)
            if shown:
                cursor.execute(queries.IDENTIFYING, shown)
                found: Names | None = cursor.fetchone()
                return found
            options = [] if is_named else with_same_values(cursor, view, key)
            why = f"it is computed, and its values are in {' and in '.join(dotted(*names) for names in options)}"
    except DatabaseError as error:
        why = str(error).splitlines()[0]
    if is_named or not options:
        return None
    column, *others = [option(*names) for names in ((view.schema, view.name, key), *options)]
    raise CommandError(
        f"--people: it is not certain of which table the {key} of the view {view.schema}.{view.name} is: {why}. Name"
        f" the column of the table: {' or '.join(others)}. If it is of none, name that of the view: {column}"
    )


def option(*names: str) -> str:
    return f"--people {shlex.quote(dotted(*names))}"


def shown_column(cursor: Any, view: int, key: str) -> dict[str, int] | None:
    """Return the column that a column of a view shows, and the view that reads its table; None if it is computed."""
    while True:
        cursor.execute(queries.SHOWN, {"view": view, "key": key})
        cursor.execute(cursor.fetchone()[0])
        shown = {"oid": cursor.pgresult.ftable(0), "number": cursor.pgresult.ftablecol(0), "view": view}
        cursor.execute(queries.ONE_COLUMN, shown)
        found = cursor.fetchone()
        if found is None or found[0] not in "vm":
            return shown if found else None
        view, key = shown["oid"], found[1]


def with_same_values(cursor: Any, view: Relation, key: str) -> list[Names]:
    """Return the columns that the view reads, that alone identify a row and have all values of its column."""
    cursor.execute(queries.BEHIND_VIEW, {"view": view.oid})
    found = []
    for schema, table, column in cursor.fetchall():
        query = sql.SQL(queries.ALL_ARE_IN).format(
            table=sql.Identifier(schema, table),
            column=sql.Identifier(column),
            key=sql.Identifier(key),
            view=sql.Identifier(view.schema, view.name),
        )
        cursor.execute(query.as_string(None))
        found += [(schema, table, column)] if cursor.fetchone() == (True,) else []
    return found


def check_rights(relation: Relation) -> None:
    if not relation.may_use_schema or "SELECT" not in relation.rights:
        role, name = identifier(settings.APPLICATION_ROLE), identifier(relation.schema, relation.name)
        raise CommandError(
            f"--people: the application's role may not read {relation.schema}.{relation.name}. As its owner:\n"
            f"    GRANT USAGE ON SCHEMA {identifier(relation.schema)} TO {role};\n"
            f"    GRANT SELECT ON {name} TO {role};"
        )
