"""Transfers and their pairs, the rows of an uploaded file, and discarded rows."""

from transfers.models.discarded_row import DiscardedRow
from transfers.models.draft import DraftRow
from transfers.models.pair import PairState, TransferPair
from transfers.models.transfer import FINAL, MOVES, OPEN, Kind, Participant, State, Transfer

__all__ = [
    "FINAL",
    "MOVES",
    "OPEN",
    "DiscardedRow",
    "DraftRow",
    "Kind",
    "PairState",
    "Participant",
    "State",
    "Transfer",
    "TransferPair",
]
