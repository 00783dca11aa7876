"""Keep unique keys unique while rows are generated one by one, without remembering earlier rows.

Every column of a key has a domain, the list of its possible values, unless its value is already known, such as the ID
of the agent or the tenant. The rows of an agent (if the key contains the agent), of a tenant or of the table are
numbered, and the number is mapped to a combination of domain values. Different numbers map to different combinations,
so no two rows have the same key.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from enum import Enum
from functools import cache, cached_property
from math import gcd, prod
from typing import Any

from django.db import models
from django.db.models import Field, Model

from accounts.models import User
from demo.records.draw import DAYS, Draw, Row
from demo.records.values import vocabulary, whole_limits
from tenancy.models import Tenant
from transfers.engine.catalog.tables import read_tables

QUARTERS = 96  # quarter hours in a day


class Scope(Enum):
    """The group of rows within which a key must be unique. The rows of each group are numbered."""

    AGENT = "agent"
    TENANT = "tenant"
    TABLE = "table"

    def number(self, draw: Draw) -> int:
        return {"agent": draw.n, "tenant": draw.position, "table": draw.ordinal}[self.value]


@dataclass(frozen=True)
class Domain:
    """The possible values of a key column: how many there are, and a function that returns one by its index."""

    size: int
    value: Callable[[int, Draw], Any]


def listed(items: Sequence[Any]) -> Domain:
    return Domain(len(items), lambda index, draw: items[index])


@dataclass(frozen=True)
class KeySpread:
    """The columns to fill for one unique key, with their domains, and the scope of the key.

    If `endless` is set, the key allows practically any number of rows.
    """

    columns: tuple[str, ...]
    domains: tuple[Domain, ...]
    scope: Scope
    endless: bool

    @cached_property
    def capacity(self) -> int:
        return prod(domain.size for domain in self.domains)

    def room(self, draw: Draw) -> int:
        """Return how many more rows the key allows or, if its scope is an agent, how many rows it allows per agent."""
        used = 0 if self.scope is Scope.AGENT else self.scope.number(draw)
        return max(self.capacity - used, 0)

    def put(self, row: Row, draw: Draw) -> None:
        """Set the key columns of the current row to the combination of values for its number."""
        index = self.index(draw)
        for column, domain in zip(self.columns, self.domains, strict=True):
            index, here = divmod(index, domain.size)
            row[column] = domain.value(here, draw)

    def index(self, draw: Draw) -> int:
        """Return the index of the current row's combination of values.

        An agent's rows are spread over all combinations, so that they cover the year and not only its last week.
        """
        if self.endless or self.scope is not Scope.AGENT:
            return self.scope.number(draw)
        start = draw.agent.id * 7 if draw.agent else 0
        return (draw.n * stride(self.capacity, draw.count) + start) % self.capacity


@cache
def stride(capacity: int, count: int) -> int:
    """Return a step of about capacity / count that is coprime to the capacity.

    Its multiples modulo the capacity therefore reach every number once.
    """
    step = max(1, capacity // max(count, 1))
    while gcd(step, capacity) != 1:
        step += 1
    return step


# --- The keys of a model --------------------------------------------------------------------------------------------


def spreads(model: type[Model], owner: str | None, given: Collection[str], draw: Draw) -> list[KeySpread]:
    """Return the `KeySpread`s that keep the unique keys of the model's table unique.

    `owner` is the attname of the owning column, if any, and `given` holds the attnames of columns whose values are not
    drawn. Keys are read from the database, in order to respect indexes that no model declares. A key needs no
    `KeySpread` if it contains another key or a random UUID, or if all its columns are set for earlier keys.
    """
    found: list[KeySpread] = []
    taken: set[str] = set()
    for key in smallest(unique_columns(model)):
        fields = [field for field in model._meta.concrete_fields if field.attname in key - taken]
        free = [field for field in fields if field.attname not in given and field.related_model is not Tenant]
        drawn_apart = any(isinstance(field, models.UUIDField) for field in free)
        if not drawn_apart and (free or not taken & key):
            found.append(spread_of(free, scope_of(model, key, owner), draw))
            taken |= set(found[-1].columns)
    return found


def scope_of(model: type[Model], key: frozenset[str], owner: str | None) -> Scope:
    """Return the scope in which the rows of a key are numbered.

    It is the agent if the key contains the owner. It is the tenant if the key has another foreign key, because rows of
    different tenants reference different rows.
    """
    if owner in key:
        return Scope.AGENT
    refers = any(field.attname in key and field.is_relation for field in model._meta.concrete_fields)
    return Scope.TENANT if refers else Scope.TABLE


def unique_columns(model: type[Model]) -> list[frozenset[str]]:
    """Return the attnames of each unique key. An auto-incrementing primary key is left out."""
    table = read_tables([model._meta.db_table])[model._meta.db_table]
    attnames = {field.column: field.attname for field in model._meta.concrete_fields}
    keys = [frozenset(attnames[c] for c in key.columns if c in attnames) for key in table.keys]
    return [key for key in keys if key and key != {automatic_key(model)}]


def automatic_key(model: type[Model]) -> str | None:
    """Return the attname of the primary key if it is auto-incrementing, otherwise None."""
    primary = model._meta.pk
    return primary.attname if isinstance(primary, models.AutoField) else None


def smallest(keys: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Return the keys that contain no other key: if a smaller key is unique, the larger one is too."""
    keys = sorted(set(keys), key=lambda key: (len(key), sorted(key)))
    return [key for i, key in enumerate(keys) if not any(other <= key for other in keys[:i])]


def spread_of(free: Sequence[Field], scope: Scope, draw: Draw) -> KeySpread:
    """Return the `KeySpread` that fills the free columns of a key.

    Text has unlimited values, so a single text column is enough to keep the rows distinct.
    """
    texts = [field for field in free if is_text(field)]
    chosen = texts[:1] or list(free)
    domains = tuple(domain_of(field, draw, scope) for field in chosen)
    return KeySpread(tuple(field.attname for field in chosen), domains, scope, bool(texts))


def is_text(field: Field) -> bool:
    return isinstance(field, models.CharField | models.TextField) and not field.choices


# --- The domain of a column -----------------------------------------------------------------------------------------


def domain_of(field: Field, draw: Draw, scope: Scope) -> Domain:
    if field.choices:
        return listed([value for value, _ in field.flatchoices])
    if isinstance(field, models.ForeignKey):
        return rows_of(field, draw)
    if is_text(field):
        return texts_of(field, scope)
    for kind, domain in DOMAINS:
        if isinstance(field, kind):
            return domain(field, draw)
    return listed(())


def rows_of(field: Field, draw: Draw) -> Domain:
    if field.related_model is User:
        return colleagues(draw)
    return listed(draw.pool(field.related_model))


def colleagues(draw: Draw) -> Domain:
    """Return the domain of all agents except the row's own agent, so that no row links an agent to themselves.

    The first value is the agent with the next ID.
    """
    ids = [agent.id for agent in draw.agents]

    def following(index: int, draw: Draw) -> int:
        own = bisect_left(ids, draw.agent.id) if draw.agent else -1
        return ids[(own + 1 + index) % len(ids)]

    return Domain(max(len(ids) - 1, 0), following)


def texts_of(field: Field, scope: Scope) -> Domain:
    """Return the domain of a text column: the words of its vocabulary, with a number appended once all are used.

    If the key is unique per agent, the first word depends on the agent. A column for paths gets numbered paths instead.
    """
    words = vocabulary(field)
    longest = field.max_length or 1000

    def worded(index: int, draw: Draw) -> str:
        turn, word = divmod(index, len(words))
        number = f" {turn + 1}" if turn else ""
        start = draw.agent.id if draw.agent and scope is Scope.AGENT else 0
        return words[(word + start) % len(words)][: longest - len(number)] + number

    def numbered(index: int, draw: Draw) -> str:
        return f"/storage/{draw.until.year}/{index // 1000:04d}/{index:08d}.wav"[-longest:]

    return Domain(10**9, numbered if "path" in field.name else worded)


def days_of(field: Field, draw: Draw) -> Domain:
    return Domain(DAYS, lambda index, draw: draw.until - timedelta(days=index))


def quarters_of(field: Field, draw: Draw) -> Domain:
    return Domain(DAYS * QUARTERS, lambda index, draw: draw.at(1 + index // QUARTERS, index % QUARTERS * 900))


def whole_of(field: Field, draw: Draw) -> Domain:
    limits = whole_limits(field)
    if limits is None:
        return listed([draw.until.year - back for back in range(3)])
    return listed(range(limits[0], limits[1] + 1))


DOMAINS: list[tuple[type[Any], Callable[[Any, Draw], Domain]]] = [
    (models.BooleanField, lambda field, draw: listed((True, False))),
    (models.DateTimeField, quarters_of),
    (models.DateField, days_of),
    (models.TimeField, lambda field, draw: listed([time(q // 4, q % 4 * 15) for q in range(QUARTERS)])),
    (models.IntegerField, whole_of),
]
