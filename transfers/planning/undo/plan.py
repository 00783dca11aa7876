"""The plan of an undo: its pairs, their problems, and what goes back, is restored, stays or was changed since."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accounts.models import User
from transfers.engine.stage import Counts
from transfers.engine.undo.prediction import Conflict, Prediction, UndonePair, predict_undo
from transfers.models import DraftRow, Transfer, TransferPair, UndoConflict
from transfers.planning.impact import add_up
from transfers.planning.planned import Plan, PlannedPair
from transfers.planning.row_results import status_of
from transfers.planning.undo.impact import UndoImpact, undo_impact_of
from transfers.registry import data_types
from transfers.validation import CandidateRow, Facts, gather
from transfers.validation.links import listed
from transfers.validation.undo import problem_kinds as undo_kinds
from transfers.validation.undo.checking import check_undo_rows, check_undoable
from wording.problems import Problem, Sentence

CONFLICTS_SHOWN = 10  # of each pair; the result lists all


@dataclass(frozen=True)
class PlannedUndo(PlannedPair):
    """A pair of an undo. `undoes`: see `TransferPair`. The other fields: see `Prediction`."""

    undoes: tuple[int, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    shared_with: tuple[int, ...] = ()

    @property
    def looks_backwards(self) -> bool:
        """False: the target of an undo has usually left."""
        return False

    @cached_property
    def numbers(self) -> UndoImpact:
        return undo_impact_of(self.counts)

    @cached_property
    def weight(self) -> int:
        return sum(line.changes for line in self.numbers.lines)


@dataclass(frozen=True)
class UndoPlan(Plan):
    """What an undo would do. `leaves_changed`: see `Transfer`."""

    rows: tuple[PlannedUndo, ...]
    leaves_changed: bool = False

    @cached_property
    def totals(self) -> UndoImpact:  # type: ignore[override]
        return undo_impact_of(add_up(pair.counts for pair in self.pairs))

    @property
    def about_all(self) -> list[str]:
        return ["undo", *["leaves changed"] * self.leaves_changed]


def undo_plan_of(draft: Transfer, by: User, *, at_once: int | None = None) -> UndoPlan:
    """Return the current plan of an undo's draft, for the person who would run it.

    at_once: use the stored predictions; if some are missing, predict again unless there are more pairs than this. None:
    predict all pairs now. All pairs are predicted together, because they may share rows. The number of queries does not
    depend on the number of pairs.
    """
    rows = list(draft.rows.exclude(status=DraftRow.Status.CLEARED))
    pairs = undone_pairs(draft, rows)
    undoing = check_undoable(by, list(pairs.values()))
    facts = gather(by, {user for row in rows for user in (row.from_id, row.to_id) if user})
    of_users = check_undo_rows([CandidateRow(row.number, row.from_id, row.to_id) for row in rows], facts)
    found = {row.number: [*of_users[row.number], *undoing[pairs[row.number].pk].problems] for row in rows}
    undoes = {row.number: undoing[pairs[row.number].pk].undoes for row in rows}
    ready = [row for row in rows if not any(problem.severity.blocks for problem in found[row.number])]
    predictions = predictions_of(draft, ready, undoes, at_once)
    if not draft.leaves_changed:
        for number, problem in check_predicted(predictions, undoes):
            found[number].append(problem)
    planned = (
        planned_undo(row, facts, found[row.number], undoes[row.number], predictions.get(row.number))
        for row in rows
    )
    return UndoPlan(
        tuple(planned), uncounted=len(ready) - len(predictions), leaves_changed=draft.leaves_changed
    )


def undone_pairs(draft: Transfer, rows: Iterable[DraftRow]) -> dict[int, TransferPair]:
    """Return the pairs of the undone transfer by row number. A row of the undo has the number of its pair."""
    pairs = TransferPair.objects.filter(transfer=draft.undoes, row_number__in=[row.number for row in rows])
    return {pair.row_number: pair for pair in pairs}


def predictions_of(
    draft: Transfer, rows: Sequence[DraftRow], undoes: Mapping[int, tuple[int, ...]], at_once: int | None
) -> dict[int, Prediction]:
    """Return the predictions by row number: the stored ones, new ones, or {} if there are too many to predict now."""
    stored = {row.number: stored_prediction(row) for row in rows if row.counts is not None}
    if at_once is not None and len(stored) == len(rows):
        return stored
    if at_once is not None and len(rows) > at_once:
        return {}
    pairs = [
        UndonePair(row.number, row.from_id, row.to_id, undoes[row.number])
        for row in rows
        if row.from_id and row.to_id
    ]
    return predict_undo(pairs, leave_changed=draft.leaves_changed) if pairs else {}


def stored_prediction(row: DraftRow) -> Prediction:
    stored = row.impact or {}
    conflicts = tuple(Conflict(*conflict) for conflict in stored["conflicts"])
    return Prediction(row.counts or {}, conflicts, tuple(stored["shared_with"]), stored["is_complete"])


def check_predicted(
    predictions: Mapping[int, Prediction], undoes: Mapping[int, tuple[int, ...]]
) -> Iterable[tuple[int, Problem]]:
    """Yield, by row number, why a pair is not undone if records that were changed since must not be left."""
    given = {pk for number in predictions for pk in undoes[number]}
    missing = {number: set(found.shared_with) - given for number, found in predictions.items()}
    partners = TransferPair.objects.in_bulk({pk for pks in missing.values() for pk in pks})
    for number, prediction in predictions.items():
        rows = [partners[pk].row_number for pk in missing[number] if pk in partners]
        if rows:
            yield number, undo_kinds.SHARED(row=number, rows=Sentence(rows_in_words(rows)))
        if is_changed(prediction, is_shared=bool(rows)):
            yield (
                number,
                undo_kinds.CHANGED_SINCE(row=number, what=Sentence(left_in_words(prediction.counts))),
            )


def rows_in_words(rows: Iterable[int]) -> str:
    numbers = sorted(set(rows))
    return f"row{'s' if len(numbers) > 1 else ''} {listed(numbers)}"


def is_changed(prediction: Prediction, *, is_shared: bool) -> bool:
    """Return whether records cannot be given back for another reason than that they are shared with another pair."""
    if is_shared:
        return any(found.why != UndoConflict.Why.SHARED for found in prediction.conflicts)
    return any(numbers.get("left") for numbers in prediction.counts.values())


def left_in_words(counts: Counts) -> str:
    """Return, for example, "Agent Schedules (3), CCRs (1)"."""
    names = {entry.key: entry.name for entry in data_types()}
    found = [
        f"{names.get(key, key)} ({numbers['left']:,})"
        for key, numbers in sorted(counts.items())
        if numbers.get("left")
    ]
    return ", ".join(found)


def planned_undo(
    row: DraftRow,
    facts: Facts,
    problems: Iterable[Problem],
    undoes: tuple[int, ...],
    prediction: Prediction | None,
) -> PlannedUndo:
    incomplete = (
        [] if prediction is None or prediction.is_complete else [undo_kinds.INCOMPLETE(row=row.number)]
    )
    return PlannedUndo(
        row.number,
        row.from_id,
        row.to_id,
        facts.users.get(row.from_id or 0),
        facts.users.get(row.to_id or 0),
        (*incomplete, *problems),
        prediction.counts if prediction else {},
        prediction is not None,
        undoes,
        prediction.conflicts if prediction else (),
        prediction.shared_with if prediction else (),
    )


def undo_row_result(row: PlannedUndo) -> dict[str, Any]:
    """Return the result to store (`row_results`). The prediction is stored even if it reveals an error."""
    numbers = row.numbers
    impact = {
        "transferred": numbers.returned,
        "deleted": 0,
        "restored": numbers.restored,
        "reverted": numbers.reverted,
        "stays": numbers.stays,
        "left": sum(found.get("left", 0) for found in row.counts.values()),
        "shared_with": row.shared_with,
        "conflicts": row.conflicts[:CONFLICTS_SHOWN],
        "is_complete": not any(problem.code == undo_kinds.INCOMPLETE.code for problem in row.problems),
    }
    return {
        "number": row.row_number,
        "status": status_of(row.problems),
        "problems": [problem.to_json() for problem in row.problems],
        "counts": row.counts if row.is_counted else None,
        "impact": impact if row.is_counted else None,
    }
