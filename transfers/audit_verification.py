"""Whether the audit log is what it was: every event and every seal computed anew, a seal at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts import wall
from accounts.models import Tenant
from transfers.audit import record
from transfers.audit_chain import DIGEST_OF_EVENT, DIGEST_OF_SEAL, seal
from transfers.models import AuditSeal
from transfers.wording import counted

# The next seal, its digest computed anew, and the first of its events that is not what it was.
# Leans on the unique index (tenant_id, number) of the seals and on the primary key of the events.
NEXT = f"""
WITH s AS (
    SELECT * FROM transfers_auditseal WHERE tenant_id = %(tenant)s AND number > %(after)s ORDER BY number LIMIT 1
), before AS (SELECT %(digest)s::bytea AS digest)
SELECT s.number, s.digest, s.digest = {DIGEST_OF_SEAL} AS is_whole, cardinality(s.events), wrong.id, wrong.is_missing
FROM s CROSS JOIN before LEFT JOIN LATERAL (
    SELECT t.id, e.id IS NULL AS is_missing FROM unnest(s.events, s.digests) WITH ORDINALITY AS t (id, digest, n)
    LEFT JOIN transfers_auditevent AS e ON e.id = t.id AND e.tenant_id = %(tenant)s
    WHERE t.digest IS DISTINCT FROM {DIGEST_OF_EVENT} OR e.id IS NULL
    ORDER BY n LIMIT 1
) AS wrong ON true
"""  # noqa: S608  # nosec B608

# The first event that is in no seal and does not wait for one either. One snapshot, so that new ones are no matter.
STRAY = """
SELECT min(e.id) FROM transfers_auditevent AS e
WHERE e.tenant_id = %(tenant)s
AND NOT EXISTS (SELECT FROM transfers_auditwaiting AS w WHERE w.event_id = e.id)
AND e.id NOT IN (SELECT unnest(events) FROM transfers_auditseal WHERE tenant_id = %(tenant)s)
"""


@dataclass
class Finding:
    """What a verification found. `wrong`: the first thing that is not as it was, in a sentence; "" when all is well."""

    tenant_id: int
    seals: int = 0
    events: int = 0
    digest: bytes = b""
    wrong: str = ""

    @property
    def head(self) -> str:
        return self.digest.hex()


def tenants_to_verify() -> list[int]:
    """Every tenant, and every one that had seals."""
    with wall.every_tenant():
        tenants = set(Tenant.objects.values_list("pk", flat=True))
        return sorted(
            tenants | set(AuditSeal.objects.order_by().values_list("tenant_id", flat=True).distinct())
        )


def verify(tenant_id: int) -> Finding:
    """Seal what waits, compute everything anew, and write the result into the log itself. Constant memory."""
    seal(tenant_id)
    with wall.tenant(tenant_id):
        found = walk(tenant_id)
        record(
            "audit-verified",
            tenant_id=tenant_id,
            result=found.wrong or "Nothing was changed.",
            events=found.events,
            seals=found.seals,
            digest=found.head,
        )
    return found


def walk(tenant_id: int) -> Finding:
    found = Finding(tenant_id)
    for number, digest, is_whole, events, wrong, is_missing in seals_of(found):
        if number != found.seals + 1:
            found.wrong = f"Seal {found.seals + 1} is missing; the next one is {number}."
        elif wrong is not None:
            found.wrong = f"Event {wrong} of seal {number} {'is missing' if is_missing else 'was changed'}."
        elif not is_whole:
            found.wrong = f"Seal {number} was changed, or its events were put into another order."
        if found.wrong:
            return found
        found.seals, found.events, found.digest = number, found.events + events, bytes(digest)
    found.wrong = stray(tenant_id)
    return found


def seals_of(found: Finding) -> Iterator[tuple[Any, ...]]:
    """One seal after another, judged against the digest that was found before it."""
    while True:
        values: dict[str, int | bytes] = {
            "tenant": found.tenant_id,
            "after": found.seals,
            "digest": found.digest,
        }
        with connection.cursor() as cursor:
            cursor.execute(NEXT, values)
            row = cursor.fetchone()
        if row is None:
            return
        yield row


def stray(tenant_id: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute(STRAY, {"tenant": tenant_id})
        (event,) = cursor.fetchone()
    return (
        f"Event {event} is in no seal: it was added or kept back outside of the application." if event else ""
    )


def holds(tenant_id: int, digest: str) -> bool:
    """Is the digest, kept elsewhere, still one of the tenant's chain?"""
    with wall.tenant(tenant_id):
        return AuditSeal.objects.filter(tenant_id=tenant_id, digest=bytes.fromhex(digest)).exists()


def in_words(found: Finding) -> str:
    amount = f"{counted(found.events, 'event')} in {counted(found.seals, 'seal')}"
    state = found.wrong or "Nothing was changed."
    return f"Tenant {found.tenant_id}: {amount}. {state}" + (f" Head: {found.head}" if found.head else "")
