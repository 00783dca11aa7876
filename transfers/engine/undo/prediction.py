"""Predict what an undo would do, with the same decisions as the run. Nothing is written to record tables."""

from collections.abc import Sequence
from typing import NamedTuple

from transfers.engine.stage import Counts


class UndonePair(NamedTuple):
    """A pair of an undo. `undoes`: see `TransferPair`."""

    key: int
    source_id: int
    target_id: int
    undoes: tuple[int, ...]


class Conflict(NamedTuple):
    """A row that would stay as it is. The fields are those of `UndoConflict`."""

    data_type: str
    table: str
    key: str
    n: int
    why: str


class Prediction(NamedTuple):
    """What the undo of one pair would do."""

    counts: Counts
    conflicts: tuple[Conflict, ...]
    shared_with: tuple[int, ...]
    is_complete: bool


def predict_undo(pairs: Sequence[UndonePair], *, leave_changed: bool) -> dict[int, Prediction]:
    return {pair.key: Prediction({}, (), (), True) for pair in pairs}


def joint_groups(pair_ids: Sequence[int]) -> list[set[int]]:
    return []
