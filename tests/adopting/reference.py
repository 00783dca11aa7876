"""What each system's own merge of two users leaves behind, row by row, written without the product.

A rule says for one table which columns name a person, which key has to stay unique, and which row survives on it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
World = dict[str, list[Row]]


def always(row: Row) -> bool:
    return True


@dataclass(frozen=True)
class Merge:
    """key: the unique key with a person in it, for rows with `where`. later: the later value of this column survives,
    otherwise the target's row. replaces: the source's rows replace all of the target's. children: tables whose column
    names a row that did not survive, and is pointed to the one that did. no_loops: a row that comes to join a person
    to itself goes.
    """

    people: Sequence[str] = ()
    lists: Sequence[str] = ()
    kinds: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    key: Sequence[str] = ()
    where: Callable[[Row], bool] = always
    later: str = ""
    replaces: bool = False
    children: Mapping[str, str] = field(default_factory=dict)
    id_column: str = "id"
    no_loops: bool = False


def merged(world: World, rules: Mapping[str, Merge], targets: Mapping[Any, Any]) -> World:
    """Return the tables after everything of each source has become its target's."""
    after = {table: [dict(row) for row in rows] for table, rows in world.items()}
    for table, rule in rules.items():
        rows = after[table]
        if rule.replaces:
            rows = without_replaced(rows, rule, targets)
        changed = [(row, renamed(row, rule, targets)) for row in rows]
        if rule.no_loops:
            changed = [pair for pair in changed if loops(pair[0], rule) or not loops(pair[1], rule)]
        after[table], survivors = unique(changed, rule)
        for child, column in rule.children.items():
            for row in after[child]:
                row[column] = survivors.get(row[column], row[column])
    return after


def loops(row: Row, rule: Merge) -> bool:
    return len({row[name] for name in rule.people}) == 1


def renamed(row: Row, rule: Merge, targets: Mapping[Any, Any]) -> Row:
    new = dict(row)
    for name in rule.people:
        new[name] = targets.get(row[name], row[name])
    for name, (kind_column, kind) in rule.kinds.items():
        if row[kind_column] == kind:
            new[name] = targets.get(row[name], row[name])
    for name in rule.lists:
        if row[name] is not None:
            new[name] = list(dict.fromkeys(targets.get(one, one) for one in row[name]))
    return new


def without_replaced(rows: list[Row], rule: Merge, targets: Mapping[Any, Any]) -> list[Row]:
    [column] = rule.people
    present = {row[column] for row in rows}
    replaced = {target for source, target in targets.items() if source in present}
    return [row for row in rows if row[column] not in replaced]


def unique(changed: Iterable[tuple[Row, Row]], rule: Merge) -> tuple[list[Row], dict[Any, Any]]:
    """Return the rows that survive, and for the others the id of the row that did instead."""
    found: list[tuple[Row, Row]] = []
    best: dict[tuple[Any, ...], int] = {}
    survivors: dict[Any, Any] = {}
    for old, new in changed:
        key = tuple(new[name] for name in rule.key)
        if not rule.key or None in key or not rule.where(new):
            found.append((old, new))
        elif key not in best:
            best[key] = len(found)
            found.append((old, new))
        else:
            one, other = found[best[key]], (old, new)
            kept, lost = (other, one) if beats(other, one, rule) else (one, other)
            found[best[key]] = kept
            if rule.id_column in lost[0]:
                survivors[lost[0][rule.id_column]] = kept[0][rule.id_column]
    return [new for _, new in found], survivors


def beats(one: tuple[Row, Row], other: tuple[Row, Row], rule: Merge) -> bool:
    """Return whether a row survives the other: by the later value, else because it is the target's and unchanged."""
    if rule.later and one[0][rule.later] != other[0][rule.later]:
        values = [pair[0][rule.later] for pair in (one, other)]
        return (None not in values and values[0] > values[1]) or values[1] is None
    return one[0] == one[1]
