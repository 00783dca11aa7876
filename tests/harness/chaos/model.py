"""Compute the expected result of a round with the reference model (`tests/harness/oracle`), and check the rows.

Unlike the run without faults (`control`), the model is independent of the engine. Because it is slow, it is applied
separately to each data type and each group of pairs that share rows. This gives the same result, because no table
belongs to two data types, and no row to two groups. Rows that reference none of the users must be unchanged.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from tests.harness import oracle
from tests.harness.chaos import late
from tests.harness.chaos.foreign.oracle import FOREIGN_TABLES, generate
from tests.harness.oracle.children import columns_of, table_of
from tests.harness.oracle.places import Place, places
from tests.harness.oracle.product_tables import PRODUCT_TABLES
from tests.harness.oracle.small_tables import SMALL_TABLES
from tests.harness.oracle.world import Discarded, Row, World
from transfers.engine.catalog.names import parts_of
from transfers.registry import data_types
from transfers.rules import Child, DataType

TABLES = PRODUCT_TABLES | SMALL_TABLES | FOREIGN_TABLES
ROWS = "SELECT to_jsonb(t)::text FROM {} AS t WHERE {}"

Batches = Sequence[Sequence[oracle.Pair]]  # the key of each pair is its source ID
Find = Callable[[Row], Collection[Hashable]]
NAMES = ("id", "username", "employee_id", "external_id", "tenant_id")
PEOPLE = f"SELECT {', '.join(NAMES)} FROM accounts_user"


class Expected(NamedTuple):
    """The expected result of a round.

    `sentences` describes the tables with unexpected rows. `counts` is {source ID: {data type: {outcome: rows}}}.
    """

    sentences: list[str]
    counts: dict[int, dict[str, dict[str, int]]]
    discarded: list[Discarded]


def expect(before: psycopg.Connection, live: psycopg.Connection, batches: Batches) -> Expected:
    """Compute the expected result, and compare the rows of `live` with it.

    `before` is a copy of the database from before the round. Batches must be in the order in which they were committed.
    """
    model = Model(before, batches)
    sentences = [
        sentence
        for data_type in data_types()  # one at a time, to limit the memory used
        for name, shelf in model.transfer(data_type).items()
        for sentence in shelf.differences(name, rows_of(live, name))
    ]
    return Expected(sentences, model.counts, model.discarded)


class Model:
    """The reference model applied to a database. `counts` and `discarded` accumulate over calls of `transfer`."""

    def __init__(self, before: psycopg.Connection, batches: Batches) -> None:
        self.before, self.batches = before, batches
        self.people = {row[0]: dict(zip(NAMES, row, strict=True)) for row in before.execute(PEOPLE)}
        self.counts: dict[int, dict[str, dict[str, int]]] = defaultdict(dict)
        self.discarded: list[Discarded] = []

    def transfer(self, data_type: DataType) -> dict[str, "Shelf"]:
        shelves = self.shelves(data_type)
        for batch in self.batches:
            for pairs in independent_groups(batch, shelves[table_name(data_type)]):
                world: World = {}
                take(data_type, shelves, [user for pair in pairs for user in pair[1:]], world)
                outcome = oracle.transfer(world, [data_type], oracle.Batch(pairs, self.people, TABLES))
                for name, rows in outcome.world.items():
                    shelves[name].add_all(generate(name, rows))
                for pair, types in outcome.plain_counts().items():
                    self.counts[pair] |= types
                self.discarded += outcome.discarded
        return shelves

    def shelves(self, data_type: DataType) -> dict[str, "Shelf"]:
        """Return {table: Shelf}. The type's own table is indexed by user, its child tables by parent row."""
        users = {user for batch in self.batches for pair in batch for user in pair[1:]}
        own = Shelf(by_user(places(data_type, self.people), users))
        own.add_texts(rows_of(self.before, table_name(data_type)))
        found = {table_name(data_type): own}
        self.add_children(data_type.children, own, found)
        return found

    def add_children(self, children: Sequence[Child], parents: "Shelf", found: dict[str, "Shelf"]) -> None:
        for child in children:
            column, referenced = columns_of(child)
            parent_keys = {row[referenced] for row in parents.rows.values()}
            shelf = found[table_of(child)] = Shelf(by_parent(column, parent_keys))
            shelf.add_texts(rows_of(self.before, table_of(child)))
            self.add_children(child.children, shelf, found)


class Shelf:
    """The rows of a table.

    `rows` are those that reference users of the transfer (or their records, in a child table), and can be looked up by
    the users or parents that `find` returns for them. `others` counts all other rows by their text.
    """

    def __init__(self, find: Find) -> None:
        self.find = find
        self.rows: dict[int, Row] = {}
        self.numbers: dict[Hashable, set[int]] = defaultdict(set)
        self.others: Counter[str] = Counter()
        self.next = count()

    def add_texts(self, texts: Iterable[str]) -> None:
        for text in texts:
            row = json.loads(text)
            if self.find(row):
                self.add_all([row])
            else:
                self.others[text] += 1

    def add_all(self, rows: Sequence[Row]) -> None:
        for row in rows:
            number = next(self.next)
            self.rows[number] = row
            for name in self.find(row):
                self.numbers[name].add(number)

    def take(self, names: Collection[Hashable]) -> list[Row]:
        """Remove and return the rows of these users or parents."""
        numbers = {number for name in names for number in self.numbers.get(name, ())}
        taken = [self.rows.pop(number) for number in sorted(numbers)]
        for name in {name for row in taken for name in self.find(row)}:
            self.numbers[name] -= numbers
        return taken

    def differences(self, table: str, there: Iterable[str]) -> Iterator[str]:
        found = Counter(there)
        missing = self.others - found
        ours = Counter(as_text(json.loads(text)) for text in (found - self.others).elements())
        theirs = Counter(as_text(row) for row in self.rows.values())
        if missing or ours != theirs:
            more, less = sorted((ours - theirs).elements()), sorted((theirs - ours).elements())
            yield (
                f"{table}: {sum(missing.values())} rows of other users changed; by the rules {len(more)} rows"
                f" {more[:2]} should be {len(less)} rows {less[:2]}"
            )


def take(data_type: DataType, shelves: dict[str, Shelf], users: Collection[int], world: World) -> None:
    """Move the users' rows and their child rows from the shelves to `world`."""

    def take_children(children: Sequence[Child], parents: Sequence[Row]) -> None:
        for child in children:
            _, referenced = columns_of(child)
            rows = world[table_of(child)] = shelves[table_of(child)].take(
                [row[referenced] for row in parents]
            )
            take_children(child.children, rows)

    own = world[table_name(data_type)] = shelves[table_name(data_type)].take(users)
    take_children(data_type.children, own)


def independent_groups(batch: Sequence[oracle.Pair], shelf: Shelf) -> list[tuple[oracle.Pair, ...]]:
    """Split a batch into groups such that no row belongs to pairs of two groups."""
    group_of: dict[int, list[oracle.Pair]] = {}
    for pair in batch:
        group_of[pair.source] = group_of[pair.target] = [pair]
    for user in list(group_of):
        for number in shelf.numbers.get(user, ()):
            for other in group_of.keys() & shelf.find(shelf.rows[number]):
                if group_of[other] is not group_of[user]:
                    joined = group_of[user] + group_of[other]
                    for pair in joined:
                        group_of[pair.source] = group_of[pair.target] = joined
    groups = {id(group): group for group in group_of.values()}
    return [tuple(sorted(group, key=batch.index)) for group in groups.values()]


def by_user(spots: Sequence[Place], users: Collection[int]) -> Find:
    """Return a function that finds which of the users a row references."""
    meant = [
        {key(spelling): user for user in users if (spelling := spot.spelling(user)) is not None}
        for spot in spots
    ]

    def find(row: Row) -> set[Hashable]:
        return {
            by_spelling[key(value)]
            for spot, by_spelling in zip(spots, meant, strict=True)
            for value in spot.values(row)
            if key(value) in by_spelling
        }

    return find


def by_parent(column: str, parents: Collection[Any]) -> Find:
    return lambda row: [row[column]] if row[column] in parents else []


def key(value: Any) -> tuple[str, str]:
    """Return a hashable key for any JSON value, including lists; 1, true and "1" have different keys."""
    return type(value).__name__, str(value)


def table_name(data_type: DataType) -> str:
    return str(data_type.model._meta.db_table)


def rows_of(database: psycopg.Connection, table: str) -> Iterator[str]:
    which = sql.SQL(late.NOT_LATE.get(table, "true"))
    for (text,) in database.execute(sql.SQL(ROWS).format(sql.Identifier(*parts_of(table)), which)):
        yield text


def as_text(row: Row) -> str:
    return json.dumps(row, sort_keys=True)
