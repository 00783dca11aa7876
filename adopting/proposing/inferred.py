"""References that no foreign key of the database says: `revision.rev_actor` holds the key of a row of `actor`.

Without them, rows would be dropped to which others refer. A column is taken for a reference if its last words are the
name of a table with a key of the same type, with or without the first words of its own table (`forum_read.postid` of
`forum_posts`), and no value of a sample says otherwise. Where it matters, the written app asks whether that is right.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from django.db import DatabaseError, connection, transaction
from psycopg import sql

from adopting.catalog.queries import LIMITS
from adopting.catalog.tables import Column, Database, Table
from adopting.people.names import IDS, PERSON, common_prefix, singular, tokens
from adopting.people.sampling import ENOUGH, from_sample
from adopting.people.standing import INTEGERS, plain, words_for_people
from transfers.checks.catalog.tables import Reference

FOUND = """
WITH s AS MATERIALIZED {sample}, v AS (
    SELECT DISTINCT {column} AS value FROM s WHERE {column} IS NOT NULL AND {column}::text NOT IN ('', '0')
)
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM {target} AS t WHERE t.{key} = v.value)) FROM v
"""


def infer_references(database: Database, notes: list[str]) -> dict[int, list[str]]:
    """Add the references to the tables, as if they had foreign keys, and say so in the notes.

    Returns the columns, as "schema.table.column", that may reference a table by its oid, but rather reference another
    one or hold a number.
    """
    doubts, by_target = dict[int, list[str]](), dict[str, list[str]]()
    tables = Named(database)
    for table in list(database.tables.values()):
        for column, targets in tables.similar(table):
            path = f"{table.path}.{column.name}"
            holding = [target for target in targets if is_reference(table, column, target)]
            if holding and tables.is_clear(column, holding[0]):
                add(database, table, column, holding[0])
                by_target.setdefault(holding.pop(0).path, []).append(path)
            for target in holding:
                doubts.setdefault(target.oid, []).append(path)
    notes += [
        f"{path} is taken to be referenced, by names and values and without a foreign key of the database, from"
        f" {', '.join(columns)}."
        for path, columns in by_target.items()
    ]
    return doubts


def add(database: Database, table: Table, column: Column, target: Table) -> None:
    nullable = () if column.not_null else (column.name,)
    key = target.primary_key[0]
    found = Reference(table.relation, table.oid, "", (column.name,), target.oid, (key,), "a", "a", nullable)
    references = [*database.tables[table.oid].references, found]
    database.tables[table.oid] = replace(database.tables[table.oid], references=references)


class Named:
    """The tables with a key, by their names without separators and without the prefix that all of them have."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.prefix = common_prefix(table.relation.name for table in database.tables.values())
        self.people = PERSON | words_for_people(database)
        self.tables: dict[str, list[Table]] = {}
        for table in database.tables.values():
            if len(table.primary_key) == 1 and table.oid != database.people.relation.oid:
                self.tables.setdefault("".join(self.words(table)), []).append(table)

    def words(self, table: Table) -> list[str]:
        words = [singular(word) for word in tokens(table.relation.name)]
        return words[1:] if self.prefix and words[:1] == [self.prefix] else words

    def is_clear(self, column: Column, target: Table) -> bool:
        """Return whether the name says that this is a key: one word without "id", such as attempt, may be a number."""
        words, named = tokens(column.name), core(column.name)
        return len(words) > 1 or named != words or named == self.words(target)

    def similar(self, table: Table) -> Iterator[tuple[Column, list[Table]]]:
        """Yield the columns without a foreign key that are named like tables, the most likely table first."""
        foreign = {name for found in table.references for name in found.columns}
        for column in table.columns.values():
            if column.name not in foreign and not column.counts and (targets := self.targets(table, column)):
                yield column, targets

    def targets(self, table: Table, column: Column) -> list[Table]:
        """Return the tables of the longest part of the name that is one."""
        words, own = core(column.name), self.words(table)
        for place in range(len(words)):
            name = "".join(words[place:])
            within = () if name in self.people else ("".join(own[:n]) + name for n in range(len(own), 0, -1))
            found = {target.oid: target for each in (*within, name) for target in self.tables.get(each, ())}
            fitting = [target for target in found.values() if self.fits(table, column, target)]
            if fitting:
                return fitting
        return []

    def fits(self, table: Table, column: Column, target: Table) -> bool:
        return target.oid != table.oid and same_type(column, target.columns[target.primary_key[0]])


def core(name: str) -> list[str]:
    """Return the words of the name without the one that says that it is an ID: forumid and forum_id are forum.

    Without that word, a plural is a number of something.
    """
    words = tokens(name)
    rest = list(words)
    while len(rest) > 1 and rest[-1] in IDS:
        rest.pop()
    if rest == words and words:
        without = re.sub(r"(?<=[a-z]{3})id$", "", words[-1])
        if without == words[-1] != singular(words[-1]):
            return []
        rest[-1] = without
    return [singular(word) for word in rest]


def same_type(one: Column, other: Column) -> bool:
    """Return whether the column can hold the key. A smallint holds no larger key: it is a flag or a small number."""
    types = {plain(one.base_type), plain(other.base_type)}
    return len(types) == 1 or (types <= {*INTEGERS} and plain(one.base_type) != "smallint")


def is_reference(table: Table, column: Column, target: Table) -> bool:
    """Return whether no value of the sample speaks against it: nearly all are keys, or there is none."""
    if not all("SELECT" in each.relation.rights and each.relation.may_use_schema for each in (table, target)):
        return False
    query = sql.SQL(FOUND).format(
        sample=from_sample(table, [column.name]),
        column=sql.Identifier(column.name),
        target=sql.Identifier(target.relation.schema, target.relation.name),
        key=sql.Identifier(target.primary_key[0]),
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LIMITS)
            cursor.execute(query.as_string(None))
            seen, keys = cursor.fetchone()
    except DatabaseError:
        return False
    return int(keys) >= ENOUGH * int(seen)
