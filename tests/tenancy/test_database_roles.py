"""The application's role: excess and missing rights are reported, and `migrate` repairs them."""

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from tenancy import database_roles
from tenancy.checks import check_row_level_security
from tests.fixtures.roles import as_owner

pytestmark = pytest.mark.django_db


def all_messages() -> set[str]:
    return {
        f"{message.id} {message.msg}" for message in check_row_level_security(None, databases=["default"])
    }


def messages(code: str) -> list[str]:
    return sorted(message for message in all_messages() if message.startswith(code))


def run_as_owner(statement: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_role_of_the_tests_passes() -> None:
    assert all_messages() == set()
    call_command("check", databases=["default"])


def test_a_superuser_is_refused() -> None:
    with as_owner():
        assert "is a superuser" in messages("tenancy.E001")[0]
        assert any("owns the table accounts_user" in message for message in messages("tenancy.E003"))


def test_a_role_that_bypasses_policies_is_refused() -> None:
    run_as_owner("ALTER ROLE transfer BYPASSRLS")
    assert "has BYPASSRLS" in messages("tenancy.E001")[0]


def test_a_member_of_the_owner_is_refused() -> None:
    run_as_owner(
        "CREATE ROLE another_owner; ALTER TABLE accounts_team OWNER TO another_owner; GRANT another_owner TO transfer"
    )
    assert "owns the table accounts_team" in messages("tenancy.E003")[0]


def test_a_table_without_its_policy_is_reported() -> None:
    run_as_owner(
        "DROP POLICY tenant_isolation ON audit_auditevent; ALTER TABLE accounts_role DISABLE ROW LEVEL SECURITY"
    )
    assert [message.split()[3] for message in messages("tenancy.E004")] == [
        "accounts_role",
        "audit_auditevent",
    ]


def test_missing_rights_and_excess_rights_on_the_audit_log_are_reported() -> None:
    run_as_owner(
        "REVOKE DELETE ON quality_ccr FROM transfer; GRANT UPDATE, TRUNCATE ON audit_auditevent TO transfer"
    )
    assert "may not DELETE on the table quality_ccr" in messages("tenancy.E005")[0]
    assert "may TRUNCATE, UPDATE on the table audit_auditevent" in messages("tenancy.E006")[0]


def test_rights_to_add_operators_or_write_through_a_view_are_reported() -> None:
    run_as_owner(
        "GRANT INSERT ON operations_operator TO transfer; GRANT UPDATE ON accounts_searchable TO transfer"
    )
    assert "may INSERT on the table operations_operator" in messages("tenancy.E006")[0]
    assert "may UPDATE on the table accounts_searchable" in messages("tenancy.E006")[1]


def test_functions_of_the_owner_are_for_the_application_only() -> None:
    run_as_owner(
        "GRANT EXECUTE ON FUNCTION audit_wait() TO PUBLIC;"
        "REVOKE ALL ON FUNCTION audit_seal(bigint, integer) FROM transfer"
    )
    assert "may not call audit_seal" in messages("tenancy.E005")[0]
    assert "may use audit_wait() in its own triggers" in messages("tenancy.E006")[0]
    with as_owner():
        database_roles.apply_row_level_security(None, using="default", plan=[])
    assert all_messages() == set()


@pytest.mark.parametrize("role", ["PUBLIC", "transfer"])
def test_a_role_that_may_create_in_the_schema_is_refused(role: str) -> None:
    """A database upgraded from PostgreSQL 14 keeps the right of every role to create functions in `public`."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
    (message,) = messages("tenancy.E007")
    assert "may create tables and functions in the schema public" in message


def test_a_session_without_triggers_is_refused() -> None:
    assert messages("tenancy.E010") == []
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    (message,) = messages("tenancy.E010")
    assert "Triggers are off" in message


def test_functions_of_the_owner_need_a_fixed_search_path() -> None:
    assert messages("tenancy.E008") == []
    for change in ("RESET search_path", "SET search_path = pg_temp, public"):
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(f"ALTER FUNCTION audit_seal(bigint, integer) {change}")
        (message,) = messages("tenancy.E008")
        assert "audit_seal(bigint,integer) runs as the owner" in message


def test_a_role_without_temporary_tables_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone()
    run_as_owner(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
    assert "may not create temporary tables" in messages("tenancy.E002")[0]


def test_migrate_restores_policies_and_rights() -> None:
    run_as_owner(
        "DROP POLICY tenant_isolation ON audit_auditevent; REVOKE DELETE ON quality_ccr FROM transfer;"
        "GRANT UPDATE ON audit_auditevent TO transfer"
    )
    with as_owner():
        database_roles.apply_row_level_security(None, using="default", plan=[])
    assert all_messages() == set()


def test_a_later_table_is_granted_by_the_next_migrate() -> None:
    run_as_owner("CREATE TABLE later (id bigint GENERATED BY DEFAULT AS IDENTITY)")
    with as_owner():
        database_roles.apply_row_level_security(None, using="default", plan=[])
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO later DEFAULT VALUES RETURNING id")
        assert cursor.fetchone() == (1,)


def test_a_single_role_for_both_is_logged_as_unprotected(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        settings.APPLICATION_ROLE = cursor.fetchone()[0]
        database_roles.apply_row_level_security(None, using="default", plan=[])
    assert "row-level security does not apply to it" in caplog.text


def test_the_owner_is_not_checked_because_it_only_migrates(settings: Settings) -> None:
    settings.AS_TABLE_OWNER = True
    with as_owner():
        assert all_messages() == set()
