"""Which of the conflicting rows is kept, how their values are combined ("folded"), and which new name is free.

The first of the conflicting rows is kept. Rows that had the value of the key before sources were replaced by targets
come before rows that get it by the replacement, of which those with less to change come first; equal ones are sorted by
primary key. KeepSource reverses this order, but not that of the primary key. Latest and Best sort by their column
first, with NULL, or a value that is not in the ranking, at the end.
"""

from typing import Any

from tests.harness.oracle.keys import Entrant, Order, conflicts, keys_of
from tests.harness.oracle.world import Key, Row, Table
from transfers.rules import (
    Best,
    Concatenate,
    FillBlank,
    Fold,
    KeepSource,
    Latest,
    Max,
    Merge,
    Min,
    Or,
    Policy,
    Rename,
    Sum,
)


def order_of(policy: Policy | None) -> Order:
    def order(entrant: Entrant, key: Key) -> Any:
        arrives = entrant.steps_to(key)
        if isinstance(policy, KeepSource):
            return (-arrives, entrant.pk)
        if isinstance(policy, Latest):
            value = entrant.after[policy.by]
            return (value is None, Descending(value), arrives, entrant.pk)
        if isinstance(policy, Best):
            value = entrant.after[policy.by]
            place = policy.ranking.index(value) if value in policy.ranking else len(policy.ranking)
            return (place, arrives, entrant.pk)
        return (arrives, entrant.pk)

    return order


class Descending:
    """A value whose sort order is reversed."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Descending) and bool(self.value == other.value)

    def __lt__(self, other: "Descending") -> bool:
        return bool(self.value > other.value)


# --- Folds: all losers of one winner together, in the order in which the policy sorted them


def fold_losers(policy: Merge, entrants: list[Entrant]) -> None:
    for winner in entrants:
        losers = [one for one in entrants if one.lost_to and one.kept_instead is winner]
        if losers and winner.lost_to is None:
            rows = [one.before for one in sorted(losers, key=lambda one: one.place)]
            winner.after = folded(policy.columns, winner.after, rows, winner.table)


def folded(columns: Any, kept: Row, others: list[Row], table: Table) -> Row:
    return {
        **kept,
        **{
            name: fold(how, [row[name] for row in (kept, *others)], name, table)
            for name, how in columns.items()
        },
    }


def fold(how: Fold, values: list[Any], column: str, table: Table) -> Any:
    """Combine the values of a column into one. The kept row's value comes first. None (NULL) means no value."""
    known = [value for value in values if value is not None]
    filled = [value for value in known if value != ""]
    if isinstance(how, FillBlank):
        return filled[0] if filled else values[0]
    if isinstance(how, Concatenate):
        return how.separator.join(filled)[: table.length.get(column)] if filled else values[0]
    if not known:
        return None
    if isinstance(how, Sum):
        limit = 2 ** (table.bits[column] - 1)
        return max(-limit, min(limit - 1, sum(known)))
    return {Max: max, Min: min, Or: any}[type(how)](known)


# --- Names


def rename(policy: Rename, entrants: list[Entrant], table: Table) -> None:
    """Give the k-th loser of each conflict the k-th free name "Name (n)", n from 2, with "Name" cut to fit the column.

    A name is free if no row had it before the renaming and no renamed row has been given it.
    """
    order = order_of(policy)
    for key in keys_of(table):
        if policy.field not in key.columns:
            continue
        groups = conflicts(entrants, key, order)
        taken = {tuple(one.after[column] for column in key.columns) for one in entrants}
        for _, *losers in groups:
            for loser in losers:
                loser.after = with_free_name(policy.field, loser.after, key, taken, table)


def with_free_name(field: str, row: Row, key: Key, taken: set[tuple[Any, ...]], table: Table) -> Row:
    n = 2
    while True:
        ending = f" ({n})"
        renamed = {**row, field: row[field][: table.length[field] - len(ending)] + ending}
        value = tuple(renamed[column] for column in key.columns)
        if value not in taken:
            taken.add(value)
            return renamed
        n += 1
