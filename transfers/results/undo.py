"""What became of a transfer: whether it can be undone, and what its undo left as it is."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from transfers.models import PairState, Transfer, TransferPair, UndoConflict
from transfers.models.transfer import OPEN, RESULTS
from transfers.registry import data_types
from transfers.results.undo_deadline import day, in_time, last_day
from transfers.validation.undo import problem_kinds as undo_kinds
from wording.problems import Problem, Sentence


def refusal_of(transfer: Transfer) -> Problem | None:
    """Return why a transfer as a whole cannot be undone, or None if it can."""
    if transfer.is_undo:
        return undo_kinds.IS_UNDO(transfer=transfer.number)
    if transfer.state in OPEN:
        return undo_kinds.STILL_OPEN(transfer=transfer.number)
    if transfer.state not in RESULTS or not pairs_to_undo(transfer).exists():
        return undo_kinds.NOTHING_LEFT(transfer=transfer.number)
    return too_late(transfer)


def too_late(transfer: Transfer) -> Problem | None:
    last = last_day(transfer)
    if last is None:
        return (
            undo_kinds.FORGOTTEN(transfer=transfer.number)
            if settings.UNDO_DAYS
            else undo_kinds.SWITCHED_OFF()
        )
    if in_time(transfer):
        return None
    return undo_kinds.TOO_OLD(transfer=transfer.number, until=Sentence(day(last)))


def pairs_to_undo(transfer: Transfer) -> QuerySet[TransferPair]:
    """Return the succeeded pairs that are not undone."""
    return TransferPair.objects.filter(transfer=transfer, state=PairState.SUCCEEDED, undone_by=None)


@dataclass(frozen=True)
class UndoneNumbers:
    """Numbers of succeeded pairs of a transfer that are undone, and that could be undone."""

    undone: int
    left: int

    @property
    def word(self) -> str:
        return undone_word(self.undone, self.undone + self.left)


def undone_numbers(transfer: Transfer) -> UndoneNumbers:
    succeeded = TransferPair.objects.filter(transfer=transfer, state=PairState.SUCCEEDED)
    undone = Q(undone_by__isnull=False)
    return UndoneNumbers(
        **succeeded.aggregate(undone=Count("id", filter=undone), left=Count("id", filter=~undone))
    )


def undone_word(undone: int, succeeded: int) -> str:
    """Return "Undone" or "Undone in part" for a transfer, or "" if none of its pairs is undone."""
    if not undone:
        return ""
    return "Undone" if undone >= succeeded else "Undone in part"


@dataclass(frozen=True)
class LeftRecord:
    """A record that an undo left as it is (`UndoConflict`), with the names for people."""

    pair: TransferPair
    data_type: str
    table: str
    key: str
    why: str


def left_records(transfer: Transfer) -> QuerySet[UndoConflict]:
    """Return the records that an undo left, or because of which it left a pair as it is, in the order of the rows."""
    conflicts = UndoConflict.objects.filter(pair__transfer=transfer).select_related("pair")
    return conflicts.order_by("pair__row_number", "pk")


def in_words(conflicts: Iterable[UndoConflict]) -> Iterable[LeftRecord]:
    names = {entry.key: entry.name for entry in data_types()}
    for found in conflicts:
        name = names.get(found.data_type, found.data_type)
        yield LeftRecord(found.pair, name, found.table, found.key or "–", found.get_why_display())
