"""The hash chains of the audit log, one per tenant, which make every change to a sealed event detectable.

Pages and workers only insert events. Later, a sealer takes the committed events of a tenant that are not sealed yet and
appends a seal; only one sealer runs per tenant at a time. The sealer is the database function `audit_seal`
(0001_audit.sql), which runs as the owner of the tables; the application's role can only call it. The verification
recomputes the digests with the SQL below.

A seal's digest is the SHA-256 of the previous seal's digest (nothing for the first seal), the text "<tenant id> <seal
number> <time> <event id>,<event id>,…", and the digests of its events in the order of their ids. An event's digest is
the SHA-256 of its columns as a JSON array. Times are in microseconds since 1970. For an event that disappeared before
it was sealed, the digest is that of the empty string. Reasons and costs: `docs/decisions/audit-chain.md`.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from audit.log_context import log_errors
from audit.models import AuditSeal, AuditWaiting
from tenancy.context import all_tenants_context, tenant_context

log = logging.getLogger(__name__)

LARGEST_SEAL = (
    1000  # events per seal; `audit_seal` accepts no more, and the verification reads one seal at a time
)
LOCK = 0x5EA1 << 48  # `audit_seal` takes the advisory lock with this number plus the tenant's id

# SQL for the digest of the event `e`, a row of audit_auditevent. A test checks that every column is included.
DIGEST_OF_EVENT = """sha256(convert_to(jsonb_build_array(
    e.id, e.tenant_id, (extract(epoch FROM e.at) * 1000000)::bigint, e.kind, e.actor_id, e.actor_name,
    host(e.address), e.transfer_number, e.pair_id, e.details
)::text, 'UTF8'))"""

# SQL for the digest of the seal `s`, where `before.digest` is the digest of the previous seal.
DIGEST_OF_SEAL = """sha256(
    coalesce(before.digest, ''::bytea)
    || convert_to(format('%%s %%s %%s ', s.tenant_id, s.number, (extract(epoch FROM s.sealed_at) * 1000000)::bigint)
        || array_to_string(s.events, ','), 'UTF8')
    || (SELECT string_agg(d, ''::bytea ORDER BY n) FROM unnest(s.digests) WITH ORDINALITY AS t (d, n))
)"""


def seal(tenant_id: int) -> int:
    """Seal this tenant's waiting events and return how many were sealed: 0 while another sealer is running."""
    sealed = 0
    while part := seal_part(tenant_id):
        sealed += part
    return sealed


def seal_part(tenant_id: int) -> int:
    with tenant_context(tenant_id), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT seal, head, amount FROM audit_seal(%s, %s) WHERE seal IS NOT NULL",
            [tenant_id, LARGEST_SEAL],
        )
        made = cursor.fetchone()
    if not made:
        return 0
    number, digest, events = made
    # The head is the digest of the last seal. Only a head kept outside the database, such as in this log, can prove
    # later that no seals were removed from the end of the chain.
    log.info("tenant=%s seal=%s events=%s sha256=%s", tenant_id, number, events, digest)
    return int(events)


def seal_all() -> int:
    """Seal the waiting events of every tenant and return how many were sealed."""
    sealed = 0
    for tenant_id in tenants_with_waiting():
        with log_errors(log, "tenant=%s: the audit log cannot be sealed", tenant_id):
            sealed += seal(tenant_id)
    return sealed


def tenants_with_waiting() -> list[int]:
    with all_tenants_context():
        return sorted(set(AuditWaiting.objects.values_list("tenant_id", flat=True).distinct()))


@dataclass(frozen=True)
class ChainState:
    """The state of a tenant's chain, as the audit page shows it. `waiting` is the number of unsealed events."""

    seals: int
    sealed_at: datetime | None
    digest: str
    waiting: int


def state_of(tenant_id: int) -> ChainState:
    last = AuditSeal.objects.filter(tenant_id=tenant_id).only("number", "sealed_at", "digest").last()
    waiting = AuditWaiting.objects.filter(tenant_id=tenant_id).count()
    if last is None:
        return ChainState(0, None, "", waiting)
    return ChainState(last.number, last.sealed_at, bytes(last.digest).hex(), waiting)
