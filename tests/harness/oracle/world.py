"""Data structures of the reference model."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Row = dict[str, Any]
World = dict[str, list[Row]]
People = Mapping[
    int, Mapping[str, Any]
]  # user id -> {"id": ..., "username": ..., "employee_id": ..., "tenant_id": ...}


class Pair(NamedTuple):
    key: int
    source: int
    target: int


@dataclass(frozen=True)
class Key:
    """A unique index. `columns` has column names or functions of a row; `covers` is the predicate of a partial index.

    `nulls_equal` means NULLS NOT DISTINCT. Otherwise a row with a NULL in the key never conflicts.
    """

    name: str
    columns: tuple[str | Callable[[Row], Any], ...]
    covers: Callable[[Row], bool] = lambda row: True
    nulls_equal: bool = False


@dataclass(frozen=True)
class Table:
    """A table. `pk` has its primary key columns. `bits` and `length` map integer and text columns to their sizes."""

    pk: tuple[str, ...] = ("id",)
    keys: tuple[Key, ...] = ()
    bits: Mapping[str, int] = field(default_factory=dict)
    length: Mapping[str, int] = field(default_factory=dict)

    def pk_of(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[column] for column in self.pk)


class Discarded(NamedTuple):
    table: str
    reason: str
    pair: int
    row: Row


Counts = dict[int, dict[str, dict[str, int]]]


@dataclass
class Outcome:
    """The result of a transfer.

    `counts` is {pair key: {data type: {"source": 3, ...}}} without zeros. `discarded` has the rows as they were before.
    """

    world: World
    counts: Counts = field(default_factory=lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(int))))
    discarded: list[Discarded] = field(default_factory=list)

    def count(self, pair: int, data_type: str, what: str, n: int = 1) -> None:
        self.counts[pair][data_type][what] += n

    def discard(self, table: str, reason: str, pair: int, row: Row) -> None:
        self.discarded.append(Discarded(table, reason, pair, row))

    def plain_counts(self) -> Counts:
        return {
            pair: {name: dict(numbers) for name, numbers in types.items()}
            for pair, types in self.counts.items()
        }


@dataclass(frozen=True)
class Batch:
    """The pairs that are transferred together, the attributes of the users, and the keys and sizes of the tables."""

    pairs: tuple[Pair, ...]
    people: People
    tables: Mapping[str, Table]
