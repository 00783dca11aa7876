"""Which rows conflict on a unique key, and which of them is kept.

Conflicts are resolved on one key of a table after the other: on the primary key first, then on the unique indexes by
name. Rows are compared as they are after sources are replaced by targets. A row that has lost on one key is ignored for
later keys. Of the rows that conflict on a key, the first in the order of `policies.order_of` is kept. If the winner on
one key loses on another, the rows that lost to it take part in another round, in which it does not.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.harness.oracle.world import Key, Row, Table


class Entrant:
    """A row that may conflict: its values before and after sources are replaced by targets, and the row it lost to.

    place: sorts the rows that lost to the same one.
    """

    def __init__(self, table: Table, before: Row, after: Row, pairs: "PairsOf" = lambda _: 0) -> None:
        """pairs: returns the number of pairs whose source the row has in such a column."""
        self.table = table
        self.before = before
        self.after = after
        self.pairs = pairs
        self.lost_to: Entrant | None = None
        self.place: Any = ()

    @property
    def pk(self) -> tuple[Any, ...]:
        return self.table.pk_of(self.before)

    def steps_to(self, key: Key) -> int:
        """Return 0 if the row had the same value of this key before sources were replaced by targets.

        Otherwise return the number of pairs and of the key's columns that change, or 1.
        """
        if key_of(key, self.before) == key_of(key, self.after):
            return 0
        is_computed = not all(isinstance(column, str) for column in key.columns)

        def is_compared(column: str) -> bool:
            return is_computed or column in key.columns

        changed = [column for column, value in self.after.items() if value != self.before[column]]
        return max(1, self.pairs(is_compared) + sum(map(is_compared, changed)))

    @property
    def kept_instead(self) -> "Entrant":
        return self.lost_to or self


Order = Callable[[Entrant, Key], Any]
PairsOf = Callable[[Callable[[str], bool]], int]


def keys_of(table: Table) -> list[Key]:
    by_name = sorted(table.keys, key=lambda key: key.name)
    return [Key("primary key", table.pk), *by_name]


def conflicts(entrants: list[Entrant], key: Key, order: Order) -> list[list[Entrant]]:
    """Group the entrants that have the same value of the key, and sort each group so that the one to keep comes first.

    Entrants that have already lost, and groups of one, are left out.
    """
    groups = defaultdict(list)
    for entrant in entrants:
        if entrant.lost_to is None and (value := key_of(key, entrant.after)) is not None:
            groups[value].append(entrant)
    return [
        sorted(group, key=lambda one: order(one, key))
        for _, group in sorted(groups.items(), key=repr)
        if len(group) > 1
    ]


def resolve(entrants: list[Entrant], table: Table, order: Order) -> list[Entrant]:
    """Set `lost_to` and `place` of each entrant that loses a conflict, and return these losers."""
    while True:
        for key in keys_of(table):
            for winner, *others in conflicts(entrants, key, order):
                for other in others:
                    other.lost_to, other.place = winner, order(other, key)
        again = [one for one in entrants if one.lost_to and one.lost_to.lost_to]
        if not again:
            return [one for one in entrants if one.lost_to]
        for one in again:
            one.lost_to = None


def key_of(key: Key, row: Row) -> tuple[Any, ...] | None:
    """Return the row's value of the key, or None if the row cannot conflict on it."""
    if not key.covers(row):
        return None
    values = tuple(column(row) if callable(column) else row[column] for column in key.columns)
    return values if key.nulls_equal or None not in values else None
