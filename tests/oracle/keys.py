"""Which rows clash on which key, and which of them is kept.

The keys of a table are judged one after another, the primary key first and then the unique indexes in the order of
their names, on the rows as they will be; a row that has lost takes no part in later keys. Among rows that clash the
first by `policies.order` is kept. What clashed once may be part of a chain: the one kept for one key loses another,
and then whatever was to go to it goes to the last one standing.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.oracle.world import Key, Row, Table


class Entrant:
    """A row of a table as it was (`before`) and as it will be (`after`), and the entrant that won against it."""

    def __init__(self, table: Table, before: Row, after: Row) -> None:
        self.table = table
        self.before = before
        self.after = after
        self.lost_to: Entrant | None = None

    @property
    def pk(self) -> tuple[Any, ...]:
        return self.table.pk_of(self.before)

    def had(self, key: Key) -> bool:
        """Did the row have this key all along?"""
        return key_of(key, self.before) == key_of(key, self.after)

    @property
    def kept_instead(self) -> "Entrant":
        """The one that is left at the end of the chain."""
        return self.lost_to.kept_instead if self.lost_to else self


Order = Callable[[Entrant, Key], Any]


def keys_of(table: Table) -> list[Key]:
    by_name = sorted(table.keys, key=lambda key: key.name)
    return [Key("primary key", table.pk), *by_name]


def clashes(entrants: list[Entrant], key: Key, order: Order) -> list[list[Entrant]]:
    """Groups of those that would have the same key, the one to keep first in each."""
    groups = defaultdict(list)
    for entrant in entrants:
        if entrant.lost_to is None and (value := key_of(key, entrant.after)) is not None:
            groups[value].append(entrant)
    return [
        sorted(group, key=lambda one: order(one, key))
        for _, group in sorted(groups.items(), key=repr)
        if len(group) > 1
    ]


def judge(entrants: list[Entrant], table: Table, order: Order) -> list[tuple[Key, Entrant]]:
    """Says of each loser to whom it lost. Returns the losers, each with the key it lost."""
    losers = []
    for key in keys_of(table):
        for winner, *others in clashes(entrants, key, order):
            for other in others:
                other.lost_to = winner
                losers.append((key, other))
    return losers


def key_of(key: Key, row: Row) -> tuple[Any, ...] | None:
    """What the row has for the key; None where it can clash with nothing."""
    if not key.covers(row):
        return None
    values = tuple(column(row) if callable(column) else row[column] for column in key.columns)
    return values if key.nulls_equal or None not in values else None
