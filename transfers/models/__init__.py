"""Transfers and their pairs, the rows of an uploaded file, the audit log, and what was discarded."""

from transfers.models.audit import AuditEvent, AuditSeal, AuditWaiting
from transfers.models.discarded import DiscardedRow
from transfers.models.draft import DraftRow
from transfers.models.pair import PairState, TransferPair
from transfers.models.transfer import FINAL, MOVES, OPEN, Kind, Participant, State, Transfer

__all__ = [
    "FINAL",
    "MOVES",
    "OPEN",
    "AuditEvent",
    "AuditSeal",
    "AuditWaiting",
    "DiscardedRow",
    "DraftRow",
    "Kind",
    "PairState",
    "Participant",
    "State",
    "Transfer",
    "TransferPair",
]
