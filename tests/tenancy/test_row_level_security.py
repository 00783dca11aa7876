"""Row-level security: queries see and change only rows of the current tenant, and none if no tenant is set."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ForeignKey, Model
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import AccessViewUser, Role, RoleAssignment, SearchableUser, Team, User
from accounts.people.user_import.models import UserImport
from audit.chain import seal
from audit.log import record
from tenancy import context, database_roles, policies
from tenancy.middleware import TenantMiddleware
from tests.fixtures.cast import Cast, add_pair, draft, signed_in, transfer
from tests.fixtures.roles import as_owner
from tests.harness.product import PACKAGES
from transfers.engine.stage import StagedPair, set_stage
from transfers.models import JournalEntry, Participant

PRODUCT = ("tenancy", "audit", "accounts", "transfers", "user_import", "operations")
PROTECTED = policies.protected_tables()


@pytest.fixture
def world(cast: Cast) -> Cast:
    """At least one row of each tenant in every protected table."""
    for person, pair in ((cast.ada, (cast.ana, cast.bo)), (cast.frida, foreigners(cast))):
        AccessViewUser.objects.create(view=person.access_views.get(), user=pair[0])
        if not pair[0].team:
            pair[0].team = Team.objects.create(tenant=person.tenant, name="Support")
            pair[0].save()
        draft(person, {"number": 2})
        made = transfer(person, pair)
        Participant.objects.create(transfer=made, user=pair[0])
        UserImport.objects.create(made_by=person, file_name="users.csv", rows=[])
        gone = {"table": "quality_ccr", "what": "dropped", "n": 1}
        JournalEntry.objects.create(tenant_id=person.tenant_id, transfer_id=made.pk, pair_id=1, **gone)
        record("signed-in", tenant_id=person.tenant_id, by=person)
        seal(person.tenant_id)
        record("signed-out", tenant_id=person.tenant_id, by=person)
    cast.frida.access_views.get().teams.add(Team.objects.get(tenant=cast.foreign))
    return cast


def foreigners(cast: Cast) -> tuple[User, User]:
    names = ("Fay", "Finn")
    made = [User.objects.create(tenant=cast.foreign, username=name, first_name=name) for name in names]
    return made[0], made[1]


def ids(model: type[Model]) -> set[int]:
    return set(model._default_manager.values_list("pk", flat=True))


def tenant_of(entry: policies.ProtectedTable, row: Model) -> int:
    if entry.tenant:
        return int(getattr(row, entry.tenant))
    return int(getattr(row, entry.through).tenant_id)


# --- Every table ---------------------------------------------------------------------------------------------------


def test_every_model_of_the_product_is_protected_or_exempt() -> None:
    models = {
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in PRODUCT and model.__module__.startswith(PACKAGES)
    }
    declared = {entry.model for entry in PROTECTED} | set(policies.exempt_models())
    assert models == declared
    assert all(len(because) > 20 for because in policies.exempt_models().values())


def test_row_level_security_applies_to_the_role_of_the_tests(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT row_security_active('accounts_user')")
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize("entry", PROTECTED, ids=lambda entry: entry.table)
class TestEachTable:
    def test_without_a_tenant_no_row_is_visible(self, world: Cast, entry: policies.ProtectedTable) -> None:
        assert ids(entry.model)
        with context.setting_context(context.NO_TENANT):
            assert ids(entry.model) == set()

    def test_each_tenant_sees_only_its_own_rows(self, world: Cast, entry: policies.ProtectedTable) -> None:
        rows = list(entry.model._default_manager.all())
        for tenant in (world.abacus, world.foreign):
            own = {row.pk for row in rows if tenant_of(entry, row) == tenant.pk}
            with context.tenant_context(tenant.pk):
                assert own
                assert ids(entry.model) == own

    def test_no_row_of_another_tenant_can_be_changed_or_deleted(
        self, world: Cast, entry: policies.ProtectedTable
    ) -> None:
        foreign = [
            row.pk for row in entry.model._default_manager.all() if tenant_of(entry, row) == world.foreign.pk
        ]
        table = entry.model._meta.db_table
        key = entry.model._meta.pk.column
        with context.tenant_context(world.abacus.pk), connection.cursor() as cursor:
            if "UPDATE" in entry.rights:
                cursor.execute(f"UPDATE {table} SET {key} = {key} WHERE {key} = ANY (%s)", [foreign])
                assert cursor.rowcount == 0
            if "DELETE" in entry.rights:
                cursor.execute(f"DELETE FROM {table} WHERE {key} = ANY (%s)", [foreign])
                assert cursor.rowcount == 0
        assert set(foreign) <= ids(entry.model)

    def test_no_row_can_be_added_for_another_tenant(
        self, world: Cast, entry: policies.ProtectedTable
    ) -> None:
        """The policy refuses a copy of another tenant's row before a unique key does. The application cannot insert
        at all into tables that only database functions write."""
        refusal = "row-level security" if "INSERT" in entry.rights else "permission denied"
        row = next(r for r in entry.model._default_manager.all() if tenant_of(entry, r) == world.foreign.pk)
        fields = [f.column for f in entry.model._meta.concrete_fields if not f.generated]
        columns = ", ".join(f'"{name}"' for name in fields)
        with connection.cursor() as cursor:
            where = f"{entry.model._meta.pk.column} = %s"
            cursor.execute(f"SELECT to_jsonb(r)::text FROM {entry.table} AS r WHERE {where}", [row.pk])
            (text,) = cursor.fetchone()
        once_more = f"SELECT {columns} FROM jsonb_populate_record(NULL::{entry.table}, %s::jsonb)"
        statement = f"INSERT INTO {entry.table} ({columns}) {once_more}"
        with (
            context.tenant_context(world.abacus.pk),
            pytest.raises(DatabaseError, match=refusal),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, [text])


def test_the_search_view_is_isolated_too(world: Cast) -> None:
    assert ids(SearchableUser) == ids(User)
    with context.setting_context(context.NO_TENANT):
        assert ids(SearchableUser) == set()
    with context.tenant_context(world.foreign.pk):
        assert ids(SearchableUser) == ids(User) == set(world.foreign.users.values_list("pk", flat=True))


JOINS = [
    (entry, field)
    for entry in PROTECTED
    if "INSERT" in entry.rights
    for field in entry.model._meta.concrete_fields
    if isinstance(field, ForeignKey) and field.column != entry.tenant and field.name not in entry.once
]


@pytest.mark.parametrize(
    ("entry", "field"), JOINS, ids=lambda part: getattr(part, "name", None) or part.table
)
def test_no_row_can_reference_one_of_another_tenant(
    world: Cast, entry: policies.ProtectedTable, field: "ForeignKey"
) -> None:
    with context.tenant_context(world.foreign.pk):
        foreign = field.remote_field.model._default_manager.values_list("pk", flat=True).first()
    with context.tenant_context(world.abacus.pk):
        own = entry.model._default_manager.values_list("pk", flat=True).first()
        rows = entry.model._default_manager.filter(pk=own)
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            rows.update(**{field.attname: foreign})


@pytest.mark.parametrize("end", ["source", "target"])
def test_no_pair_can_be_made_with_a_user_of_another_tenant(world: Cast, end: str) -> None:
    made = transfer(world.ada, (world.cy, world.di))
    made.pairs.all().delete()
    users = {"source": world.cy, "target": world.di, end: world.frida}
    with (
        context.tenant_context(world.abacus.pk),
        pytest.raises(DatabaseError, match="row-level"),
        transaction.atomic(),
    ):
        add_pair(made, 2, **users)


def test_a_role_of_one_tenant_is_not_given_to_a_user_of_another(world: Cast) -> None:
    role = Role.objects.filter(tenant=world.foreign).first()
    with (
        context.tenant_context(world.abacus.pk),
        pytest.raises(DatabaseError, match="row-level"),
        transaction.atomic(),
    ):
        RoleAssignment.objects.create(role=role, user=world.nina)


def test_a_tenant_id_that_is_not_a_number_is_an_error(world: Cast) -> None:
    with pytest.raises(ValueError, match="invalid literal"), context.tenant_context("1 OR true"):  # type: ignore[arg-type]
        pass


# --- Blocks, rollbacks, threads, connections ------------------------------------------------------------------------


def tenant_in_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transfers.tenant', true)")
        return str(cursor.fetchone()[0])


def test_blocks_nest(db: None) -> None:
    with context.tenant_context(1):
        with context.tenant_context(2):
            assert tenant_in_database() == "2"
        with context.all_tenants_context():
            assert tenant_in_database() == "*"
        assert tenant_in_database() == "1"
        with context.setting_context(context.NO_TENANT):
            assert tenant_in_database() == ""


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_a_rollback_does_not_restore_an_earlier_tenant(db: None) -> None:
    with context.tenant_context(1):
        assert tenant_in_database() == "1"
        with rolled_back(), context.tenant_context(2):
            assert tenant_in_database() == "2"
        assert tenant_in_database() == "1"
        with context.tenant_context(3):
            with rolled_back():
                assert tenant_in_database() == "3"
            assert tenant_in_database() == "3"


def test_a_block_that_ends_in_a_failed_transaction_does_not_hide_the_error(cast: Cast) -> None:
    with (
        pytest.raises(IntegrityError),
        context.tenant_context(cast.abacus.pk),
        transaction.atomic(),
        context.all_tenants_context(),
    ):
        Team.objects.create(tenant=cast.abacus, name="Support")
    assert tenant_in_database() == "*"


@pytest.mark.django_db(transaction=True)
def test_the_tenant_is_set_again_after_a_whole_transaction_is_rolled_back() -> None:
    with context.tenant_context(1), rolled_back(), context.tenant_context(2):
        assert tenant_in_database() == "2"
    with context.tenant_context(2):
        assert tenant_in_database() == "2"
        with rolled_back(), context.all_tenants_context():
            assert tenant_in_database() == "*"
        assert tenant_in_database() == "2"


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_gets_the_tenant() -> None:
    with context.tenant_context(1):
        assert tenant_in_database() == "1"
        connection.close()
        assert tenant_in_database() == "1"


@pytest.mark.django_db(transaction=True)
def test_a_new_thread_sees_no_rows_until_it_sets_a_tenant(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "outside", context.NO_TENANT)
    found: list[int] = []

    def look() -> None:
        found.append(User.objects.count())
        with context.tenant_context(cast.foreign.pk):
            found.append(User.objects.count())
        connection.close()

    with context.tenant_context(cast.abacus.pk):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found == [0, 1]


def test_an_unchanged_tenant_is_not_sent_again(db: None) -> None:
    """The statement that sets the tenant is sent only when the tenant changes."""
    with context.tenant_context(1):
        tenant_in_database()
        assert connection.tenant_set == "1"
        connection.tenant_set = "2"  # pretend 2 was sent: nothing is sent now, and the database still has 1
    with context.tenant_context(2):
        assert tenant_in_database() == "1"
        connection.tenant_set = None


# --- Requests ------------------------------------------------------------------------------------------------------


def test_a_request_sees_its_own_tenant_and_resets_it_afterwards(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "outside", context.NO_TENANT)
    with context.all_tenants_context():
        ada, frida = signed_in(cast.ada), signed_in(cast.frida)
    for client, name in ((ada, "Abacus"), (frida, "Foreign"), (ada, "Abacus")):
        answer = client.get(reverse("transfers:audit-log"))
        assert name in answer.content.decode()
        assert context.current_setting() == context.NO_TENANT
        assert User.objects.count() == 0


def test_one_connection_serves_different_tenants_in_turn(cast: Cast) -> None:
    """The queries do not filter by tenant; only row-level security separates the tenants."""
    seen: list[int] = []

    def page(request: HttpRequest) -> HttpResponse:
        seen.append(User.objects.count())
        return HttpResponse()

    for user in (cast.ada, cast.frida, cast.ada):
        request = RequestFactory().get("/")
        request.user = user
        TenantMiddleware(page)(request)
    assert seen == [User.objects.filter(tenant=cast.abacus).count(), 1, seen[0]]


def test_a_streamed_response_keeps_its_tenant(cast: Cast) -> None:
    def rows() -> Iterator[bytes]:
        for _ in range(2):
            yield str(User.objects.count()).encode()

    request = RequestFactory().get("/")
    request.user = cast.frida
    response = TenantMiddleware(lambda request: StreamingHttpResponse(rows()))(request)
    assert isinstance(response, StreamingHttpResponse)
    parts = iter(response)
    assert next(parts) == b"1"
    assert (
        context.current_setting() == context.ALL_TENANTS
    )  # the tenant is set only while a part is generated; in between, the test's own setting applies
    assert list(parts) == [b"1"]


def test_an_anonymous_request_can_still_sign_in(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.ada.set_password("move-with-care")
    cast.ada.save()
    monkeypatch.setattr(context, "outside", context.NO_TENANT)
    client = Client()
    answer = client.post(reverse("accounts:sign-in"), {"username": "ada.admin", "password": "move-with-care"})
    assert answer.status_code == 302
    assert client.get(reverse("transfers:transfer-list")).status_code == 200
    assert context.current_setting() == context.NO_TENANT


# --- The audit log -------------------------------------------------------------------------------------------------


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
FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('v', 'm')
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


def test_the_stage_excludes_a_pair_with_a_user_of_another_tenant(world: Cast) -> None:
    """This is a second safeguard, because `transfers.engine.recheck` refuses such a pair earlier."""
    with context.tenant_context(world.abacus.pk), transaction.atomic():
        pairs = [StagedPair(1, world.ana.pk, world.bo.pk), StagedPair(2, world.cy.pk, world.frida.pk)]
        assert set_stage(pairs) == 1
