"""Detects changes to the audit log by recomputing every event and seal, one seal at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from audit.chain import DIGEST_OF_EVENT, DIGEST_OF_SEAL, seal
from audit.log import record, rendered, unreadable
from audit.models import AuditEvent, AuditSeal
from tenancy.context import all_tenants_context, tenant_context
from tenancy.models import Tenant
from wording.phrases import counted

UNCHANGED = "Nothing was changed."
EVENTS_AT_ONCE = 2_000
MAX_LISTED = 20  # findings listed one by one; the others are only counted

# Selects the next seal, whether its recomputed digest matches, the number of its changed or missing events, and the
# first few of these. Checks every position of the arrays `events` and `digests`, even if its id or digest is NULL. Uses
# the unique index (tenant_id, number) of the seals and the primary key of the events.
NEXT_SEAL = f"""
WITH s AS (
    SELECT * FROM audit_auditseal WHERE tenant_id = %(tenant)s AND number > %(after)s ORDER BY number LIMIT 1
), before AS (SELECT %(digest)s::bytea AS digest)
SELECT s.number, s.digest, coalesce(s.digest = {DIGEST_OF_SEAL}, false) AND NOT bad.is_malformed AS is_intact,
    cardinality(s.events), bad.amount, bad.places, bad.ids, bad.missing
FROM s CROSS JOIN before CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE NOT is_unchanged) AS amount,
        (array_agg(n ORDER BY n) FILTER (WHERE NOT is_unchanged))[:%(limit)s] AS places,
        (array_agg(id ORDER BY n) FILTER (WHERE NOT is_unchanged))[:%(limit)s] AS ids,
        (array_agg(is_missing ORDER BY n) FILTER (WHERE NOT is_unchanged))[:%(limit)s] AS missing,
        cardinality(s.events) IS DISTINCT FROM cardinality(s.digests) OR coalesce(cardinality(s.events), 0) = 0
            OR bool_or(id IS NULL OR digest IS NULL) AS is_malformed
    FROM (
        SELECT t.id, t.digest, t.n, e.id IS NULL AS is_missing,
            e.id IS NOT NULL AND t.digest IS NOT DISTINCT FROM {DIGEST_OF_EVENT} AS is_unchanged
        FROM unnest(s.events, s.digests) WITH ORDINALITY AS t (id, digest, n)
        LEFT JOIN audit_auditevent AS e ON e.id = t.id AND e.tenant_id = %(tenant)s
    ) AS event
) AS bad
"""  # noqa: S608  # nosec B608

# Finds events that are neither sealed nor waiting. A single statement reads a single snapshot, so an event that is
# added or sealed at the same time is not reported by mistake. Uses NOT EXISTS, because a single NULL in a seal
# would make NOT IN unknown for every event.
UNSEALED = """
SELECT e.at, count(*) OVER () FROM audit_auditevent AS e
WHERE e.tenant_id = %(tenant)s
AND NOT EXISTS (SELECT FROM audit_auditwaiting AS w WHERE w.event_id = e.id)
AND NOT EXISTS (
    SELECT FROM audit_auditseal AS s CROSS JOIN unnest(s.events) AS sealed (id)
    WHERE s.tenant_id = %(tenant)s AND sealed.id = e.id
)
ORDER BY e.id LIMIT %(limit)s
"""

# Counts events that have been waiting for more than an hour. `verify` seals first, so such events mean that another
# session is holding the sealer's lock, which a sealer holds only briefly.
OVERDUE = """
SELECT count(*) FROM audit_auditwaiting AS w JOIN audit_auditevent AS e ON e.id = w.event_id
WHERE w.tenant_id = %(tenant)s AND e.at < clock_timestamp() - interval '1 hour'
"""


@dataclass
class Verification:
    """The result of verifying a tenant's chain.

    `last` and `digest` are the number and digest of the last seal read so far. `unreadable` are sentences about events
    that this release cannot show. They are no findings, because a newer release may have recorded them.
    """

    tenant_id: int
    seals: int = 0
    events: int = 0
    last: int = 0
    digest: bytes = b""
    listed: list[str] = field(default_factory=list)
    findings: int = 0
    unreadable: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        return self.digest.hex()

    @property
    def wrong(self) -> str:
        """The listed findings, one sentence each, and the number of further ones; "" if there are none."""
        more = self.findings - len(self.listed)
        return " ".join([*self.listed, f"Further findings: {more:,}."] if more else self.listed)

    def add(self, sentences: Iterable[str], amount: int = 1) -> None:
        """Add `amount` findings; `sentences` describes the first few of them."""
        self.findings += amount
        self.listed += list(sentences)[: MAX_LISTED - len(self.listed)]


def tenants_to_verify() -> list[int]:
    """Return the ids of all tenants, including deleted ones that still have seals."""
    with all_tenants_context():
        tenants = set(Tenant.objects.values_list("pk", flat=True))
        return sorted(
            tenants | set(AuditSeal.objects.order_by().values_list("tenant_id", flat=True).distinct())
        )


def verify(tenant_id: int) -> Verification:
    """Seal the waiting events, recompute the chain, and record the result in the audit log. Memory use is constant."""
    seal(tenant_id)
    with tenant_context(tenant_id):
        found = verify_chain(tenant_id)
        record(
            "audit-verified",
            tenant_id=tenant_id,
            result=found.wrong or UNCHANGED,
            events=found.events,
            seals=found.seals,
            digest=found.head,
        )
    return found


def verify_chain(tenant_id: int) -> Verification:
    """Verify the chain to its end, even after a finding, so that one finding cannot hide later ones."""
    found = Verification(tenant_id)
    for number, digest, is_intact, events, amount, *bad in seals_of(found):
        follows = number == found.last + 1
        if not follows:
            found.add([f"Seal {found.last + 1} is missing; the next one is {number}."])
        found.add(
            (describe_event(number, *event) for event in zip(*(column or () for column in bad), strict=True)),
            amount,
        )
        # After a missing seal `is_intact` means nothing, because the digest depends on the missing seal's digest.
        if not is_intact and follows:
            found.add([f"Seal {number} was changed, or its events were reordered."])
        found.seals, found.events = found.seals + 1, found.events + (events or 0)
        found.last, found.digest = number, bytes(digest)
    found.add(*unsealed_events(tenant_id))
    found.unreadable = unreadable_events(tenant_id)
    if late := overdue(tenant_id):
        found.add(
            [
                f"{counted(late, 'event')} could not be sealed for more than an hour: another session holds the lock."
            ]
        )
    return found


def describe_event(seal_number: int, place: int, event_id: int | None, is_missing: bool) -> str:
    """Return a finding about an event, which is named by its place in the seal: its ID counts all tenants' events."""
    if event_id is None:
        return f"Entry {place} of seal {seal_number} names no event."
    return f"Event {place} of seal {seal_number} {'is missing' if is_missing else 'was changed'}."


def seals_of(found: Verification) -> Iterator[tuple[Any, ...]]:
    """Yield a row of NEXT_SEAL for each seal in order.

    Before taking the next row, the caller must set `found.last` and `found.digest` to the number and digest of the
    seal just read.
    """
    while True:
        values: dict[str, int | bytes] = {
            "tenant": found.tenant_id,
            "after": found.last,
            "digest": found.digest,
            "limit": MAX_LISTED,
        }
        with connection.cursor() as cursor:
            cursor.execute(NEXT_SEAL, values)
            row = cursor.fetchone()
        if row is None:
            return
        yield row


def unsealed_events(tenant_id: int) -> tuple[list[str], int]:
    """Return sentences about the first few events that are neither sealed nor waiting, and their total number."""
    with connection.cursor() as cursor:
        cursor.execute(UNSEALED, {"tenant": tenant_id, "limit": MAX_LISTED})
        rows = cursor.fetchall()
    sentences = [
        f"The event of {exact(at)} is in no seal: it was added, or kept from being sealed, outside the application."
        for at, _ in rows
    ]
    return sentences, rows[0][1] if rows else 0


def unreadable_events(tenant_id: int) -> list[str]:
    """Return sentences about the first few events that cannot be shown, and about the number of the others."""
    events = (
        AuditEvent.objects.filter(tenant_id=tenant_id).order_by("id").values_list("at", "kind", "details")
    )
    sentences: list[str] = []
    more = 0
    for at, kind, details in events.iterator(chunk_size=EVENTS_AT_ONCE):
        if rendered(kind, details):
            continue
        if len(sentences) < MAX_LISTED:
            sentences.append(f"The event of {exact(at)}: {unreadable(kind)}")
        else:
            more += 1
    return [*sentences, f"Further events that cannot be shown: {more:,}."] if more else sentences


def exact(at: datetime) -> str:
    """Return the time as the download of the audit log has it."""
    return at.isoformat(sep=" ", timespec="microseconds")


def overdue(tenant_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE, {"tenant": tenant_id})
        return int(cursor.fetchone()[0])


def contains_head(tenant_id: int, digest: str) -> bool:
    """Return whether this digest, kept elsewhere as the head of the chain, is still in the tenant's chain."""
    with tenant_context(tenant_id):
        return AuditSeal.objects.filter(tenant_id=tenant_id, digest=bytes.fromhex(digest)).exists()


def describe(found: Verification) -> str:
    amount = f"{counted(found.events, 'event')} in {counted(found.seals, 'seal')}"
    state = " ".join([found.wrong or UNCHANGED, *found.unreadable])
    return f"Tenant {found.tenant_id}: {amount}. {state}" + (f" Head: {found.head}" if found.head else "")
