"""Check from a sample of rows that the paths of JSON columns lead to users.

What a document holds is not in the catalog. Where a path leads into a list of objects, a transfer would find no user
and leave the rows with the source, without an error.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.db import connection
from psycopg import sql

from transfers.checks.catalog.tables import Catalog
from transfers.engine.catalog.names import identifier
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.steps import as_text
from transfers.rules import DataType, JsonPath

ROWS = 1000

# `above` are the paths to the objects on the way, in which a list would end the path. Some programs write an empty
# object as [].
SAMPLE = """
SELECT
    coalesce(bool_or(EXISTS (
        SELECT FROM unnest({above}) AS a (path)
        WHERE jsonb_typeof(document #> a.path::text[]) = 'array' AND document #> a.path::text[] <> '[]'
    )), false),
    coalesce(bool_or(jsonb_typeof(document #> {path}) = 'array' AND document #> {path} <> '[]' AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(CASE jsonb_typeof(document #> {path}) WHEN 'array' THEN document #> {path} END)
            AS e (value)
        WHERE jsonb_typeof(e.value) NOT IN ('object', 'array')
    )), false),
    coalesce(bool_or(EXISTS (
        SELECT FROM jsonb_array_elements(CASE jsonb_typeof(document #> {path}) WHEN 'array' THEN document #> {path}
            ELSE jsonb_build_array(document #> {path}) END) AS e (value)
        WHERE jsonb_typeof(e.value) = {other} AND e.value #>> '{{}}' ~ '^[1-9][0-9]{{0,17}}$'
    )), false)
FROM (SELECT {column} AS document FROM {table} WHERE {column} IS NOT NULL LIMIT {rows}) AS sample
"""


def documents(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    for entry in entries:
        paths = [owner for owner in entry.owners if isinstance(owner, JsonPath)]
        for owner in paths if "SELECT" in catalog.table(entry.model).rights else ():
            if catalog.columns_of(entry.model)[column_of(entry.model, owner.field)] == "jsonb":
                on_the_way, nested, otherwise = sample(entry, owner)
                if on_the_way or nested:
                    yield no_list_of_users(entry, owner)
                if otherwise and spelled(owner, not owner.as_text) not in paths:
                    yield also_spelled(entry, owner)


def sample(entry: DataType, owner: JsonPath) -> tuple[Any, ...]:
    """Return whether rows have a list on the way, a list of objects at the end, and IDs in the other form."""
    with connection.cursor() as cursor:
        names = {
            "column": sql.Identifier(column_of(entry.model, owner.field)),
            "table": identifier(entry.model),
            "path": sql.SQL("{}::text[]").format(sql.Literal(list(owner.path))),
            "above": sql.SQL("{}::text[]").format(
                sql.Literal([array(owner.path[:n]) for n in range(len(owner.path))])
            ),
            "other": sql.Literal("number" if owner.as_text else "string"),
            "rows": sql.Literal(ROWS),
        }
        cursor.execute(as_text(sql.SQL(SAMPLE).format(**names)))
        [found] = cursor.fetchall()
        return tuple(found)


def array(path: tuple[str, ...]) -> str:
    """Return the path as PostgreSQL writes an array of texts."""
    parts = ('"{}"'.format(part.replace("\\", "\\\\").replace('"', '\\"')) for part in path)
    return "{" + ",".join(parts) + "}"


def spelled(owner: JsonPath, as_text: bool) -> JsonPath:
    return JsonPath(owner.field, *owner.path, as_text=as_text, holds=owner.holds)


def no_list_of_users(entry: DataType, owner: JsonPath) -> CheckMessage:
    return Error(
        f"{entry.name}: in rows of {entry.model._meta.db_table}, {code_of(owner)} leads into a list of objects or"
        " lists, in which a transfer finds no user, so such rows would stay with the source.",
        hint="Store the users in a list of IDs, in a key of the document of their own, and name its path. Or"
        " remove this owner: users that are stored in such a list cannot be transferred.",
        id="transfers.E117",
    )


def also_spelled(entry: DataType, owner: JsonPath) -> CheckMessage:
    form, other = ("texts", "numbers") if owner.as_text else ("numbers", "texts")
    return Warning(
        f"{entry.name}: {code_of(owner)} finds IDs that are stored as {form}, but rows of {entry.model._meta.db_table}"
        f" have some as {other}, which a transfer leaves as they are.",
        hint=f"If these are users too, add an owner:\n    {code_of(spelled(owner, not owner.as_text))},",
        id="transfers.W105",
    )


def code_of(owner: JsonPath) -> str:
    names = ", ".join(f'"{name}"' for name in (owner.field, *owner.path))
    holds = "" if owner.holds == "id" else f', holds="{owner.holds}"'
    return f"JsonPath({names}{', as_text=True' if owner.as_text else ''}{holds})"
