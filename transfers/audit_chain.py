"""The hash chain over the audit log: one chain for each tenant, so that nothing in it can be changed unnoticed.

Workers only insert events. Afterwards a sealer, one at a time for each tenant, takes the committed ones that are in no
seal yet and appends a seal. The sealer is the database's own function `transfers_seal`, of the migration's
0001_audit.sql, which works as the owner of the tables: the application can have sealed what waits, and nothing else.
What it computes is written down here once more, for the verification.

A seal's digest is the SHA-256 of: the digest before it (nothing for the first), the text "tenant number microseconds
id,id,…" and the digests of its events in the order of their ids. An event's digest is that of its columns as a JSON
array, with times in microseconds since 1970. An event that was noted and is gone has the digest of nothing. Why so, and
what it costs: `docs/decisions/audit-chain.md`.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from accounts import wall
from transfers.log_context import apart
from transfers.models import AuditSeal, AuditWaiting

log = logging.getLogger(__name__)

LARGEST_SEAL = 1000  # events; so many are judged at a time, and `transfers_seal` takes no more
LOCK = 0x5EA1 << 48  # the advisory locks of `transfers_seal`, apart from everybody else's

# Over rows of transfers_auditevent called `e`. All of its columns: a test compares them.
DIGEST_OF_EVENT = """sha256(convert_to(jsonb_build_array(
    e.id, e.tenant_id, (extract(epoch FROM e.at) * 1000000)::bigint, e.kind, e.actor_id, e.actor_name,
    host(e.address), e.transfer_id, e.pair_id, e.details
)::text, 'UTF8'))"""

# Over a seal called `s` and the digest before it, `before.digest`.
DIGEST_OF_SEAL = """sha256(
    coalesce(before.digest, ''::bytea)
    || convert_to(format('%%s %%s %%s ', s.tenant_id, s.number, (extract(epoch FROM s.sealed_at) * 1000000)::bigint)
        || array_to_string(s.events, ','), 'UTF8')
    || (SELECT string_agg(d, ''::bytea ORDER BY n) FROM unnest(s.digests) WITH ORDINALITY AS t (d, n))
)"""


def seal(tenant_id: int) -> int:
    """Seal what waits of this tenant; how many events. 0 while somebody else is at it."""
    sealed = 0
    while part := seal_part(tenant_id):
        sealed += part
    return sealed


def seal_part(tenant_id: int) -> int:
    with wall.tenant(tenant_id), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT seal, head, amount FROM transfers_seal(%s, %s) WHERE seal IS NOT NULL",
            [tenant_id, LARGEST_SEAL],
        )
        made = cursor.fetchone()
    if not made:
        return 0
    number, digest, events = made
    # Kept elsewhere, the log proves later that the end of a chain was not cut off: nothing inside it can.
    log.info("tenant=%s seal=%s events=%s sha256=%s", tenant_id, number, events, digest)
    return int(events)


def seal_all() -> int:
    """Seal what waits of every tenant; how many events."""
    sealed = 0
    for tenant_id in tenants_with_waiting():
        with apart(log, "tenant=%s: the audit log cannot be sealed", tenant_id):
            sealed += seal(tenant_id)
    return sealed


def tenants_with_waiting() -> list[int]:
    with wall.every_tenant():
        return sorted(set(AuditWaiting.objects.values_list("tenant_id", flat=True).distinct()))


@dataclass(frozen=True)
class ChainState:
    """What the audit page says of the chain of a tenant. `waiting`: events in no seal yet."""

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
