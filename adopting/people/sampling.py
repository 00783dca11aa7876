"""Compare samples of values with the people, inside the database: only counts come out, no value does.

Each table is sampled in a transaction of its own with the shortest lock there is (ACCESS SHARE), and given up if it
takes too long or another session is about to change the table.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from adopting.catalog.queries import LIMITS
from adopting.catalog.tables import Database, Table
from adopting.people import documents
from adopting.people.names import suggests_person
from adopting.people.standing import TEXTS, Stand, plain, words_for_people

ROWS = 500
PAGES = 200
PEOPLE = """
CREATE TEMPORARY TABLE adopting_people AS
SELECT DISTINCT btrim({key}::text) AS id, {user_name}::text AS user_name FROM {people} WHERE {key} IS NOT NULL;
CREATE INDEX ON adopting_people (id);
CREATE INDEX ON adopting_people (user_name);
ANALYZE adopting_people;
"""
# How many IDs there are between the smallest and the largest one. If nearly all are taken, any small number is the ID
# of a person. No value of an integer that is not a person's says anything else.
DENSITY = """
SELECT count(*), count(*) / nullif(max(id::numeric) - min(id::numeric) + 1, 0)
FROM adopting_people WHERE id ~ '^[0-9]{1,18}$'
"""
SAMPLE = "(SELECT {columns} FROM {table} {sample} LIMIT {rows})"
COUNT = """
(SELECT {number}, count(*),
    count(*) FILTER (WHERE EXISTS (SELECT FROM adopting_people AS p WHERE p.id = v.value)),
    count(*) FILTER (WHERE EXISTS (SELECT FROM adopting_people AS p WHERE p.user_name = v.value))
FROM (SELECT DISTINCT btrim({value}::text) AS value FROM s {unnested} WHERE {value} IS NOT NULL {kind}) AS v
WHERE v.value NOT IN ('', '0') AND length(v.value) < 200)
"""
KINDS = """
SELECT DISTINCT {kind}::text FROM s
WHERE lower({kind}::text) ~ %(words)s AND length({kind}::text) < 100 ORDER BY 1
"""
# Values that are people by chance: the share of values to believe, and how many of them there have to be.
ENOUGH, LEAST, SPARSE = 0.8, 3, 0.3


@contextmanager
def people_known(database: Database) -> Iterator[float]:
    """Copy the IDs of people to a temporary table for the block, and yield how densely numbers are used as IDs."""
    people = database.people
    names = {
        "key": sql.Identifier(people.column),
        "people": sql.Identifier(people.relation.schema, people.relation.name),
        "user_name": sql.Identifier(people.user_name) if people.user_name else sql.SQL("NULL"),
    }
    with connection.cursor() as cursor:
        try:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.adopting_people")
            cursor.execute(sql.SQL(PEOPLE).format(**names).as_string(None))
            cursor.execute(DENSITY)
        except DatabaseError as error:
            raise CommandError(
                f"--people: {people.relation.schema}.{people.relation.name}: {error}"
            ) from error
        numbers, density = cursor.fetchone()
        try:
            yield float(density or 0) if numbers else 0.0
        finally:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.adopting_people")


def sampled(database: Database, stands: Iterable[Stand], notes: list[str]) -> list[Stand]:
    """Return the candidates that are people by their values or their names. `notes` gets the tables not sampled."""
    of_table: dict[int, list[Stand]] = {}
    for stand in stands:
        of_table.setdefault(stand.oid, []).append(stand)
    also, found = words_for_people(database), []
    with people_known(database) as density:
        for oid, candidates in of_table.items():
            table = database.tables[oid]
            own = [stand for stand in candidates if is_worth_it(stand, database, density)]
            if not table.relation.may_use_schema or "SELECT" not in table.relation.rights:
                notes.append(f"{table.path}: not sampled, because the application's role may not read it.")
            else:
                own = sample_of(table, own, also, notes)
            found += [settled(stand, density) for stand in own if is_person(stand, also, density)]
    return found


def settled(stand: Stand, density: float) -> Stand:
    """Return the stand without its doubt if its values alone say that they are people: IDs that are no chance."""
    return replace(stand, perhaps=stand.perhaps and not (is_believed(stand) and density <= SPARSE))


def is_believed(stand: Stand) -> bool:
    return stand.share is not None and stand.share >= ENOUGH and stand.seen >= LEAST


def is_worth_it(stand: Stand, database: Database, density: float) -> bool:
    """Return whether values could say more than the name: small numbers are the IDs of people by chance."""
    column = database.tables[stand.oid].columns[stand.column]
    may_be_user_name = bool(database.people.user_name) and plain(column.base_type) in TEXTS
    return (
        stand.named
        or stand.perhaps
        or stand.form in ("kind", "json")
        or density <= SPARSE
        or may_be_user_name
    )


def is_person(stand: Stand, also: frozenset[str], density: float) -> bool:
    """Return whether the column is to be decided.

    Small numbers are the IDs of people by chance, so for them the name has to suggest a person, or the IDs must be so
    far apart that a number hits one by chance only rarely.
    """
    believed = is_believed(stand)
    if stand.form == "kind":
        return bool(stand.kinds) or stand.named
    if stand.form in ("json", "list"):
        named = bool(stand.path) and suggests_person(stand.path[-1], also, is_list=True)
        return bool(stand.share) and (named or (believed and density <= SPARSE))
    if stand.perhaps and (not stand.seen or (stand.share or 0) >= ENOUGH):
        return True
    return stand.named or (believed and (stand.form == "user name" or density <= SPARSE))


def sample_of(table: Table, stands: Sequence[Stand], also: frozenset[str], notes: list[str]) -> list[Stand]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LIMITS)
            plain_ones = [stand for stand in stands if stand.form != "json"]
            found = measure(cursor, table, plain_ones, also) if plain_ones else []
            for stand in (stand for stand in stands if stand.form == "json"):
                found += documents.measure(cursor, stand, from_sample(table, [stand.column]))
            return found
    except DatabaseError as error:
        notes.append(f"{table.path}: not sampled ({str(error).splitlines()[0]}).")
        return list(stands)


def measure(cursor: Any, table: Table, stands: list[Stand], also: frozenset[str]) -> list[Stand]:
    """Compare the values of all these columns in one sample."""
    kinds = [
        kinds_of(cursor, table, stand, also) if stand.kind_column and not stand.kinds else stand.kinds
        for stand in stands
    ]
    counts = [count(number, stand, kinds[number]) for number, stand in enumerate(stands)]
    columns = dict.fromkeys(name for stand in stands for name in (stand.column, stand.kind_column) if name)
    query = sql.SQL("WITH s AS MATERIALIZED {} ").format(from_sample(table, list(columns)))
    cursor.execute((query + sql.SQL(" UNION ALL ").join(counts)).as_string(None))
    found = []
    for number, seen, ids, user_names in cursor.fetchall():
        stand = stands[number]
        if user_names > ids and stand.form == "value":
            found.append(replace(stand, form="user name", share=user_names / seen, seen=seen))
        else:
            found.append(replace(stand, kinds=kinds[number], share=ids / seen if seen else None, seen=seen))
    return found


def count(number: int, stand: Stand, kinds: tuple[str, ...]) -> sql.Composed:
    value: sql.Composable = sql.Identifier(stand.column)
    kind: sql.Composable = sql.SQL("")
    unnested: sql.Composable = sql.SQL("")
    if kinds:
        listed = sql.SQL(", ").join(map(sql.Literal, kinds))
        kind = sql.SQL("AND {}::text IN ({})").format(sql.Identifier(stand.kind_column), listed)
    if stand.form == "array":
        unnested, value = sql.SQL(", unnest({}) AS e (value)").format(value), sql.Identifier("e", "value")
    return sql.SQL(COUNT).format(number=sql.Literal(number), value=value, unnested=unnested, kind=kind)


def kinds_of(cursor: Any, table: Table, stand: Stand, also: frozenset[str]) -> tuple[str, ...]:
    """Return the kinds that mean a person, such as "User": those whose last word is one for people."""
    query = sql.SQL("WITH s AS MATERIALIZED {} " + KINDS).format(
        from_sample(table, [stand.kind_column]), kind=sql.Identifier(stand.kind_column)
    )
    cursor.execute(query.as_string(None), {"words": person_kind(also)})
    return tuple(kind for (kind,) in cursor.fetchall())


def person_kind(also: frozenset[str]) -> str:
    """Return the pattern of a kind that means a person, in lower case: user or App\\Models\\User, but not new user."""
    words = "|".join(sorted(also | {"user", "person", "agent", "employee"}))
    return rf"(^|[.\\/:_])({words})s?$"


def from_sample(table: Table, columns: list[str]) -> sql.Composed:
    """Return a sample of the table: all of a small table, some blocks of a large one, in each case few rows."""
    percent = min(100.0, 100.0 * PAGES / max(table.pages, 1))
    sample = sql.SQL("" if percent == 100 else f"TABLESAMPLE SYSTEM ({percent:.6f})")
    return sql.SQL(SAMPLE).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        table=sql.Identifier(table.relation.schema, table.relation.name),
        sample=sample,
        rows=sql.Literal(ROWS),
    )
