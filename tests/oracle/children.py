"""What hangs on rows that are gone.

Children go to the row that was kept, unless they go with their parent or nothing was kept: then they are discarded
with it, for its reason. A child that comes to a row where it would clash, with one that hung there before or with one
that comes as well and has a lower primary key, is discarded as dropped. What hangs on a discarded child follows it by
the same rules.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.oracle.keys import Entrant, judge
from tests.oracle.policies import order_of
from tests.oracle.world import Batch, Outcome, Row
from transfers.rules import Child


class Gone(NamedTuple):
    """A row that is gone, the one that was kept in its place, if any, why, and the pairs it counts for."""

    row: Row
    kept: Row | None
    reason: str
    pairs: tuple[int, ...]


class Orphans:
    """The children of the rows of one data type that are gone."""

    def __init__(self, outcome: Outcome, batch: Batch, data_type: str) -> None:
        self.outcome = outcome
        self.batch = batch
        self.data_type = data_type

    def follow(self, children: Sequence[Child], gone: Sequence[Gone]) -> None:
        for child in children:
            leaving = self.sort_out(child, gone)
            for row in (one.row for one in leaving):
                self.outcome.world[table_of(child)].remove(row)
            self.follow(child.children, leaving)

    def sort_out(self, child: Child, gone: Sequence[Gone]) -> list[Gone]:
        """Adopts what can be adopted, and returns what goes."""
        rows = self.outcome.world[table_of(child)]
        column, referenced = columns_of(child)
        parents = {one.row[referenced]: one for one in gone}
        leaving, entrants = [], []
        for row in rows:
            parent = parents.get(row[column])
            if parent and (child.goes_with_parent or parent.kept is None):
                leaving.append(self.discard(child, row, None, parent.reason, parent))
            else:
                kept = {column: parent.kept[referenced]} if parent and parent.kept else {}
                entrants.append(Entrant(self.batch.tables[table_of(child)], row, {**row, **kept}))
        return leaving + self.adopt(child, entrants, parents)

    def adopt(self, child: Child, entrants: list[Entrant], parents: dict[Any, Gone]) -> list[Gone]:
        column, _ = columns_of(child)
        rows = self.outcome.world[table_of(child)]
        losers = [one for _, one in judge(entrants, self.batch.tables[table_of(child)], order_of(None))]
        for one in entrants:
            if one.lost_to is None:
                rows[index_of(rows, one.before)] = one.after
        return [
            self.discard(child, one.before, one.kept_instead.after, "dropped", parents[one.before[column]])
            for one in losers
        ]

    def discard(self, child: Child, row: Row, kept: Row | None, reason: str, parent: Gone) -> Gone:
        self.outcome.discard(table_of(child), reason, parent.pairs[0], row)
        for pair in parent.pairs:
            self.outcome.count(pair, self.data_type, "children")
        return Gone(row, kept, reason, parent.pairs)


def index_of(rows: list[Row], row: Row) -> int:
    return next(place for place, one in enumerate(rows) if one is row)


def table_of(child: Child) -> str:
    return child.model._meta.db_table


def columns_of(child: Child) -> tuple[str, str]:
    """The column of the child, and the column of the parent that it holds."""
    link: Any = child.model._meta.get_field(child.field)
    return link.column, link.target_field.column
