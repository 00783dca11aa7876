"""What happens to the child rows of discarded rows.

A child row is re-pointed to the row that was kept instead of its parent. If no row was kept, or if the child type is
declared to go with its parent, it is discarded with the parent. A re-pointed child row that conflicts with an existing
one is discarded too. Of re-pointed ones that conflict, the one whose parent came first among the losers is kept, and of
one parent's, the one with the lowest primary key. Child rows of a discarded child row follow the same rules. A row of a
detached child type that is not discarded for another reason loses its reference instead; it is counted as detached for
each pair for which its parent is discarded.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.harness.oracle.keys import Entrant, resolve
from tests.harness.oracle.world import Batch, Key, Outcome, Row
from transfers.rules import Child


class Removed(NamedTuple):
    """A discarded row, the row kept instead (if any), and the keys of the pairs for which it is counted.

    replaced: whether it was the target's, or belonged to a row that was. place: sorts
    the rows that lost to the same one.
    """

    row: Row
    kept: Row | None
    pairs: tuple[int, ...]
    replaced: bool
    place: Any = ()


class Orphans:
    """Re-points or discards the child rows of the discarded rows of one data type."""

    def __init__(self, outcome: Outcome, batch: Batch, data_type: str) -> None:
        self.outcome = outcome
        self.batch = batch
        self.data_type = data_type
        self.to_detach: list[tuple[Child, Sequence[Removed]]] = []

    def follow(self, children: Sequence[Child], removed: Sequence[Removed]) -> None:
        self.discard_below(children, removed)
        for child, parents in self.to_detach:
            self.detach(child, parents)

    def detach(self, child: Child, removed: Sequence[Removed]) -> None:
        column, referenced = columns_of(child)
        parents = {one.row[referenced]: one for one in removed}
        for row in self.outcome.world[table_of(child)]:
            if row[column] in parents:
                for pair in parents[row[column]].pairs:
                    self.outcome.count(pair, self.data_type, "detached")
                row[column] = None

    def discard_below(self, children: Sequence[Child], removed: Sequence[Removed]) -> None:
        self.to_detach += [(child, removed) for child in children if child.detached]
        for child in (child for child in children if not child.detached):
            discarded = self.sort_out(child, removed)
            for row in (one.row for one in discarded):
                self.outcome.world[table_of(child)].remove(row)
            self.discard_below(child.children, discarded)

    def sort_out(self, child: Child, removed: Sequence[Removed]) -> list[Removed]:
        """Re-point or discard each row of a child table whose parent was discarded; return the discarded rows."""
        rows = self.outcome.world[table_of(child)]
        column, referenced = columns_of(child)
        parents = {one.row[referenced]: one for one in removed}
        discarded, entrants = [], []
        for row in rows:
            parent = parents.get(row[column])
            if parent and (child.goes_with_parent or parent.kept is None):
                discarded.append(self.discard(child, row, None, parent))
            else:
                kept = {column: parent.kept[referenced]} if parent and parent.kept else {}
                entrants.append(Entrant(self.batch.tables[table_of(child)], row, {**row, **kept}))
        return discarded + self.adopt(child, entrants, parents)

    def adopt(self, child: Child, entrants: list[Entrant], parents: dict[Any, Removed]) -> list[Removed]:
        column, _ = columns_of(child)
        rows = self.outcome.world[table_of(child)]

        def order(one: Entrant, key: Key) -> Any:
            parent = parents.get(one.before[column])
            return (one.steps_to(key), parent.place if parent else (), one.pk)

        losers = resolve(entrants, self.batch.tables[table_of(child)], order)
        for one in entrants:
            if one.lost_to is None:
                rows[index_of(rows, one.before)] = one.after
        return [
            self.discard(child, one.before, one.kept_instead.after, parents[one.before[column]])
            for one in losers
        ]

    def discard(self, child: Child, row: Row, kept: Row | None, parent: Removed) -> Removed:
        for pair in parent.pairs:
            self.outcome.discard(table_of(child), "children", pair, row)
            self.outcome.count(pair, self.data_type, "children")
            if parent.replaced:
                self.outcome.count(pair, self.data_type, "replaced_children")
        return Removed(row, kept, parent.pairs, parent.replaced, parent.place)


def index_of(rows: list[Row], row: Row) -> int:
    return next(place for place, one in enumerate(rows) if one is row)


def table_of(child: Child) -> str:
    return child.model._meta.db_table


def columns_of(child: Child) -> tuple[str, str]:
    """Return the foreign key column of the child table, and the parent's column that it references."""
    link: Any = child.model._meta.get_field(child.field)
    return link.column, link.target_field.column
