"""The impact of a transfer: how many records of each data type are moved, merged, dropped or deleted."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from transfers.engine.stage import Counts
from transfers.registry import data_types
from transfers.rules import DataType, keeping_target


@dataclass(frozen=True)
class ImpactLine:
    """Numbers of records of one data type.

    `source` = `moved` + `dropped` + `merged`. `replaced` is the number of target records that are deleted, `children`
    the number of child rows deleted with replaced, dropped or merged records, `replaced_children` the number of those
    that belonged to replaced records, `detached` the number of rows that stay but no longer refer to a deleted record,
    and `same_user` the number of moved records that have or would have one user in two roles
    (`DataType.words_for_same_user`). `unfit`, `misfit` and `shared` are the numbers of source records that
    cannot hold the target (`transfers.engine.compiler.totals`), and `nameless` is that of records for which
    `Rename` finds no free name; they prevent the transfer of the pair. So does `refused`, which is 1 if the database
    refuses to compare the records.
    """

    data_type: DataType
    source: int = 0
    target: int = 0
    moved: int = 0
    dropped: int = 0
    merged: int = 0
    replaced: int = 0
    children: int = 0
    replaced_children: int = 0
    detached: int = 0
    same_user: int = 0
    unfit: int = 0
    misfit: int = 0
    shared: int = 0
    nameless: int = 0
    refused: int = 0

    @property
    def transferred(self) -> int:
        """Number of the source's records that reach the target, moved or merged into a record of the target."""
        return self.moved + self.merged

    @property
    def deleted(self) -> int:
        """Number of records deleted from the target, including their child rows."""
        return self.replaced + self.replaced_children

    @property
    def dropped_children(self) -> int:
        """Number of child rows deleted with dropped or merged records of the source."""
        return self.children - self.replaced_children

    @property
    def kept(self) -> bool:
        """True if the target keeps its records of an overwritten type, because the source has none.

        See docs/rules.md, decision 2.
        """
        return self.data_type.overwrites and self.target > 0 and not self.source


@dataclass(frozen=True)
class Impact:
    """The impact on each data type, in the order of the registry. Types without records are left out."""

    lines: tuple[ImpactLine, ...] = ()

    @cached_property
    def source(self) -> int:
        return sum(line.source for line in self.lines)

    @cached_property
    def transferred(self) -> int:
        return sum(line.transferred for line in self.lines)

    @cached_property
    def moved(self) -> int:
        return sum(line.moved for line in self.lines)

    @cached_property
    def merged(self) -> int:
        return sum(line.merged for line in self.lines)

    @cached_property
    def dropped(self) -> int:
        return sum(line.dropped for line in self.lines)

    @cached_property
    def deleted_children(self) -> int:
        """Number of child records among the deleted ones."""
        return sum(line.replaced_children for line in self.lines)

    @cached_property
    def dropped_children(self) -> int:
        return sum(line.dropped_children for line in self.lines)

    @cached_property
    def deleted(self) -> int:
        return sum(line.deleted for line in self.lines)


def impact_of(counts: Counts, *, keep_target: bool = False) -> Impact:
    """Return the impact of stored or predicted counts. Types that no installed app declares any more are left out.

    keep_target: the counts are those of late arrivals, which never overwrite records of the target.
    """
    entries = (keeping_target(entry) if keep_target else entry for entry in data_types())
    return Impact(tuple(ImpactLine(entry, **counts[entry.key]) for entry in entries if entry.key in counts))


def add_up(many: Iterable[Counts]) -> Counts:
    totals: Counts = {}
    for counts in many:
        for data_type, numbers in counts.items():
            total = totals.setdefault(data_type, {})
            for what, n in numbers.items():
                total[what] = total.get(what, 0) + n
    return totals
