"""Row-level security of this app's tables."""

from audit.models import AuditEvent, AuditSeal, AuditWaiting
from tenancy.policies import protect

protect(AuditEvent, tenant="tenant_id", rights=("SELECT", "INSERT"))
# The next two tables are written only by database functions that run as the tables' owner (migrations/0001_audit.sql).
protect(AuditSeal, tenant="tenant_id", rights=("SELECT",))
protect(AuditWaiting, tenant="tenant_id", rights=("SELECT",))
