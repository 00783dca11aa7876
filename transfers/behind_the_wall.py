"""Where the tables of this app stand. The record tables have no tenant: see `docs/decisions/second-wall.md`."""

from accounts.row_security import stands_behind
from transfers.models import (
    AuditEvent,
    AuditSeal,
    AuditWaiting,
    DiscardedRow,
    DraftRow,
    Participant,
    Transfer,
    TransferPair,
)

stands_behind(Transfer, tenant="tenant_id")
# A user who went to another tenant meanwhile must not keep the pair from being marked as failed.
stands_behind(TransferPair, through="transfer", once=("source", "target"))
stands_behind(Participant, through="transfer")
stands_behind(DraftRow, through="transfer")
stands_behind(DiscardedRow, tenant="tenant_id")
stands_behind(AuditEvent, tenant="tenant_id", rights=("SELECT", "INSERT"))
# The database's own functions write these two, as the owner of the tables (transfers/migrations/0001_audit.sql).
stands_behind(AuditSeal, tenant="tenant_id", rights=("SELECT",))
stands_behind(AuditWaiting, tenant="tenant_id", rights=("SELECT",))
