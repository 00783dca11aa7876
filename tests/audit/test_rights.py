"""What the application's role can do to the audit log: add events and have them sealed, and nothing else."""

import pytest
from django.db import DatabaseError, connection

from audit.chain import seal
from audit.log import record
from audit.models import AuditEvent, AuditSeal, AuditWaiting
from tests.audit.tampering import INSERT_BACK_DATED, run, wrong
from tests.fixtures.cast import Cast
from tests.fixtures.roles import as_owner


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


# Each of these matches a call in the functions of the owner better than PostgreSQL's own function.
BETTER_MATCHES = [
    "format(text, bigint, integer, bigint) RETURNS text",
    "format(text, bigint, bigint, bigint) RETURNS text",
    "host(inet) RETURNS text",
    "sha256(bytea) RETURNS bytea",
    "jsonb_build_array(bigint, bigint, bigint, varchar, bigint, varchar, text, bigint, bigint, jsonb) RETURNS jsonb",
    "array_to_string(bigint[], text) RETURNS text",
]


@pytest.mark.parametrize("function", BETTER_MATCHES)
def test_the_owner_calls_no_function_that_another_role_made(cast: Cast, function: str) -> None:
    """On a database upgraded from PostgreSQL 14, every role may create functions in the schema of the tables."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    run(f"""CREATE FUNCTION public.{function} LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION 'called as %', current_user; END$$""")
    record("row-cleared", tenant_id=cast.abacus.pk, by=cast.ada, address="192.0.2.1", row=1)
    assert seal(cast.abacus.pk) == 1


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
