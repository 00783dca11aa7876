"""Row-level security of this app's tables. Record tables have no tenant: see `docs/decisions/row-level-security.md`."""

from tenancy.policies import protect
from transfers.models import DiscardedRow, DraftRow, Participant, Transfer, TransferPair

protect(Transfer, tenant="tenant_id")
# A user who was moved to another tenant must not prevent the pair from being marked as failed.
protect(TransferPair, through="transfer", once=("source", "target"))
protect(Participant, through="transfer")
protect(DraftRow, through="transfer")
protect(DiscardedRow, tenant="tenant_id")
