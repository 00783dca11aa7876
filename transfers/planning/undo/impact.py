"""The numbers of an undo: how many records of each data type go back, are restored, stay or are left."""

from dataclasses import dataclass, fields
from functools import cached_property

from transfers.engine.stage import Counts
from transfers.registry import data_types
from transfers.rules import DataType


@dataclass(frozen=True)
class UndoLine:
    """Numbers of records of one data type.

    `returned` records go back to the undo's target. `restored` are deleted records that return, `children` their child
    rows. `reverted` records get the values that they had. `left` records stay as they are, because they were changed
    since. From `added` records, what was added to a sum is subtracted. `stays` are records of the undo's source that
    the transfer did not bring.
    """

    data_type: DataType
    returned: int = 0
    restored: int = 0
    children: int = 0
    reverted: int = 0
    left: int = 0
    added: int = 0
    stays: int = 0

    @property
    def changes(self) -> int:
        """Number of records that the undo has to process."""
        return self.returned + self.restored + self.children + self.reverted + self.left + self.added


NUMBERS = tuple(field.name for field in fields(UndoLine) if field.name != "data_type")


@dataclass(frozen=True)
class UndoImpact:
    """The numbers of each data type, in the order of the registry. Types without records are left out.

    `transferred` and `deleted` are what the confirmation compares, as for `Impact`.
    """

    lines: tuple[UndoLine, ...] = ()

    @cached_property
    def returned(self) -> int:
        return sum(line.returned for line in self.lines)

    @cached_property
    def restored(self) -> int:
        """Number of deleted records that return, including child rows."""
        return sum(line.restored + line.children for line in self.lines)

    @cached_property
    def children(self) -> int:
        return sum(line.children for line in self.lines)

    @cached_property
    def reverted(self) -> int:
        return sum(line.reverted + line.added for line in self.lines)

    @cached_property
    def left(self) -> int:
        return sum(line.left for line in self.lines)

    @cached_property
    def stays(self) -> int:
        return sum(line.stays for line in self.lines)

    @cached_property
    def added(self) -> int:
        return sum(line.added for line in self.lines)

    @property
    def transferred(self) -> int:
        return self.returned

    @property
    def deleted(self) -> int:
        return 0


def undo_impact_of(counts: Counts) -> UndoImpact:
    """Return the numbers of stored or predicted counts. Types that no installed app declares any more are left out."""
    return UndoImpact(
        tuple(undo_line(entry, counts[entry.key]) for entry in data_types() if entry.key in counts)
    )


def undo_line(entry: DataType, numbers: dict[str, int]) -> UndoLine:
    return UndoLine(entry, **{name: numbers[name] for name in NUMBERS if name in numbers})
