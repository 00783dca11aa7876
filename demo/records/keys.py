"""Keep unique keys unique while rows are generated one by one, without remembering earlier rows.

Every column of a key that is not given (as agent and tenant are) has a domain, the list of its possible values. Rows
are numbered, within the agent if the key holds the agent, else within the table, and the number is mapped to a
combination of domain values. Different numbers map to different combinations, so rows never conflict.
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
from transfers.engine.compiler.catalog import read_tables

QUARTERS = 96  # quarters of an hour in a day


class Scope(Enum):
    """The set of rows in which a key must be unique, and in which its rows are numbered."""

    AGENT = "agent"
    TENANT = "tenant"
    TABLE = "table"

    def number(self, draw: Draw) -> int:
        return {"agent": draw.n, "tenant": draw.position, "table": draw.ordinal}[self.value]


@dataclass(frozen=True)
class Domain:
    """The `size` possible values of a column in a key, by index."""

    size: int
    value: Callable[[int, Draw], Any]


def listed(items: Sequence[Any]) -> Domain:
    return Domain(len(items), lambda index, draw: items[index])


@dataclass(frozen=True)
class KeySpread:
    """The columns to fill for one unique key, and its scope. endless: it allows any number of rows."""

    columns: tuple[str, ...]
    domains: tuple[Domain, ...]
    scope: Scope
    endless: bool

    @cached_property
    def capacity(self) -> int:
        return prod(domain.size for domain in self.domains)

    def room(self, draw: Draw) -> int:
        """How many more rows the key allows; within the scope of an agent, how many in total."""
        used = 0 if self.scope is Scope.AGENT else self.scope.number(draw)
        return max(self.capacity - used, 0)

    def put(self, row: Row, draw: Draw) -> None:
        """Set the values for the number of this row."""
        index = self.index(draw)
        for column, domain in zip(self.columns, self.domains, strict=True):
            index, here = divmod(index, domain.size)
            row[column] = domain.value(here, draw)

    def index(self, draw: Draw) -> int:
        """Spread an agent's rows over the whole domain, so that they cover the year and not only its last week."""
        if self.endless or self.scope is not Scope.AGENT:
            return self.scope.number(draw)
        start = draw.agent.id * 7 if draw.agent else 0
        return (draw.n * stride(self.capacity, draw.count) + start) % self.capacity


@cache
def stride(capacity: int, count: int) -> int:
    """A step of about capacity / count that is coprime to the capacity, so it visits every number once."""
    step = max(1, capacity // max(count, 1))
    while gcd(step, capacity) != 1:
        step += 1
    return step


# --- The keys of a model --------------------------------------------------------------------------------------------


def spreads(model: type[Model], owner: str | None, given: Collection[str], draw: Draw) -> list[KeySpread]:
    """The spreads that keep the unique keys of the model's table. owner: the owning column, if any; given: columns
    with values that are not drawn; both as attnames.

    Keys are read from the database, to respect indexes that no model declares. A key that contains another one, or
    whose columns are all set for earlier keys, needs no spread.
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
    """A key with a reference is numbered per tenant: rows of different tenants reference different rows."""
    if owner in key:
        return Scope.AGENT
    refers = any(field.attname in key and field.is_relation for field in model._meta.concrete_fields)
    return Scope.TENANT if refers else Scope.TABLE


def unique_columns(model: type[Model]) -> list[frozenset[str]]:
    """The columns of each unique key, as attnames, without an auto-incrementing primary key."""
    table = read_tables([model._meta.db_table])[model._meta.db_table]
    attnames = {field.column: field.attname for field in model._meta.concrete_fields}
    keys = [frozenset(attnames[c] for c in key.columns if c in attnames) for key in table.keys]
    return [key for key in keys if key and key != {automatic_key(model)}]


def automatic_key(model: type[Model]) -> str | None:
    """The attname of an auto-incrementing primary key."""
    primary = model._meta.pk
    return primary.attname if isinstance(primary, models.AutoField) else None


def smallest(keys: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """The keys that contain no other key: where a smaller key is unique, the larger one is too."""
    keys = sorted(set(keys), key=lambda key: (len(key), sorted(key)))
    return [key for i, key in enumerate(keys) if not any(other <= key for other in keys[:i])]


def spread_of(free: Sequence[Field], scope: Scope, draw: Draw) -> KeySpread:
    """Text has unlimited values, so a text column alone keeps the rows distinct."""
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
    """All agents but the row's own, starting with the next one: a row must not link an agent to itself."""
    ids = [agent.id for agent in draw.agents]

    def following(index: int, draw: Draw) -> int:
        own = bisect_left(ids, draw.agent.id) if draw.agent else -1
        return ids[(own + 1 + index) % len(ids)]

    return Domain(max(len(ids) - 1, 0), following)


def texts_of(field: Field, scope: Scope) -> Domain:
    """Words of the vocabulary, with a number once they are used up; each agent starts at a different word."""
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
