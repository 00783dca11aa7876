"""Divide the pairs of a transfer into units that run in one transaction."""

from collections.abc import Iterable, Sequence

from transfers.engine.undo.prediction import joint_groups
from transfers.planning.planned import PlannedPair
from transfers.planning.undo.plan import PlannedUndo


def units_of(pairs: Sequence[PlannedPair]) -> list[list[PlannedPair]]:
    """Return the pairs in lists, in the order of the first pair of each.

    Each pair is alone, except that pairs of an undo are together if they can be undone only together.
    """
    undone = {pk: pair for pair in pairs if isinstance(pair, PlannedUndo) for pk in pair.undoes}
    unit_of = {pair.row_number: [pair] for pair in pairs}
    for group in joint_groups(list(undone)) if undone else ():
        unite(unit_of, [undone[pk] for pk in group if pk in undone])
    return list({id(unit): unit for unit in unit_of.values()}.values())


def unite(unit_of: dict[int, list[PlannedPair]], members: Iterable[PlannedPair]) -> None:
    """Put the units of these pairs together, in the order of their rows."""
    units = {id(unit): unit for member in members for unit in [unit_of[member.row_number]]}
    united = sorted((pair for unit in units.values() for pair in unit), key=lambda pair: pair.row_number)
    for pair in united:
        unit_of[pair.row_number] = united
