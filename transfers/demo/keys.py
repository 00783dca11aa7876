"""Unique keys, kept while rows are made one after the other and none is remembered.

Every column of a key that is not given (the agent, the tenant) has a list of values that it may take, its domain. The
rows are numbered - within the agent where the agent is in the key, else within the table - and the number, spread
over the product of the domains, chooses the values. Different numbers give different values, so no two rows clash.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from math import gcd, prod
from typing import Any, Protocol

from django.db import models
from django.db.models import Field, Model

from accounts.models import Tenant, User
from transfers.demo.draw import DAYS, Draw, Row
from transfers.demo.values import vocabulary, whole_limits
from transfers.engine.catalog import read_tables

QUARTERS = 96  # quarters of an hour in a day


class Domain(Protocol):
    """The values a column may take in a key: `size` of them, by their index."""

    size: int

    def value(self, index: int, draw: Draw) -> Any: ...


@dataclass(frozen=True)
class Listed:
    """Values that can be listed: choices, rows of another table, small numbers, days."""

    items: Sequence[Any]

    @property
    def size(self) -> int:
        return len(self.items)

    def value(self, index: int, draw: Draw) -> Any:
        return self.items[index]


@dataclass(frozen=True)
class Computed:
    """So many values, the one of an index made when it is wanted."""

    size: int
    make: Callable[[int, Draw], Any]

    def value(self, index: int, draw: Draw) -> Any:
        return self.make(index, draw)


@dataclass(frozen=True)
class KeySpread:
    """One unique key: which columns it fills, and how many rows it can tell apart."""

    columns: tuple[str, ...]
    domains: tuple[Domain, ...]
    per_agent: bool

    @property
    def capacity(self) -> int:
        return prod(domain.size for domain in self.domains)

    def put(self, row: Row, draw: Draw) -> None:
        """Put the values of this row's number into it: neighbours apart, so that a year is used and not a week."""
        capacity = self.capacity
        if self.per_agent and draw.agent is not None:
            index = (draw.n * stride(capacity, draw.count) + draw.agent.id * 7) % capacity
        else:
            index = draw.ordinal
        for column, domain in zip(self.columns, self.domains, strict=True):
            index, here = divmod(index, domain.size)
            row[column] = domain.value(here, draw)


def stride(capacity: int, count: int) -> int:
    """A step of about capacity / count that meets every number once before it comes back."""
    step = max(1, capacity // max(count, 1))
    while gcd(step, capacity) != 1:
        step += 1
    return step


# --- The keys of a model --------------------------------------------------------------------------------------------


def spreads(model: type[Model], owner: str | None, draw: Draw) -> list[KeySpread]:
    """How the unique keys of the model's table are kept; `owner` is the attname of the owning column, if there is one.

    Keys come from the database, so that an index which no model speaks of is kept too. A key that holds another, or
    whose columns are all chosen by keys before, needs nothing more.
    """
    found: list[KeySpread] = []
    taken: set[str] = set()
    for key in smallest(unique_columns(model)):
        fields = [field for field in model._meta.concrete_fields if field.attname in key - taken]
        free = [field for field in fields if field.attname != owner and field.related_model is not Tenant]
        if any(isinstance(field, models.UUIDField) for field in free) or (not free and taken & key):
            continue
        spread = spread_of(free, owner in key, draw)
        found.append(spread)
        taken |= set(spread.columns)
    return found


def unique_columns(model: type[Model]) -> list[frozenset[str]]:
    """The columns of each unique key, as attnames; not those of a primary key that is numbered by itself."""
    table = read_tables([model._meta.db_table])[model._meta.db_table]
    attnames = {field.column: field.attname for field in model._meta.concrete_fields}
    keys = [frozenset(attnames[c] for c in key.columns if c in attnames) for key in table.keys]
    return [key for key in keys if key and key != {automatic_key(model)}]


def automatic_key(model: type[Model]) -> str | None:
    """The attname of a primary key that is simply counted up."""
    primary = model._meta.pk
    return primary.attname if isinstance(primary, models.AutoField | models.BigAutoField) else None


def smallest(keys: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Without those that hold another: where the smaller is unique, the larger is too."""
    keys = sorted(set(keys), key=lambda key: (len(key), sorted(key)))
    return [key for i, key in enumerate(keys) if not any(other <= key for other in keys[:i])]


def spread_of(free: Sequence[Field[Any, Any]], per_agent: bool, draw: Draw) -> KeySpread:
    """Text takes any number of values, so where there is one it alone tells the rows apart."""
    texts = [field for field in free if is_text(field)]
    chosen = texts[:1] or list(free)
    domains = tuple(domain_of(field, draw, per_agent) for field in chosen)
    return KeySpread(tuple(field.attname for field in chosen), domains, per_agent)


def is_text(field: Field[Any, Any]) -> bool:
    return isinstance(field, models.CharField | models.TextField) and not field.choices


# --- The domain of a column -----------------------------------------------------------------------------------------


def domain_of(field: Field[Any, Any], draw: Draw, per_agent: bool) -> Domain:
    if field.choices:
        return Listed([value for value, _ in field.flatchoices])
    if isinstance(field, models.ForeignKey):
        return rows_of(field, draw)
    if is_text(field):
        return texts_of(field, per_agent)
    for kind, domain in DOMAINS:
        if isinstance(field, kind):
            return domain(field, draw)
    return Listed(())


def rows_of(field: Field[Any, Any], draw: Draw) -> Domain:
    if field.related_model is User:
        return Listed([agent.id for agent in draw.agents])
    return Listed(draw.pools.get(field.related_model, ()))


def texts_of(field: Field[Any, Any], per_agent: bool) -> Domain:
    """Words of the vocabulary while they last, then with a number; over a whole table always with a number."""
    words = vocabulary(field)
    longest = field.max_length or 1000

    def make(index: int, draw: Draw) -> str:
        turn, word = divmod(index, len(words))
        number = f" {turn + 1}" if turn or not per_agent else ""
        return words[word][: longest - len(number)] + number

    def numbered(index: int, draw: Draw) -> str:
        return f"/storage/{draw.until.year}/{index // 1000:04d}/{index:08d}.wav"[-longest:]

    return Computed(10**9, numbered if "path" in field.name else make)


def days_of(field: Field[Any, Any], draw: Draw) -> Domain:
    return Computed(DAYS, lambda index, draw: draw.until - timedelta(days=index))


def quarters_of(field: Field[Any, Any], draw: Draw) -> Domain:
    return Computed(DAYS * QUARTERS, lambda index, draw: draw.at(1 + index // QUARTERS, index % QUARTERS * 900))


def clock_of(field: Field[Any, Any], draw: Draw) -> Domain:
    return Listed([time(quarter // 4, quarter % 4 * 15) for quarter in range(QUARTERS)])


def whole_of(field: Field[Any, Any], draw: Draw) -> Domain:
    limits = whole_limits(field)
    if limits is None:
        return Listed([draw.until.year - back for back in range(3)])
    return Listed(range(limits[0], limits[1] + 1))


DOMAINS: list[tuple[type[Any], Callable[[Any, Draw], Domain]]] = [
    (models.BooleanField, lambda field, draw: Listed((True, False))),
    (models.DateTimeField, quarters_of),
    (models.DateField, days_of),
    (models.TimeField, clock_of),
    (models.IntegerField, whole_of),
]
