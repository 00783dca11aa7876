"""The table of what a transfer does to each data type, in blocks: replaced, added, unchanged."""

from dataclasses import dataclass
from typing import Any

from django import template

from transfers.planning.impact import Impact, ImpactLine
from transfers.registry import data_types
from transfers.rules import all_children

register = template.Library()

# Attribute of a line -> heading. The last three are left out of a block in which they are all 0.
COLUMNS = {
    "source": "Source records",
    "target": "Target records",
    "moved": "Moved",
    "merged": "Merged",
    "dropped": "Dropped",
    "deleted": "Deleted",
}
ALWAYS_SHOWN = ("source", "target", "moved")


@dataclass(frozen=True)
class Column:
    """A column of numbers: one for each line of the block, and their total."""

    name: str
    heading: str
    numbers: list[int]

    @property
    def total(self) -> int:
        return sum(self.numbers)


@dataclass(frozen=True)
class Block:
    """Lines with the same outcome. In every line and in the totals: source = moved + merged + dropped.

    empty: the names of data types without any records.
    """

    lines: list[ImpactLine]
    empty: tuple[str, ...] = ()

    @property
    def types(self) -> int:
        return len(self.lines) + len(self.empty)

    @property
    def columns(self) -> list[Column]:
        columns = [
            Column(name, heading, [getattr(line, name) for line in self.lines])
            for name, heading in COLUMNS.items()
        ]
        return [column for column in columns if column.name in ALWAYS_SHOWN or column.total]

    @property
    def rows(self) -> list[tuple[ImpactLine, list[tuple[Column, int]]]]:
        columns = self.columns
        return [
            (line, [(column, column.numbers[n]) for column in columns]) for n, line in enumerate(self.lines)
        ]

    @property
    def impact(self) -> Impact:
        return Impact(tuple(self.lines))


@dataclass(frozen=True)
class ImpactBlocks:
    """replaced: records of the target are deleted. added: records of the source are moved, merged or dropped, and no
    record of the target is deleted. unchanged: the source has no records.
    """

    replaced: Block
    added: Block
    unchanged: Block


@register.simple_tag
def impact_blocks(impact: Impact) -> ImpactBlocks:
    seen = {line.data_type.key for line in impact.lines}
    blocks: dict[str, list[ImpactLine]] = {"replaced": [], "added": [], "unchanged": []}
    for line in impact.lines:
        blocks["replaced" if line.deleted else "added" if line.source else "unchanged"].append(line)
    empty = tuple(entry.name for entry in data_types() if entry.key not in seen)
    return ImpactBlocks(Block(blocks["replaced"]), Block(blocks["added"]), Block(blocks["unchanged"], empty))


@register.filter
def records_and_children(line: ImpactLine) -> str:
    """Return, for example, "96 agent schedules with 576 activities": what is deleted from the target."""
    meta = line.data_type.model._meta
    children = f"{line.replaced_children:,} {words_for_children(line)}"
    return f"{line.replaced:,} {meta.verbose_name_plural} with {children}"


def words_for_children(line: ImpactLine) -> str:
    """Return the name by which the type's only children are related to it, or "child records"."""
    children = [child for child in all_children(line.data_type.children) if not child.detached]
    if len(children) != 1:
        return "child records"
    relation: Any = children[0].model._meta.get_field(children[0].field).remote_field
    return (relation.related_name or "").rstrip("+").replace("_", " ") or "child records"
