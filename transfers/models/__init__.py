"""Transfers and their pairs, the rows of an uploaded file, and the journal of what transfers did to the records."""

from transfers.models.draft import DraftRow
from transfers.models.journal_entry import JournalEntry
from transfers.models.number import LastNumber
from transfers.models.pair import PairState, TransferPair
from transfers.models.rehearsal import Rehearsal
from transfers.models.transfer import FINAL, MOVES, OPEN, Kind, Participant, State, Transfer
from transfers.models.undo_conflict import UndoConflict

__all__ = [
    "FINAL",
    "MOVES",
    "OPEN",
    "DraftRow",
    "JournalEntry",
    "Kind",
    "LastNumber",
    "PairState",
    "Participant",
    "Rehearsal",
    "State",
    "Transfer",
    "TransferPair",
    "UndoConflict",
]
