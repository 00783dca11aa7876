"""Whether the audit log is what it was: every event and every seal computed anew, a seal at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from accounts import wall
from accounts.models import Tenant
from transfers.audit import record
from transfers.audit_chain import DIGEST_OF_EVENT, DIGEST_OF_SEAL, seal
from transfers.models import AuditSeal
from transfers.wording import counted

UNCHANGED = "Nothing was changed."
TOLD = 20  # so many findings are told one by one, the others are counted

# The next seal, its digest computed anew, and those of its events that are not what they were: the first in order, and
# how many. Every place of either list is judged, whether an id stands there or not; an id that is NULL is one of them.
# Leans on the unique index (tenant_id, number) of the seals and on the primary key of the events.
NEXT = f"""
WITH s AS (
    SELECT * FROM transfers_auditseal WHERE tenant_id = %(tenant)s AND number > %(after)s ORDER BY number LIMIT 1
), before AS (SELECT %(digest)s::bytea AS digest)
SELECT s.number, s.digest, coalesce(s.digest = {DIGEST_OF_SEAL}, false) AND NOT wrong.is_odd AS is_whole,
    cardinality(s.events), wrong.amount, wrong.ids, wrong.missing
FROM s CROSS JOIN before CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE NOT is_as_it_was) AS amount,
        (array_agg(id ORDER BY n) FILTER (WHERE NOT is_as_it_was))[:%(told)s] AS ids,
        (array_agg(is_missing ORDER BY n) FILTER (WHERE NOT is_as_it_was))[:%(told)s] AS missing,
        cardinality(s.events) IS DISTINCT FROM cardinality(s.digests) OR coalesce(cardinality(s.events), 0) = 0
            OR bool_or(id IS NULL OR digest IS NULL) AS is_odd
    FROM (
        SELECT t.id, t.digest, t.n, e.id IS NULL AS is_missing,
            e.id IS NOT NULL AND t.digest IS NOT DISTINCT FROM {DIGEST_OF_EVENT} AS is_as_it_was
        FROM unnest(s.events, s.digests) WITH ORDINALITY AS t (id, digest, n)
        LEFT JOIN transfers_auditevent AS e ON e.id = t.id AND e.tenant_id = %(tenant)s
    ) AS judged
) AS wrong
"""  # noqa: S608  # nosec B608

# The events that are in no seal and do not wait for one either. One snapshot, so that new ones are no matter.
# NOT EXISTS and not NOT IN: a NULL in one seal would make that unknown for every event.
STRAY = """
SELECT e.id, count(*) OVER () FROM transfers_auditevent AS e
WHERE e.tenant_id = %(tenant)s
AND NOT EXISTS (SELECT FROM transfers_auditwaiting AS w WHERE w.event_id = e.id)
AND NOT EXISTS (
    SELECT FROM transfers_auditseal AS s CROSS JOIN unnest(s.events) AS held (id)
    WHERE s.tenant_id = %(tenant)s AND held.id = e.id
)
ORDER BY e.id LIMIT %(told)s
"""

# Everything was sealed a moment ago, unless somebody else holds the sealer's lock; a sealer at work is soon done.
OVERDUE = """
SELECT count(*) FROM transfers_auditwaiting AS w JOIN transfers_auditevent AS e ON e.id = w.event_id
WHERE w.tenant_id = %(tenant)s AND e.at < clock_timestamp() - interval '1 hour'
"""


@dataclass
class Finding:
    """What a verification found: `last` is the number of the last seal, `digest` its own."""

    tenant_id: int
    seals: int = 0
    events: int = 0
    last: int = 0
    digest: bytes = b""
    told: list[str] = field(default_factory=list)
    amount: int = 0

    @property
    def head(self) -> str:
        return self.digest.hex()

    @property
    def wrong(self) -> str:
        """Everything that is not as it was, a sentence each and the first of them in full; "" when all is well."""
        more = self.amount - len(self.told)
        return " ".join([*self.told, f"Further findings: {more}."] if more else self.told)

    def add(self, sentences: Iterable[str], amount: int = 1) -> None:
        """`amount`: how many there are, of which the sentences tell the first."""
        self.amount += amount
        self.told += list(sentences)[: TOLD - len(self.told)]


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
            result=found.wrong or UNCHANGED,
            events=found.events,
            seals=found.seals,
            digest=found.head,
        )
    return found


def walk(tenant_id: int) -> Finding:
    """To the end, whatever is found: what one thing breaks must not hide what somebody else did behind it."""
    found = Finding(tenant_id)
    for number, digest, is_whole, events, amount, ids, missing in seals_of(found):
        follows = number == found.last + 1
        if not follows:
            found.add([f"Seal {found.last + 1} is missing; the next one is {number}."])
        found.add((about(*event, number) for event in zip(ids or (), missing or (), strict=True)), amount)
        # Of a seal behind one that is missing nobody can say so: its digest is over the digest of that one.
        if not is_whole and follows:
            found.add([f"Seal {number} was changed, or its events were put into another order."])
        found.seals, found.events = found.seals + 1, found.events + (events or 0)
        found.last, found.digest = number, bytes(digest)
    found.add(*strays(tenant_id))
    if late := overdue(tenant_id):
        found.add(
            [f"For more than an hour {counted(late, 'event')} could not be sealed: somebody holds the lock."]
        )
    return found


def about(event: int | None, is_missing: bool, seal_number: int) -> str:
    if event is None:
        return f"Seal {seal_number} has a place without an event."
    return f"Event {event} of seal {seal_number} {'is missing' if is_missing else 'was changed'}."


def seals_of(found: Finding) -> Iterator[tuple[Any, ...]]:
    """One seal after another, judged against the digest of the one before it."""
    while True:
        values: dict[str, int | bytes] = {
            "tenant": found.tenant_id,
            "after": found.last,
            "digest": found.digest,
            "told": TOLD,
        }
        with connection.cursor() as cursor:
            cursor.execute(NEXT, values)
            row = cursor.fetchone()
        if row is None:
            return
        yield row


def strays(tenant_id: int) -> tuple[list[str], int]:
    """What is to be said of them, and how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(STRAY, {"tenant": tenant_id, "told": TOLD})
        rows = cursor.fetchall()
    sentences = [
        f"Event {event} is in no seal: it was added or kept back outside of the application."
        for event, _ in rows
    ]
    return sentences, rows[0][1] if rows else 0


def overdue(tenant_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE, {"tenant": tenant_id})
        return int(cursor.fetchone()[0])


def holds(tenant_id: int, digest: str) -> bool:
    """Is the digest, kept elsewhere, still one of the tenant's chain?"""
    with wall.tenant(tenant_id):
        return AuditSeal.objects.filter(tenant_id=tenant_id, digest=bytes.fromhex(digest)).exists()


def in_words(found: Finding) -> str:
    amount = f"{counted(found.events, 'event')} in {counted(found.seals, 'seal')}"
    state = found.wrong or UNCHANGED
    return f"Tenant {found.tenant_id}: {amount}. {state}" + (f" Head: {found.head}" if found.head else "")
