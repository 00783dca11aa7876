"""The seals over the audit log: whatever is changed, taken away, moved or slipped in is named."""

import io
import threading
from collections.abc import Callable
from hashlib import sha256

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts import wall
from accounts.models import Tenant
from tests.transfers.cast import Cast
from tests.transfers.running import run_single
from transfers import audit_chain, audit_verification, tasks
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


def test_each_of_several_is_named(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"UPDATE transfers_auditevent SET pair_id = 1 WHERE id IN ({sealed[6]}, {sealed[2]}, {sealed[5]})")
    tamper(f"DELETE FROM transfers_auditevent WHERE id = {sealed[4]}")
    assert wrong(cast).split(". ") == [
        f"Event {sealed[2]} of seal 1 was changed",
        f"Event {sealed[4]} of seal 2 is missing",
        f"Event {sealed[5]} of seal 2 was changed",
        f"Event {sealed[6]} of seal 3 was changed.",
    ]


def test_of_very_many_the_rest_is_counted(
    cast: Cast, sealed: list[int], tamper: Tamper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_verification, "TOLD", 2)
    tamper(f"UPDATE transfers_auditevent SET pair_id = 1 WHERE tenant_id = {cast.abacus.pk}")
    assert wrong(cast) == (
        f"Event {sealed[0]} of seal 1 was changed. Event {sealed[1]} of seal 1 was changed. Further findings: 5."
    )
    assert wrong(cast).endswith("Further findings: 5.")


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
    assert wrong(cast) == f"Event {one} of seal 1 was changed. Event {two} of seal 1 was changed."


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
    ("gone", "told"),
    [(1, "Seal 1 is missing; the next one is 2."), (2, "Seal 2 is missing; the next one is 3.")],
)
def test_a_missing_seal_is_named(cast: Cast, sealed: list[int], tamper: Tamper, gone: int, told: str) -> None:
    tamper(f"DELETE FROM transfers_auditseal WHERE number = {gone} AND tenant_id = {cast.abacus.pk}")
    first, *others = wrong(cast).split(". ")
    assert f"{first}." == told
    freed = sealed[3 * (gone - 1) : 3 * gone]
    assert [other.split()[1] for other in others] == [str(event) for event in freed]
    assert all("is in no seal" in other for other in others)


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


def test_what_waits_and_never_was_hides_nothing_behind_it(
    cast: Cast, sealed: list[int], tamper: Tamper
) -> None:
    tamper(f"INSERT INTO transfers_auditwaiting (event_id, tenant_id) VALUES (-7, {cast.abacus.pk})")
    assert wrong(cast) == "Event -7 of seal 4 is missing."
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    late = AuditEvent.objects.filter(tenant_id=cast.abacus.pk).latest("id").pk
    seal(cast.abacus.pk)
    tamper(f"UPDATE transfers_auditevent SET pair_id = 1 WHERE id = {late}")
    assert f"Event {late} of seal 5 was changed." in wrong(cast)


def test_an_event_that_is_kept_from_being_sealed(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    late = AuditEvent.objects.latest("id").pk
    tamper("DELETE FROM transfers_auditwaiting")
    assert wrong(cast) == f"Event {late} is in no seal: it was added or kept back outside of the application."


def test_events_that_nobody_can_seal_are_counted(
    cast: Cast, as_owner: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if somebody held the sealer's lock for good."""
    monkeypatch.setattr(audit_verification, "seal", lambda tenant_id: 0)
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)
    assert wrong(cast) == ""
    run(INSERT_BACK_DATED.format(tenant=cast.abacus.pk))
    assert wrong(cast) == "For more than an hour 1 event could not be sealed: somebody holds the lock."


# --- What the application cannot do ----------------------------------------------------------------------------------

FORGED = f"""
INSERT INTO transfers_auditseal (tenant_id, number, sealed_at, events, digests, digest)
SELECT s.tenant_id, s.number, s.sealed_at, s.events, s.digests, coalesce({audit_chain.DIGEST_OF_SEAL}, '') FROM (
    SELECT tenant_id, number + 1 AS number, clock_timestamp() AS sealed_at,
        %(events)s::bigint[] AS events, %(digests)s::bytea[] AS digests
    FROM transfers_auditseal WHERE tenant_id = %(tenant)s ORDER BY number DESC LIMIT 1
) AS s, (SELECT digest FROM transfers_auditseal WHERE tenant_id = %(tenant)s ORDER BY number DESC LIMIT 1) AS before
"""
NOTHING = sha256(b"").digest()


def forge(cast: Cast, events: list[int | None], digests: list[bytes | None]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FORGED, {"tenant": cast.abacus.pk, "events": events, "digests": digests})


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


ODD_SEALS: list[tuple[list[int | None], list[bytes | None]]] = [
    ([None], [NOTHING]),
    ([-7], [None]),
    ([-7], [NOTHING, NOTHING]),
    ([-7, -8], [NOTHING]),
    ([], []),
]


@pytest.mark.parametrize(("events", "digests"), ODD_SEALS)
def test_a_seal_holds_events_and_a_digest_of_each(
    cast: Cast, sealed: list[int], as_owner: None, events: list[int | None], digests: list[bytes | None]
) -> None:
    with pytest.raises(IntegrityError, match="audit_seal_"):
        forge(cast, events, digests)


@pytest.mark.parametrize(("events", "digests"), ODD_SEALS)
def test_an_odd_seal_is_found_and_makes_nobody_blind(
    cast: Cast, sealed: list[int], tamper: Tamper, events: list[int | None], digests: list[bytes | None]
) -> None:
    for name in ("audit_seal_holds_events", "audit_seal_digest_of_each", "audit_seal_no_gaps"):
        tamper(f"ALTER TABLE transfers_auditseal DROP CONSTRAINT {name}")
    forge(cast, events, digests)
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    tamper("DELETE FROM transfers_auditwaiting")
    found = wrong(cast)
    assert "seal 4" in found.lower()
    assert "is in no seal" in found


@pytest.mark.parametrize(
    "act",
    [
        "INSERT INTO transfers_auditseal SELECT * FROM transfers_auditseal",
        "DELETE FROM transfers_auditwaiting",
        "UPDATE transfers_auditwaiting SET tenant_id = 0",
        "INSERT INTO transfers_auditwaiting (event_id, tenant_id) VALUES (-7, 1)",
    ],
)
def test_the_application_neither_seals_nor_takes_away_what_waits(sealed: list[int], act: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"):
        run(act)


def test_the_application_can_only_have_sealed_what_waits(cast: Cast, sealed: list[int]) -> None:
    """In the order of ids, at most a thousand at a time, whatever it asks for."""
    for number in range(3):
        record("row-cleared", tenant_id=cast.abacus.pk, by=cast.ada, row=number)
    for limit in ("-5", "NULL", "0"):
        run(f"SELECT * FROM transfers_seal({cast.abacus.pk}, {limit})")
    assert not AuditWaiting.objects.exists()
    assert wrong(cast) == ""


@pytest.mark.parametrize("trigger", ["transfers_audit_wait", "transfers_audit_stamp"])
def test_the_application_cannot_use_the_triggers_on_tables_of_its_own(
    sealed: list[int], trigger: str
) -> None:
    run("CREATE TEMPORARY TABLE mine (id bigint, tenant_id bigint, at timestamptz) ON COMMIT DROP")
    with pytest.raises(DatabaseError, match="permission denied for function"):
        run(
            "CREATE TRIGGER mine AFTER INSERT ON mine REFERENCING NEW TABLE AS added"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {trigger}()"
        )


def test_temporary_tables_do_not_divert_what_is_noted_and_sealed(cast: Cast, sealed: list[int]) -> None:
    for table in ("transfers_auditwaiting", "transfers_auditseal"):
        run(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP")
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    assert seal(cast.abacus.pk) == 1
    for table in ("transfers_auditwaiting", "transfers_auditseal"):
        run(f"DROP TABLE pg_temp.{table}")
    assert AuditSeal.objects.filter(tenant_id=cast.abacus.pk).count() == 4
    assert wrong(cast) == ""


def test_the_application_cannot_silence_the_triggers(cast: Cast, sealed: list[int]) -> None:
    """django-pgtrigger's own ones can be: by a setting that names them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'transfers_auditevent'::regclass AND NOT tgisinternal"
        )
        names = ",".join(name for (name,) in cursor.fetchall())
    run(f"SET LOCAL pgtrigger.ignore = '{{{names}}}'")
    run(INSERT_BACK_DATED.format(tenant=cast.abacus.pk))
    assert AuditWaiting.objects.count() == 1
    assert not AuditEvent.objects.filter(pk=-5).exists()


INSERT_BACK_DATED = """
INSERT INTO transfers_auditevent (id, tenant_id, at, kind, actor_name, details)
VALUES (-5, {tenant}, '2020-01-01', 'signed-in', 'Ada Admin', '{{}}')
"""


def test_the_application_does_not_choose_when_or_which(cast: Cast, sealed: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (before,) = cursor.fetchone()
        cursor.execute(INSERT_BACK_DATED.format(tenant=cast.abacus.pk))
    made = AuditEvent.objects.latest("id")
    assert made.pk > max(sealed)
    assert made.at >= before
    assert made.actor_name == "Ada Admin"
    assert AuditEvent.objects.create(pk=-5, tenant_id=cast.abacus.pk, at=before).pk > made.pk


def test_the_owner_restores_events_as_they_were(cast: Cast, as_owner: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT_BACK_DATED.format(tenant=cast.abacus.pk))
    assert AuditEvent.objects.get(pk=-5).at.year == 2020


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
