"""The seals over the audit log: whatever is changed, taken away, moved or slipped in is named."""

import io
import threading
from collections.abc import Callable
from hashlib import sha256

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts import wall
from accounts.models import Tenant
from tests.transfers.cast import Cast
from tests.transfers.running import run_single
from transfers import audit_chain, tasks
from transfers.audit import record
from transfers.audit_chain import DIGEST_OF_EVENT, seal, seal_all, state_of
from transfers.audit_verification import verify
from transfers.models import AuditEvent, AuditSeal, AuditWaiting

Tamper = Callable[[str], None]


@pytest.fixture
def sealed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seven events of Abacus in three seals, and one of Foreign between them."""
    monkeypatch.setattr(audit_chain, "LARGEST_SEAL", 3)
    for number in range(7):
        record("row-cleared", tenant_id=cast.abacus.pk, by=cast.ada, address="127.0.0.1", row=number)
        if number == 3:
            record("signed-in", tenant_id=cast.foreign.pk, by=cast.frida)
    assert seal_all() == 8
    return list(
        AuditEvent.objects.filter(tenant_id=cast.abacus.pk).order_by("id").values_list("pk", flat=True)
    )


@pytest.fixture
def tamper(sealed: list[int], as_owner: None) -> Tamper:
    """As somebody with all power over the database would: triggers are no obstacle."""

    def run(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(statement)
            cursor.execute("SET LOCAL session_replication_role = origin")

    return run


def wrong(cast: Cast) -> str:
    return verify(cast.abacus.pk).wrong


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


def test_the_digests_are_what_they_are_said_to_be(cast: Cast, sealed: list[int]) -> None:
    """Computed once more from the description, without the database."""
    before = b""
    for made in AuditSeal.objects.filter(tenant_id=cast.abacus.pk):
        moment = int(made.sealed_at.timestamp()) * 10**6 + made.sealed_at.microsecond
        text = f"{made.tenant_id} {made.number} {moment} {','.join(map(str, made.events))}"
        whole = before + text.encode() + b"".join(map(bytes, made.digests))
        assert bytes(made.digest) == sha256(whole).digest()
        before = bytes(made.digest)


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'signed-in'",
        "at = at + interval '1 microsecond'",
        "actor_id = 7",
        "actor_name = actor_name || ' '",
        "address = NULL",
        "transfer_id = 1",
        "pair_id = 1",
        """details = details || '{"row": 99}'""",
    ],
)
def test_a_changed_event_is_named(cast: Cast, sealed: list[int], tamper: Tamper, change: str) -> None:
    tamper(f"UPDATE transfers_auditevent SET {change} WHERE id = {sealed[4]}")
    assert wrong(cast) == f"Event {sealed[4]} of seal 2 was changed."


def test_the_first_of_several_is_named(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"UPDATE transfers_auditevent SET pair_id = 1 WHERE id IN ({sealed[6]}, {sealed[2]}, {sealed[5]})")
    assert wrong(cast) == f"Event {sealed[2]} of seal 1 was changed."


def test_a_missing_event_is_named(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"DELETE FROM transfers_auditevent WHERE id = {sealed[3]}")
    assert wrong(cast) == f"Event {sealed[3]} of seal 2 is missing."


def test_an_event_that_went_to_another_tenant_is_missing(
    cast: Cast, sealed: list[int], tamper: Tamper
) -> None:
    tamper(f"UPDATE transfers_auditevent SET tenant_id = {cast.foreign.pk} WHERE id = {sealed[0]}")
    assert wrong(cast) == f"Event {sealed[0]} of seal 1 is missing."
    assert verify(cast.foreign.pk).wrong.startswith(f"Event {sealed[0]} is in no seal")


def test_two_events_that_changed_places(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    one, two = sealed[0], sealed[1]
    tamper(
        f"UPDATE transfers_auditevent SET id = CASE id WHEN {one} THEN -1 ELSE -2 END WHERE id IN ({one}, {two})"
    )
    tamper(
        f"UPDATE transfers_auditevent SET id = CASE id WHEN -1 THEN {two} ELSE {one} END WHERE id IN (-1, -2)"
    )
    assert wrong(cast) == f"Event {one} of seal 1 was changed."


def test_two_events_that_changed_places_in_a_seal(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(
        "UPDATE transfers_auditseal SET events = events[2:2] || events[1:1] || events[3:3],"
        f" digests = digests[2:2] || digests[1:1] || digests[3:3] WHERE number = 1 AND tenant_id = {cast.abacus.pk}"
    )
    assert wrong(cast) == "Seal 1 was changed, or its events were put into another order."


def test_a_seal_that_was_made_to_fit_breaks_the_next(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    """Event and seal are changed together, digest and all, but the seals behind it are as they were."""
    of_seal = f"number = 1 AND tenant_id = {cast.abacus.pk}"
    tamper(f"UPDATE transfers_auditevent SET pair_id = 1 WHERE id = {sealed[0]}")
    tamper(
        f"UPDATE transfers_auditseal SET digests[1] = (SELECT {DIGEST_OF_EVENT} FROM transfers_auditevent AS e"
        f" WHERE id = {sealed[0]}) WHERE {of_seal}"
    )
    tamper(
        "UPDATE transfers_auditseal AS s SET digest = "
        + audit_chain.DIGEST_OF_SEAL.replace("%%", "%").replace("before.digest", "NULL::bytea")
        + f" WHERE {of_seal}"
    )
    assert wrong(cast) == "Seal 2 was changed, or its events were put into another order."


@pytest.mark.parametrize(
    ("gone", "told"), [(1, "Seal 1 is missing; the next one is 2."), (2, "Seal 2 is missing")]
)
def test_a_missing_seal_is_named(cast: Cast, sealed: list[int], tamper: Tamper, gone: int, told: str) -> None:
    tamper(f"DELETE FROM transfers_auditseal WHERE number = {gone} AND tenant_id = {cast.abacus.pk}")
    assert wrong(cast).startswith(told)


def test_an_event_that_was_slipped_in_is_named(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(
        "INSERT INTO transfers_auditevent (tenant_id, kind, actor_name, details)"
        f" VALUES ({cast.abacus.pk}, 'signed-in', '', '{{}}')"
    )
    assert "is in no seal" in wrong(cast)


def test_an_event_that_vanished_before_it_was_sealed(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    late = AuditEvent.objects.latest("id").pk
    tamper(f"DELETE FROM transfers_auditevent WHERE id = {late}")
    assert wrong(cast) == f"Event {late} of seal 4 is missing."


def test_an_event_that_is_kept_from_being_sealed(cast: Cast, sealed: list[int]) -> None:
    """The application itself may take an event out of what waits; it is found all the same."""
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    AuditWaiting.objects.all().delete()
    assert "is in no seal" in wrong(cast)


def test_a_cut_end_is_found_with_a_head_that_was_kept(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    head = state_of(cast.abacus.pk).digest
    call("--holds", head)
    tamper(f"DELETE FROM transfers_auditevent WHERE id = {sealed[6]}")
    tamper(f"DELETE FROM transfers_auditseal WHERE number >= 3 AND tenant_id = {cast.abacus.pk}")
    tamper(
        "DELETE FROM transfers_auditevent WHERE kind = 'audit-verified'; DELETE FROM transfers_auditwaiting"
    )
    assert wrong(cast) == ""
    with pytest.raises(CommandError, match="the end of one was cut off"):
        call("--holds", head)


# --- The command, the tasks, the page ------------------------------------------------------------------------------


def call(*words: str) -> str:
    out = io.StringIO()
    call_command("verify_audit", *words, stdout=out)
    return out.getvalue()


def test_the_command_says_that_all_is_well(cast: Cast, sealed: list[int]) -> None:
    lines = call().splitlines()
    assert lines[0].startswith(f"Tenant {cast.abacus.pk}: 7 events in 3 seals. Nothing was changed. Head: ")
    assert lines[1].startswith(f"Tenant {cast.foreign.pk}: 1 event in 1 seal. Nothing was changed. Head: ")
    event = AuditEvent.objects.filter(kind="audit-verified").first()
    assert event is not None
    assert event.details["result"] == "Nothing was changed."


def test_the_command_ends_with_1_and_names_the_event(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"UPDATE transfers_auditevent SET pair_id = 1 WHERE id = {sealed[0]}")
    out = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("verify_audit", stdout=out)
    assert raised.value.returncode == 1
    assert f"Event {sealed[0]} of seal 1 was changed." in out.getvalue()
    call("--tenant", str(cast.foreign.pk))


def test_a_tenant_that_is_not_there(cast: Cast) -> None:
    with pytest.raises(CommandError, match="There is no tenant 999999"):
        call("--tenant", "999999")


def test_the_sweep_seals_and_a_transfer_is_sealed_at_its_end(cast: Cast) -> None:
    run_single(cast.ada, cast.ana, cast.bo)
    assert AuditWaiting.objects.exists()
    tasks.sweep()
    assert not AuditWaiting.objects.exists()
    assert wrong(cast) == ""


def test_the_daily_verification_says_so_in_the_server_s_log(
    cast: Cast, sealed: list[int], tamper: Tamper, caplog: pytest.LogCaptureFixture
) -> None:
    tamper(f"UPDATE transfers_auditevent SET pair_id = 1 WHERE id = {sealed[0]}")
    tasks.verify_audit()
    assert next(entry.levelname for entry in caplog.records if "was changed" in entry.message) == "ERROR"


@pytest.mark.django_db(transaction=True)
def test_sealers_do_not_wait_for_each_other_and_workers_for_none() -> None:
    """While one sealer is at work, another goes away at once, and events are added as ever."""
    tenant = Tenant.objects.create(name="Abacus")
    record("signed-in", tenant_id=tenant.pk)
    found: list[int] = []

    def others() -> None:
        found.append(seal(tenant.pk))
        record("signed-out", tenant_id=tenant.pk)
        connection.close()

    with wall.tenant(tenant.pk), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [audit_chain.LOCK + tenant.pk])
        thread = threading.Thread(target=others)
        thread.start()
        thread.join(30)
    assert found == [0]
    assert seal(tenant.pk) == 2
    assert verify(tenant.pk).wrong == ""


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_committed_late_comes_into_the_next_seal() -> None:
    """Its id is lower than those that were sealed meanwhile."""
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
