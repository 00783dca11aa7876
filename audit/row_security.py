"""Row-level security of this app's tables."""

from audit.models import AuditEvent, AuditSeal, AuditWaiting
from tenancy.policies import protect

protect(AuditEvent, tenant="tenant_id", rights=("SELECT", "INSERT"))
# Only database functions that run as the owner write these two (audit/migrations/0001_audit.sql).
protect(AuditSeal, tenant="tenant_id", rights=("SELECT",))
protect(AuditWaiting, tenant="tenant_id", rights=("SELECT",))
