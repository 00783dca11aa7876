"""What the rules say of all pairs of a round, in plain Python (`tests/oracle`), compared with what is there.

The undisturbed run is the engine's own work; this is not. Type by type, because no table belongs to two, batch after
batch, and within a batch pair by pair but for those that share a row, so that the model stays slow and obvious and is
done in time. Rows without any of the people must be there as they were.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from tests import oracle
from tests.chaos import late
from tests.oracle.children import columns_of, table_of
from tests.oracle.places import Place, places
from tests.oracle.product_tables import PRODUCT_TABLES
from tests.oracle.world import Discarded, Row, World
from transfers.registry import data_types
from transfers.rules import Child, DataType

ROWS = "SELECT to_jsonb(t)::text FROM {} AS t WHERE {}"

Batches = Sequence[Sequence[oracle.Pair]]  # the key of a pair is its source
Find = Callable[[Row], Collection[Hashable]]
NAMES = ("id", "username", "employee_id", "tenant_id")
PEOPLE = f"SELECT {', '.join(NAMES)} FROM accounts_user"


class Judged(NamedTuple):
    """sentences: about tables with other rows than by the rules. counts: by source, data type and what is counted."""

    sentences: list[str]
    counts: dict[int, dict[str, dict[str, int]]]
    discarded: list[Discarded]


def judge(before: psycopg.Connection, live: psycopg.Connection, batches: Batches) -> Judged:
    """before: the database as it was before the round. batches: in the order in which they were committed."""
    model = Model(before, batches)
    sentences = [
        sentence
        for data_type in data_types()  # one after another, because all rows at once would be too many
        for name, shelf in model.transfer(data_type).items()
        for sentence in shelf.differences(name, rows_of(live, name))
    ]
    return Judged(sentences, model.counts, model.discarded)


class Model:
    """`counts` and `discarded` grow with each data type."""

    def __init__(self, before: psycopg.Connection, batches: Batches) -> None:
        self.before, self.batches = before, batches
        self.people = {row[0]: dict(zip(NAMES, row, strict=True)) for row in before.execute(PEOPLE)}
        self.counts: dict[int, dict[str, dict[str, int]]] = defaultdict(dict)
        self.discarded: list[Discarded] = []

    def transfer(self, data_type: DataType) -> dict[str, "Shelf"]:
        shelves = self.shelves(data_type)
        for batch in self.batches:
            for pairs in apart(batch, shelves[table_name(data_type)]):
                world: World = {}
                take(data_type, shelves, [user for pair in pairs for user in pair[1:]], world)
                outcome = oracle.transfer(
                    world, [data_type], oracle.Batch(pairs, self.people, PRODUCT_TABLES)
                )
                for name, rows in outcome.world.items():
                    shelves[name].add_all(rows)
                for pair, types in outcome.plain_counts().items():
                    self.counts[pair] |= types
                self.discarded += outcome.discarded
        return shelves

    def shelves(self, data_type: DataType) -> dict[str, "Shelf"]:
        """The type's table by user, and those of what hangs on it by the row on which it hangs."""
        users = {user for batch in self.batches for pair in batch for user in pair[1:]}
        own = Shelf(by_user(places(data_type, self.people), users))
        own.add_texts(rows_of(self.before, table_name(data_type)))
        found = {table_name(data_type): own}
        self.add_children(data_type.children, own, found)
        return found

    def add_children(self, children: Sequence[Child], parents: "Shelf", found: dict[str, "Shelf"]) -> None:
        for child in children:
            column, referenced = columns_of(child)
            of_ours = {row[referenced] for row in parents.rows.values()}
            shelf = found[table_of(child)] = Shelf(by_parent(column, of_ours))
            shelf.add_texts(rows_of(self.before, table_of(child)))
            self.add_children(child.children, shelf, found)


class Shelf:
    """The rows of a table in which somebody of the transfer is, found by `find`; `others`: the rest, as text."""

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
        """The rows of these are no longer here."""
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
                f"{table}: {sum(missing.values())} rows of others changed; by the rules {len(more)} rows {more[:2]}"
                f" should be {len(less)} rows {less[:2]}"
            )


def take(data_type: DataType, shelves: dict[str, Shelf], users: Collection[int], world: World) -> None:
    """Whatever the users hold, and all that hangs on it."""

    def hanging(children: Sequence[Child], parents: Sequence[Row]) -> None:
        for child in children:
            _, referenced = columns_of(child)
            rows = world[table_of(child)] = shelves[table_of(child)].take(
                [row[referenced] for row in parents]
            )
            hanging(child.children, rows)

    own = world[table_name(data_type)] = shelves[table_name(data_type)].take(users)
    hanging(data_type.children, own)


def apart(batch: Sequence[oracle.Pair], shelf: Shelf) -> list[tuple[oracle.Pair, ...]]:
    """The pairs of a batch in groups that have no row in common."""
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
    """Whom of the users a row holds. (That a place is not one for them, the model finds out.)"""
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
    """Values are the same only where their kinds are, and some are lists."""
    return type(value).__name__, str(value)


def table_name(data_type: DataType) -> str:
    return str(data_type.model._meta.db_table)


def rows_of(database: psycopg.Connection, table: str) -> Iterator[str]:
    which = sql.SQL(late.NOT_LATE.get(table, "true"))
    for (text,) in database.execute(sql.SQL(ROWS).format(sql.Identifier(table), which)):
        yield text


def as_text(row: Row) -> str:
    return json.dumps(row, sort_keys=True)
