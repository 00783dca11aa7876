"""The tables and views that the application's role can only read or add to."""

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import SearchableUser
from tenancy import database_roles
from tests.fixtures.cast import Cast
from tests.fixtures.roles import as_owner


@pytest.mark.parametrize("table", ["audit_auditevent", "audit_auditseal"])
@pytest.mark.parametrize("act", ["UPDATE {} SET tenant_id = 0", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_application_cannot_change_the_audit_log(world: Cast, table: str, act: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(act.format(table))


@pytest.mark.parametrize("table", ["audit_auditevent", "audit_auditseal"])
@pytest.mark.parametrize("act", ["UPDATE {} SET tenant_id = 0", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_owner_of_the_tables_cannot_change_the_audit_log_either(
    world: Cast, as_owner: None, table: str, act: str
) -> None:
    with (
        pytest.raises(DatabaseError, match="Cannot update or delete|can only be added to"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(act.format(table))


VIEWS = """
SELECT c.relname, has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'),
    has_any_column_privilege(c.oid, 'INSERT, UPDATE')
FROM pg_class AS c WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('v', 'm')
"""


def test_every_database_view_is_read_only(world: Cast) -> None:
    """Views belong to the owner, so writing through one would bypass the policies."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("CREATE VIEW later AS SELECT * FROM accounts_user")
        cursor.execute("GRANT ALL ON later TO transfer")
        database_roles.apply_row_level_security(None, using="default", plan=[])
    with connection.cursor() as cursor:
        cursor.execute(VIEWS)
        found = {name: rights for name, *rights in cursor.fetchall()}
    assert set(found) == {"accounts_searchable", "later"}
    assert list(found.values()) == [[True, False, False]] * 2
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        SearchableUser.objects.update(tenant_id=world.foreign.pk)


@pytest.mark.parametrize("table", ["operations_operator", "django_migrations"])
@pytest.mark.parametrize(
    "act", ["INSERT INTO {0} SELECT * FROM {0}", "DELETE FROM {0}", "UPDATE {0} SET id = 0"]
)
def test_operators_and_applied_migrations_are_read_only(world: Cast, table: str, act: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(act.format(table))
