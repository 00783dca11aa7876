"""Seals that only the owner of the tables could write: refused by constraints, and reported without them."""

from hashlib import sha256

import pytest
from django.db import IntegrityError, connection, transaction

from audit import chain
from audit.log import record
from tests.audit.tampering import Tamper, wrong
from tests.fixtures.cast import Cast

FORGED = f"""
INSERT INTO audit_auditseal (tenant_id, number, sealed_at, events, digests, digest)
SELECT s.tenant_id, s.number, s.sealed_at, s.events, s.digests, coalesce({chain.DIGEST_OF_SEAL}, '') FROM (
    SELECT tenant_id, number + 1 AS number, clock_timestamp() AS sealed_at,
        %(events)s::bigint[] AS events, %(digests)s::bytea[] AS digests
    FROM audit_auditseal WHERE tenant_id = %(tenant)s ORDER BY number DESC LIMIT 1
) AS s, (SELECT digest FROM audit_auditseal WHERE tenant_id = %(tenant)s ORDER BY number DESC LIMIT 1) AS before
"""
NOTHING = sha256(b"").digest()


def forge(cast: Cast, events: list[int | None], digests: list[bytes | None]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FORGED, {"tenant": cast.abacus.pk, "events": events, "digests": digests})


MALFORMED_SEALS: list[tuple[list[int | None], list[bytes | None]]] = [
    ([None], [NOTHING]),
    ([-7], [None]),
    ([-7], [NOTHING, NOTHING]),
    ([-7, -8], [NOTHING]),
    ([], []),
]


@pytest.mark.parametrize(("events", "digests"), MALFORMED_SEALS)
def test_constraints_refuse_malformed_seals(
    cast: Cast, sealed: list[int], as_owner: None, events: list[int | None], digests: list[bytes | None]
) -> None:
    with pytest.raises(IntegrityError, match="audit_seal_"):
        forge(cast, events, digests)


@pytest.mark.parametrize(("events", "digests"), MALFORMED_SEALS)
def test_a_malformed_seal_is_reported_and_hides_nothing(
    cast: Cast, sealed: list[int], tamper: Tamper, events: list[int | None], digests: list[bytes | None]
) -> None:
    for name in ("audit_seal_holds_events", "audit_seal_digest_of_each", "audit_seal_no_gaps"):
        tamper(f"ALTER TABLE audit_auditseal DROP CONSTRAINT {name}")
    forge(cast, events, digests)
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    tamper("DELETE FROM audit_auditwaiting")
    found = wrong(cast)
    assert "seal 4" in found.lower()
    assert "is in no seal" in found
