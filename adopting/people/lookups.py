"""Kinds of owners in a table of their own: `o_id` is a person's where `object_lookup_id` is the row named "User"."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from django.db import DatabaseError, connection, transaction
from psycopg import sql

from adopting.catalog.queries import LIMITS
from adopting.catalog.tables import Database, Table
from adopting.people.names import IDS, words_of
from adopting.people.sampling import person_kind
from adopting.people.standing import Stand, words_for_people

# Names of the column with an object's ID, and what may stand before one of them to tell two apart.
OBJECT = frozenset(
    {"o", "obj", "object", "item", "entity", "target", "subject", "resource", "record", "instance"}
)
WHICH = frozenset({"related", "source", "destination", "parent", "old", "new"})
NAMES = ("name", "code", "label", "title", "class", "model", "key")
MOST_PAGES = 20
FOUND = """
SELECT {key}::text, {name}::text FROM {table}
WHERE lower({name}::text) ~ %(words)s AND length({name}::text) < 100 ORDER BY 1 LIMIT 5
"""


@dataclass(frozen=True)
class Kinds:
    """The kinds that mean a person: the column that says the kind, its values, and their names in the other table."""

    column: str
    values: tuple[str, ...]
    names: tuple[str, ...]


def which(name: str) -> frozenset[str]:
    return WHICH & set(words_of(name))


def is_object_id(name: str) -> bool:
    """Return whether the name is that of any object's ID: o_id, related_object_id, itemid."""
    words = words_of(name)
    while len(words) > 1 and words[-1] in IDS:
        words.pop()
    words = [re.sub(r"(?<=[a-z]{4})id$", "", word) for word in words if word not in WHICH]
    return len(words) == 1 and words[0] in OBJECT and words[0] != name.lower()


def with_looked_up_kinds(database: Database, stands: Iterable[Stand]) -> Iterator[Stand]:
    """Yield the candidates, those with an object's ID together with the kinds that mean a person."""
    found = kinds_by_column(database)
    for stand in stands:
        kinds = found.get((stand.oid, stand.column)) if stand.form == "value" else None
        if kinds:
            yield replace(
                stand, form="kind", kind_column=kinds.column, kinds=kinds.values, kind_names=kinds.names
            )
        else:
            yield stand


def kinds_by_column(database: Database) -> dict[tuple[int, str], Kinds]:
    """Return the columns with an object's ID beside a reference to a table of kinds, one of which is a person."""
    also = words_for_people(database)
    rows: dict[int, list[tuple[str, str]]] = {}
    found: dict[tuple[int, str], Kinds] = {}
    for table in database.tables.values():
        foreign = {column for reference in table.references for column in reference.columns}
        objects = [name for name in table.columns if is_object_id(name) and name not in foreign]
        for reference in table.references if objects else ():
            target = database.tables.get(database.whole(reference.referenced))
            if target is None or len(reference.columns) > 1 or target.oid == table.oid:
                continue
            if target.oid not in rows:
                rows[target.oid] = people_in(target, reference.referenced_columns[0], also)
            for name in objects:
                if rows[target.oid] and which(name) == which(reference.columns[0]):
                    values, names = zip(*rows[target.oid], strict=True)
                    found.setdefault((table.oid, name), Kinds(reference.columns[0], values, names))
    return found


def people_in(table: Table, key: str, also: frozenset[str]) -> list[tuple[str, str]]:
    """Return the rows of a small table whose name is a word for a person: their key and this name."""
    name = next((name for name in NAMES if name in table.columns), "")
    if not name or table.pages > MOST_PAGES or "SELECT" not in table.relation.rights:
        return []
    query = sql.SQL(FOUND).format(
        key=sql.Identifier(key),
        name=sql.Identifier(name),
        table=sql.Identifier(table.relation.schema, table.relation.name),
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LIMITS)
            cursor.execute(query.as_string(None), {"words": person_kind(also)})
            return [(str(value), str(word)) for value, word in cursor.fetchall()]
    except DatabaseError:
        return []
