"""Events are sealed in order and once, with the digests that `audit.chain` describes."""

import threading
from hashlib import sha256

import pytest
from django.db import connection, transaction

from audit import chain
from audit.chain import DIGEST_OF_EVENT, seal, seal_all
from audit.log import record
from audit.models import AuditEvent, AuditSeal, AuditWaiting
from audit.verification import verify
from tenancy.context import tenant_context
from tenancy.models import Tenant
from tests.audit.tampering import wrong
from tests.fixtures.cast import Cast
from tests.fixtures.running import run_single
from transfers import tasks


def test_events_are_sealed_in_order_and_once(cast: Cast, sealed: list[int]) -> None:
    seals = list(AuditSeal.objects.filter(tenant_id=cast.abacus.pk))
    assert [made.number for made in seals] == [1, 2, 3]
    assert [event for made in seals for event in made.events] == sealed
    assert not AuditWaiting.objects.exists()
    assert seal_all() == 0
    assert wrong(cast) == ""


def test_the_digest_is_of_every_column_of_an_event(cast: Cast) -> None:
    for field in AuditEvent._meta.concrete_fields:
        assert f"e.{field.column}" in DIGEST_OF_EVENT


def test_seal_digests_match_their_description(cast: Cast, sealed: list[int]) -> None:
    """Recompute the digests in Python, as the docstring of `audit.chain` describes them."""
    before = b""
    for made in AuditSeal.objects.filter(tenant_id=cast.abacus.pk):
        moment = int(made.sealed_at.timestamp()) * 10**6 + made.sealed_at.microsecond
        text = f"{made.tenant_id} {made.number} {moment} {','.join(map(str, made.events))}"
        whole = before + text.encode() + b"".join(map(bytes, made.digests))
        assert bytes(made.digest) == sha256(whole).digest()
        before = bytes(made.digest)


def test_the_recovery_sweep_seals_waiting_events(cast: Cast) -> None:
    run_single(cast.ada, cast.ana, cast.bo)
    assert AuditWaiting.objects.exists()
    tasks.recovery_sweep()
    assert not AuditWaiting.objects.exists()
    assert wrong(cast) == ""


@pytest.mark.django_db(transaction=True)
def test_sealers_block_neither_each_other_nor_workers() -> None:
    """While one sealer runs, another returns at once, and events can be added."""
    tenant = Tenant.objects.create(name="Abacus")
    record("signed-in", tenant_id=tenant.pk)
    found: list[int] = []

    def others() -> None:
        found.append(seal(tenant.pk))
        record("signed-out", tenant_id=tenant.pk)
        connection.close()

    with tenant_context(tenant.pk), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [chain.LOCK + tenant.pk])
        thread = threading.Thread(target=others)
        thread.start()
        thread.join(30)
    assert found == [0]
    assert seal(tenant.pk) == 2
    assert verify(tenant.pk).wrong == ""


@pytest.mark.django_db(transaction=True)
def test_an_event_committed_late_is_in_the_next_seal() -> None:
    """The event's id is lower than that of another event, which was sealed before this one was committed."""
    tenant = Tenant.objects.create(name="Abacus")
    begun, sealed = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            record("signed-in", tenant_id=tenant.pk)
            begun.set()
            sealed.wait(30)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    begun.wait(30)
    record("signed-out", tenant_id=tenant.pk)
    assert seal(tenant.pk) == 1
    sealed.set()
    thread.join(30)
    assert seal(tenant.pk) == 1
    late, early = (made.events[0] for made in AuditSeal.objects.order_by("-number"))
    assert late < early
    assert verify(tenant.pk).wrong == ""
