"""Row-level security of this app's tables, but not of record tables: see `docs/decisions/row-level-security.md`."""

from tenancy.policies import protect
from transfers.models import (
    DraftRow,
    JournalEntry,
    LastNumber,
    Participant,
    Rehearsal,
    Transfer,
    TransferPair,
    UndoConflict,
)

protect(Transfer, tenant="tenant_id")
protect(LastNumber, tenant="tenant_id")
# The users' tenant is checked on INSERT only: a pair whose user has left the tenant must still be marked as failed.
protect(TransferPair, through="transfer", once=("source", "target"))
protect(Participant, through="transfer")
protect(DraftRow, through="transfer")
protect(Rehearsal, through="transfer")
protect(UndoConflict, through="pair")
protect(JournalEntry, tenant="tenant_id")
