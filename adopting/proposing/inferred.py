"""References that no foreign key of the database says: `revision.rev_actor` holds the key of a row of `actor`.

Without them, rows would be dropped to which others refer. A column is taken for a reference if its last words are the
name of a table with a key of the same type, and the values of a sample are keys of that table.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db import DatabaseError, connection, transaction
from psycopg import sql

from adopting.catalog.tables import Column, Database, Table
from adopting.people.names import IDS, singular, tokens
from adopting.people.sampling import ENOUGH, LIMITS, from_sample
from adopting.people.standing import INTEGERS, plain
from transfers.checks.catalog.tables import Reference

FOUND = """
WITH s AS MATERIALIZED {sample}, v AS (SELECT DISTINCT {column} AS value FROM s WHERE {column} IS NOT NULL)
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM {target} AS t WHERE t.{key} = v.value)) FROM v
"""


def infer_references(database: Database, notes: list[str]) -> None:
    """Add the references to the tables, as if they had foreign keys, and say so in the notes."""
    named = {words_of(table): table for table in database.tables.values() if keyed(table, database)}
    for table in list(database.tables.values()):
        for column, target in similar(table, named):
            if is_reference(table, column, target):
                key = target.primary_key[0]
                nullable = () if column.not_null else (column.name,)
                found = Reference(
                    table.relation, table.oid, "", (column.name,), target.oid, (key,), "a", "a", nullable
                )
                references = [*database.tables[table.oid].references, found]
                database.tables[table.oid] = replace(database.tables[table.oid], references=references)
                notes.append(
                    f"{table.path}.{column.name} is taken for a reference to {target.path} by its name and values,"
                    " without a foreign key of the database."
                )


def words_of(table: Table) -> tuple[str, ...]:
    return tuple(map(singular, tokens(table.relation.name)))


def keyed(table: Table, database: Database) -> bool:
    return len(table.primary_key) == 1 and table.oid != database.people.relation.oid


def similar(table: Table, named: dict[tuple[str, ...], Table]) -> Iterator[tuple[Column, Table]]:
    """Yield the columns without a foreign key whose last words are the name of another table."""
    foreign = {name for found in table.references for name in found.columns}
    for column in table.columns.values():
        words = [singular(word) for word in tokens(column.name)]
        while len(words) > 1 and words[-1] in IDS:
            words.pop()
        targets = (named.get(tuple(words[place:])) for place in range(len(words)))
        target = next((found for found in targets if found is not None and found.oid != table.oid), None)
        if target and column.name not in foreign and same_type(column, target.columns[target.primary_key[0]]):
            yield column, target


def same_type(one: Column, other: Column) -> bool:
    types = {plain(one.base_type), plain(other.base_type)}
    return len(types) == 1 or types <= {*INTEGERS}


def is_reference(table: Table, column: Column, target: Table) -> bool:
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
            seen, keys = counts(cursor)
    except DatabaseError:
        return False
    return seen > 0 and keys >= ENOUGH * seen


def counts(cursor: Any) -> tuple[int, int]:
    seen, keys = cursor.fetchone()
    return int(seen), int(keys)
