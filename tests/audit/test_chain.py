"""The hash chain of the audit log: changed, deleted, reordered and inserted events are reported."""

import io
import threading
from collections.abc import Callable
from hashlib import sha256

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit import chain, verification
from audit.chain import DIGEST_OF_EVENT, seal, seal_all, state_of
from audit.log import record
from audit.models import AuditEvent, AuditSeal, AuditWaiting
from audit.tasks import verify_audit
from audit.verification import verify
from tenancy.context import tenant_context
from tenancy.models import Tenant
from tests.fixtures.cast import Cast
from tests.fixtures.running import run_single
from transfers import tasks

Tamper = Callable[[str], None]


@pytest.fixture
def sealed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of seven events of Abacus in three seals. An event of the tenant Foreign follows the fourth."""
    monkeypatch.setattr(chain, "LARGEST_SEAL", 3)
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
    """A function that runs a statement with triggers disabled, as only a superuser can."""

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


def test_seal_digests_match_their_description(cast: Cast, sealed: list[int]) -> None:
    """Recompute the digests in Python, as the docstring of `audit.chain` describes them."""
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
def test_a_changed_event_is_reported(cast: Cast, sealed: list[int], tamper: Tamper, change: str) -> None:
    tamper(f"UPDATE audit_auditevent SET {change} WHERE id = {sealed[4]}")
    assert wrong(cast) == f"Event {sealed[4]} of seal 2 was changed."


def test_several_changed_events_are_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE id IN ({sealed[6]}, {sealed[2]}, {sealed[5]})")
    tamper(f"DELETE FROM audit_auditevent WHERE id = {sealed[4]}")
    assert wrong(cast).split(". ") == [
        f"Event {sealed[2]} of seal 1 was changed",
        f"Event {sealed[4]} of seal 2 is missing",
        f"Event {sealed[5]} of seal 2 was changed",
        f"Event {sealed[6]} of seal 3 was changed.",
    ]


def test_findings_beyond_the_limit_are_counted(
    cast: Cast, sealed: list[int], tamper: Tamper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "MAX_LISTED", 2)
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE tenant_id = {cast.abacus.pk}")
    assert wrong(cast) == (
        f"Event {sealed[0]} of seal 1 was changed. Event {sealed[1]} of seal 1 was changed. Further findings: 5."
    )
    assert wrong(cast).endswith("Further findings: 5.")


def test_a_missing_event_is_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"DELETE FROM audit_auditevent WHERE id = {sealed[3]}")
    assert wrong(cast) == f"Event {sealed[3]} of seal 2 is missing."


def test_an_event_moved_to_another_tenant_is_missing(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"UPDATE audit_auditevent SET tenant_id = {cast.foreign.pk} WHERE id = {sealed[0]}")
    assert wrong(cast) == f"Event {sealed[0]} of seal 1 is missing."
    assert verify(cast.foreign.pk).wrong.startswith(f"Event {sealed[0]} is in no seal")


def test_two_events_with_swapped_ids_are_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    one, two = sealed[0], sealed[1]
    tamper(
        f"UPDATE audit_auditevent SET id = CASE id WHEN {one} THEN -1 ELSE -2 END WHERE id IN ({one}, {two})"
    )
    tamper(f"UPDATE audit_auditevent SET id = CASE id WHEN -1 THEN {two} ELSE {one} END WHERE id IN (-1, -2)")
    assert wrong(cast) == f"Event {one} of seal 1 was changed. Event {two} of seal 1 was changed."


def test_two_swapped_events_of_a_seal_are_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(
        "UPDATE audit_auditseal SET events = events[2:2] || events[1:1] || events[3:3],"
        f" digests = digests[2:2] || digests[1:1] || digests[3:3] WHERE number = 1 AND tenant_id = {cast.abacus.pk}"
    )
    assert wrong(cast) == "Seal 1 was changed, or its events were reordered."


def test_a_forged_seal_breaks_the_next(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    """An event, its digest and its seal's digest are changed consistently, but later seals are unchanged."""
    of_seal = f"number = 1 AND tenant_id = {cast.abacus.pk}"
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE id = {sealed[0]}")
    tamper(
        f"UPDATE audit_auditseal SET digests[1] = (SELECT {DIGEST_OF_EVENT} FROM audit_auditevent AS e"
        f" WHERE id = {sealed[0]}) WHERE {of_seal}"
    )
    tamper(
        "UPDATE audit_auditseal AS s SET digest = "
        + chain.DIGEST_OF_SEAL.replace("%%", "%").replace("before.digest", "NULL::bytea")
        + f" WHERE {of_seal}"
    )
    assert wrong(cast) == "Seal 2 was changed, or its events were reordered."


@pytest.mark.parametrize(
    ("gone", "text"),
    [(1, "Seal 1 is missing; the next one is 2."), (2, "Seal 2 is missing; the next one is 3.")],
)
def test_a_missing_seal_is_reported(
    cast: Cast, sealed: list[int], tamper: Tamper, gone: int, text: str
) -> None:
    tamper(f"DELETE FROM audit_auditseal WHERE number = {gone} AND tenant_id = {cast.abacus.pk}")
    first, *others = wrong(cast).split(". ")
    assert f"{first}." == text
    freed = sealed[3 * (gone - 1) : 3 * gone]
    assert [other.split()[1] for other in others] == [str(event) for event in freed]
    assert all("is in no seal" in other for other in others)


def test_an_inserted_event_is_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(
        "INSERT INTO audit_auditevent (tenant_id, kind, actor_name, details)"
        f" VALUES ({cast.abacus.pk}, 'signed-in', '', '{{}}')"
    )
    assert "is in no seal" in wrong(cast)


def test_an_event_deleted_before_it_was_sealed_is_reported(
    cast: Cast, sealed: list[int], tamper: Tamper
) -> None:
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    late = AuditEvent.objects.latest("id").pk
    tamper(f"DELETE FROM audit_auditevent WHERE id = {late}")
    assert wrong(cast) == f"Event {late} of seal 4 is missing."


def test_a_made_up_waiting_event_does_not_hide_later_findings(
    cast: Cast, sealed: list[int], tamper: Tamper
) -> None:
    tamper(f"INSERT INTO audit_auditwaiting (event_id, tenant_id) VALUES (-7, {cast.abacus.pk})")
    assert wrong(cast) == "Event -7 of seal 4 is missing."
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    late = AuditEvent.objects.filter(tenant_id=cast.abacus.pk).latest("id").pk
    seal(cast.abacus.pk)
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE id = {late}")
    assert f"Event {late} of seal 5 was changed." in wrong(cast)


def test_an_event_kept_from_being_sealed_is_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    late = AuditEvent.objects.latest("id").pk
    tamper("DELETE FROM audit_auditwaiting")
    assert (
        wrong(cast)
        == f"Event {late} is in no seal: it was added, or kept from being sealed, outside the application."
    )


def test_events_that_cannot_be_sealed_are_counted(
    cast: Cast, as_owner: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulate another session that never releases the sealer's lock."""
    monkeypatch.setattr(verification, "seal", lambda tenant_id: 0)
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)
    assert wrong(cast) == ""
    run(INSERT_BACK_DATED.format(tenant=cast.abacus.pk))
    assert wrong(cast) == "1 event could not be sealed for more than an hour: another session holds the lock."


# --- What the application cannot do ----------------------------------------------------------------------------------

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


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


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


@pytest.mark.parametrize(
    "act",
    [
        "INSERT INTO audit_auditseal SELECT * FROM audit_auditseal",
        "DELETE FROM audit_auditwaiting",
        "UPDATE audit_auditwaiting SET tenant_id = 0",
        "INSERT INTO audit_auditwaiting (event_id, tenant_id) VALUES (-7, 1)",
    ],
)
def test_the_application_cannot_write_seals_or_waiting_events(sealed: list[int], act: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"):
        run(act)


def test_the_application_can_only_have_waiting_events_sealed(cast: Cast, sealed: list[int]) -> None:
    """`audit_seal` accepts any limit, but seals only waiting events: at least one and at most a thousand at a time."""
    for number in range(3):
        record("row-cleared", tenant_id=cast.abacus.pk, by=cast.ada, row=number)
    for limit in ("-5", "NULL", "0"):
        run(f"SELECT * FROM audit_seal({cast.abacus.pk}, {limit})")
    assert not AuditWaiting.objects.exists()
    assert wrong(cast) == ""


@pytest.mark.parametrize("trigger", ["audit_wait", "audit_stamp"])
def test_the_application_cannot_use_the_trigger_functions_on_its_own_tables(
    sealed: list[int], trigger: str
) -> None:
    run("CREATE TEMPORARY TABLE mine (id bigint, tenant_id bigint, at timestamptz) ON COMMIT DROP")
    with pytest.raises(DatabaseError, match="permission denied for function"):
        run(
            "CREATE TRIGGER mine AFTER INSERT ON mine REFERENCING NEW TABLE AS added"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {trigger}()"
        )


def test_temporary_tables_do_not_shadow_the_audit_tables(cast: Cast, sealed: list[int]) -> None:
    for table in ("audit_auditwaiting", "audit_auditseal"):
        run(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP")
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    assert seal(cast.abacus.pk) == 1
    for table in ("audit_auditwaiting", "audit_auditseal"):
        run(f"DROP TABLE pg_temp.{table}")
    assert AuditSeal.objects.filter(tenant_id=cast.abacus.pk).count() == 4
    assert wrong(cast) == ""


def test_the_application_cannot_disable_the_triggers(cast: Cast, sealed: list[int]) -> None:
    """Triggers created with django-pgtrigger could be disabled by listing them in the setting `pgtrigger.ignore`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_auditevent'::regclass AND NOT tgisinternal"
        )
        names = ",".join(name for (name,) in cursor.fetchall())
    run(f"SET LOCAL pgtrigger.ignore = '{{{names}}}'")
    run(INSERT_BACK_DATED.format(tenant=cast.abacus.pk))
    assert AuditWaiting.objects.count() == 1
    assert not AuditEvent.objects.filter(pk=-5).exists()


INSERT_BACK_DATED = """
INSERT INTO audit_auditevent (id, tenant_id, at, kind, actor_name, details)
VALUES (-5, {tenant}, '2020-01-01', 'signed-in', 'Ada Admin', '{{}}')
"""


def test_the_application_cannot_choose_time_or_id(cast: Cast, sealed: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (before,) = cursor.fetchone()
        cursor.execute(INSERT_BACK_DATED.format(tenant=cast.abacus.pk))
    made = AuditEvent.objects.latest("id")
    assert made.pk > max(sealed)
    assert made.at >= before
    assert made.actor_name == "Ada Admin"
    assert AuditEvent.objects.create(pk=-5, tenant_id=cast.abacus.pk, at=before).pk > made.pk


def test_the_owner_can_restore_events_unchanged(cast: Cast, as_owner: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT_BACK_DATED.format(tenant=cast.abacus.pk))
    assert AuditEvent.objects.get(pk=-5).at.year == 2020


def test_a_truncated_chain_is_detected_with_a_saved_head(
    cast: Cast, sealed: list[int], tamper: Tamper
) -> None:
    head = state_of(cast.abacus.pk).digest
    call("--holds", head)
    tamper(f"DELETE FROM audit_auditevent WHERE id = {sealed[6]}")
    tamper(f"DELETE FROM audit_auditseal WHERE number >= 3 AND tenant_id = {cast.abacus.pk}")
    tamper("DELETE FROM audit_auditevent WHERE kind = 'audit-verified'; DELETE FROM audit_auditwaiting")
    assert wrong(cast) == ""
    with pytest.raises(CommandError, match="the end of a chain was cut off"):
        call("--holds", head)


# --- The command, the tasks, the page ------------------------------------------------------------------------------


def call(*words: str) -> str:
    out = io.StringIO()
    call_command("verify_audit", *words, stdout=out)
    return out.getvalue()


def test_the_command_reports_an_unchanged_log(cast: Cast, sealed: list[int]) -> None:
    lines = call().splitlines()
    assert lines[0].startswith(f"Tenant {cast.abacus.pk}: 7 events in 3 seals. Nothing was changed. Head: ")
    assert lines[1].startswith(f"Tenant {cast.foreign.pk}: 1 event in 1 seal. Nothing was changed. Head: ")
    event = AuditEvent.objects.filter(kind="audit-verified").first()
    assert event is not None
    assert event.details["result"] == "Nothing was changed."


def test_the_command_exits_with_1_and_names_the_event(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE id = {sealed[0]}")
    out = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("verify_audit", stdout=out)
    assert raised.value.returncode == 1
    assert f"Event {sealed[0]} of seal 1 was changed." in out.getvalue()
    call("--tenant", str(cast.foreign.pk))


def test_an_unknown_tenant_is_an_error(cast: Cast) -> None:
    with pytest.raises(CommandError, match="There is no tenant 999999"):
        call("--tenant", "999999")


def test_the_recovery_sweep_seals_waiting_events(cast: Cast) -> None:
    run_single(cast.ada, cast.ana, cast.bo)
    assert AuditWaiting.objects.exists()
    tasks.recovery_sweep()
    assert not AuditWaiting.objects.exists()
    assert wrong(cast) == ""


def test_the_daily_verification_logs_an_error(
    cast: Cast, sealed: list[int], tamper: Tamper, caplog: pytest.LogCaptureFixture
) -> None:
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE id = {sealed[0]}")
    verify_audit()
    assert next(entry.levelname for entry in caplog.records if "was changed" in entry.message) == "ERROR"


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
