"""The second wall: a query that forgets the tenant gets nothing, whatever table it reads or writes."""

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

from accounts import database_roles, row_security, wall
from accounts.middleware import TenantMiddleware
from accounts.models import AccessViewUser, Role, RoleAssignment, SearchableUser, Team, User
from tests.roles import as_owner
from tests.transfers.cast import Cast, add_pair, draft, signed_in, transfer
from transfers.audit import record
from transfers.audit_chain import seal
from transfers.engine.stage import StagedPair, set_stage
from transfers.models import DiscardedRow, Participant
from user_import.models import UserImport

PRODUCT = ("accounts", "transfers", "user_import", "operations")
BEHIND = row_security.behind()


@pytest.fixture
def world(cast: Cast) -> Cast:
    """At least one row of each tenant in every table behind the wall."""
    for person, pair in ((cast.ada, (cast.ana, cast.bo)), (cast.frida, foreigners(cast))):
        AccessViewUser.objects.create(view=person.access_views.get(), user=pair[0])
        if not pair[0].team:
            pair[0].team = Team.objects.create(tenant=person.tenant, name="Support")
            pair[0].save()
        draft(person, {"number": 2})
        made = transfer(person, pair)
        Participant.objects.create(transfer=made, user=pair[0])
        UserImport.objects.create(made_by=person, file_name="users.csv", rows=[])
        gone = {"table": "quality_ccr", "reason": "dropped", "row": {}}
        DiscardedRow.objects.create(tenant_id=person.tenant_id, transfer_id=made.pk, pair_id=1, **gone)
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


def tenant_of(entry: row_security.Behind, row: Model) -> int:
    if entry.tenant:
        return int(getattr(row, entry.tenant))
    return int(getattr(row, entry.through).tenant_id)


# --- Every table ---------------------------------------------------------------------------------------------------


def test_every_model_of_the_product_says_where_it_stands() -> None:
    models = {
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in PRODUCT and model.__module__.startswith(PRODUCT)
    }
    said = {entry.model for entry in BEHIND} | set(row_security.before())
    assert models == said
    assert all(len(because) > 20 for because in row_security.before().values())


def test_whoever_runs_these_tests_is_held_by_the_wall(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT row_security_active('accounts_user')")
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize("entry", BEHIND, ids=lambda entry: entry.table)
class TestEachTable:
    def test_without_a_tenant_nothing_is_there(self, world: Cast, entry: row_security.Behind) -> None:
        assert ids(entry.model)
        with wall.showing(wall.NOBODY):
            assert ids(entry.model) == set()

    def test_each_tenant_sees_its_own_and_only_its_own(self, world: Cast, entry: row_security.Behind) -> None:
        rows = list(entry.model._default_manager.all())
        for tenant in (world.abacus, world.foreign):
            own = {row.pk for row in rows if tenant_of(entry, row) == tenant.pk}
            with wall.tenant(tenant.pk):
                assert own
                assert ids(entry.model) == own

    def test_no_row_of_another_tenant_can_be_changed_or_deleted(
        self, world: Cast, entry: row_security.Behind
    ) -> None:
        foreign = [
            row.pk for row in entry.model._default_manager.all() if tenant_of(entry, row) == world.foreign.pk
        ]
        table = entry.model._meta.db_table
        key = entry.model._meta.pk.column
        with wall.tenant(world.abacus.pk), connection.cursor() as cursor:
            if "UPDATE" in entry.rights:
                cursor.execute(f"UPDATE {table} SET {key} = {key} WHERE {key} = ANY (%s)", [foreign])
                assert cursor.rowcount == 0
            if "DELETE" in entry.rights:
                cursor.execute(f"DELETE FROM {table} WHERE {key} = ANY (%s)", [foreign])
                assert cursor.rowcount == 0
        assert set(foreign) <= ids(entry.model)

    def test_no_row_can_be_added_for_another_tenant(self, world: Cast, entry: row_security.Behind) -> None:
        """The very row of the other tenant, once more: the wall speaks before any unique key does. What only the
        database's own functions write, the application cannot add at all."""
        said_by_the_wall = "row-level security" if "INSERT" in entry.rights else "permission denied"
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
            wall.tenant(world.abacus.pk),
            pytest.raises(DatabaseError, match=said_by_the_wall),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, [text])


def test_the_view_for_searching_is_behind_the_wall_too(world: Cast) -> None:
    assert ids(SearchableUser) == ids(User)
    with wall.showing(wall.NOBODY):
        assert ids(SearchableUser) == set()
    with wall.tenant(world.foreign.pk):
        assert ids(SearchableUser) == ids(User) == set(world.foreign.users.values_list("pk", flat=True))


JOINS = [
    (entry, field)
    for entry in BEHIND
    if "INSERT" in entry.rights
    for field in entry.model._meta.concrete_fields
    if isinstance(field, ForeignKey) and field.column != entry.tenant and field.name not in entry.once
]


@pytest.mark.parametrize(
    ("entry", "field"), JOINS, ids=lambda part: getattr(part, "name", None) or part.table
)
def test_no_row_can_point_to_one_of_another_tenant(
    world: Cast, entry: row_security.Behind, field: "ForeignKey"
) -> None:
    with wall.tenant(world.foreign.pk):
        foreign = field.remote_field.model._default_manager.values_list("pk", flat=True).first()
    with wall.tenant(world.abacus.pk):
        own = entry.model._default_manager.values_list("pk", flat=True).first()
        rows = entry.model._default_manager.filter(pk=own)
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            rows.update(**{field.attname: foreign})


@pytest.mark.parametrize("end", ["source", "target"])
def test_no_pair_can_be_made_with_a_user_of_another_tenant(world: Cast, end: str) -> None:
    made = transfer(world.ada, (world.cy, world.di))
    made.pairs.all().delete()
    users = {"source": world.cy, "target": world.di, end: world.frida}
    with wall.tenant(world.abacus.pk), pytest.raises(DatabaseError, match="row-level"), transaction.atomic():
        add_pair(made, 2, **users)


def test_a_role_of_one_tenant_is_not_given_to_a_user_of_another(world: Cast) -> None:
    role = Role.objects.filter(tenant=world.foreign).first()
    with wall.tenant(world.abacus.pk), pytest.raises(DatabaseError, match="row-level"), transaction.atomic():
        RoleAssignment.objects.create(role=role, user=world.nina)


def test_an_id_that_is_no_number_shows_nothing(world: Cast) -> None:
    with pytest.raises(ValueError, match="invalid literal"), wall.tenant("1 OR true"):  # type: ignore[arg-type]
        pass


# --- Blocks, rollbacks, threads, connections ------------------------------------------------------------------------


def shown_to_the_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transfers.tenant', true)")
        return str(cursor.fetchone()[0])


def test_blocks_may_stand_in_blocks(db: None) -> None:
    with wall.tenant(1):
        with wall.tenant(2):
            assert shown_to_the_database() == "2"
        with wall.every_tenant():
            assert shown_to_the_database() == "*"
        assert shown_to_the_database() == "1"
        with wall.showing(wall.NOBODY):
            assert shown_to_the_database() == ""


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_a_rollback_does_not_bring_an_earlier_tenant_back(db: None) -> None:
    with wall.tenant(1):
        assert shown_to_the_database() == "1"
        with rolled_back(), wall.tenant(2):
            assert shown_to_the_database() == "2"
        assert shown_to_the_database() == "1"
        with wall.tenant(3):
            with rolled_back():
                assert shown_to_the_database() == "3"
            assert shown_to_the_database() == "3"


def test_a_block_that_ends_in_a_failed_transaction_leaves_the_error_as_it_was(cast: Cast) -> None:
    with (
        pytest.raises(IntegrityError),
        wall.tenant(cast.abacus.pk),
        transaction.atomic(),
        wall.every_tenant(),
    ):
        Team.objects.create(tenant=cast.abacus, name="Support")
    assert shown_to_the_database() == "*"


@pytest.mark.django_db(transaction=True)
def test_after_a_rollback_of_a_whole_transaction_the_tenant_is_said_anew() -> None:
    with wall.tenant(1), rolled_back(), wall.tenant(2):
        assert shown_to_the_database() == "2"
    with wall.tenant(2):
        assert shown_to_the_database() == "2"
        with rolled_back(), wall.every_tenant():
            assert shown_to_the_database() == "*"
        assert shown_to_the_database() == "2"


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_lost_comes_back_with_the_tenant() -> None:
    with wall.tenant(1):
        assert shown_to_the_database() == "1"
        connection.close()
        assert shown_to_the_database() == "1"


@pytest.mark.django_db(transaction=True)
def test_a_thread_sees_nothing_until_it_says_whose_rows_it_wants(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wall, "outside", wall.NOBODY)
    found: list[int] = []

    def look() -> None:
        found.append(User.objects.count())
        with wall.tenant(cast.foreign.pk):
            found.append(User.objects.count())
        connection.close()

    with wall.tenant(cast.abacus.pk):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found == [0, 1]


def test_what_is_said_once_is_not_said_again(db: None) -> None:
    """The wall costs a statement where the tenant changes, and none where it stays."""
    with wall.tenant(1):
        shown_to_the_database()
        assert connection.shown == "1"
        connection.shown = "2"  # as if it had been told so: nothing is said, and the database still shows 1
    with wall.tenant(2):
        assert shown_to_the_database() == "1"
        connection.shown = None


# --- Requests ------------------------------------------------------------------------------------------------------


def test_a_request_sees_its_own_tenant_and_leaves_nothing_behind(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wall, "outside", wall.NOBODY)
    with wall.every_tenant():
        ada, frida = signed_in(cast.ada), signed_in(cast.frida)
    for client, name in ((ada, "Abacus"), (frida, "Foreign"), (ada, "Abacus")):
        answer = client.get(reverse("transfers:audit-log"))
        assert name in answer.content.decode()
        assert wall.current() == wall.NOBODY
        assert User.objects.count() == 0


def test_the_same_connection_serves_one_tenant_after_the_other(cast: Cast) -> None:
    """With queries that do not say the tenant: nothing but the wall tells them apart."""
    seen: list[int] = []

    def page(request: HttpRequest) -> HttpResponse:
        seen.append(User.objects.count())
        return HttpResponse()

    for user in (cast.ada, cast.frida, cast.ada):
        request = RequestFactory().get("/")
        request.user = user
        TenantMiddleware(page)(request)
    assert seen == [User.objects.filter(tenant=cast.abacus).count(), 1, seen[0]]


def test_what_is_streamed_after_the_view_is_still_of_the_tenant(cast: Cast) -> None:
    def rows() -> Iterator[bytes]:
        for _ in range(2):
            yield str(User.objects.count()).encode()

    request = RequestFactory().get("/")
    request.user = cast.frida
    response = TenantMiddleware(lambda request: StreamingHttpResponse(rows()))(request)
    assert isinstance(response, StreamingHttpResponse)
    parts = iter(response)
    assert next(parts) == b"1"
    assert wall.current() == wall.EVERYBODY  # of the test, between two parts
    assert list(parts) == [b"1"]


def test_who_is_not_signed_in_sees_nothing_but_can_sign_in(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.ada.set_password("move-with-care")
    cast.ada.save()
    monkeypatch.setattr(wall, "outside", wall.NOBODY)
    client = Client()
    answer = client.post(reverse("accounts:sign-in"), {"username": "ada.admin", "password": "move-with-care"})
    assert answer.status_code == 302
    assert client.get(reverse("transfers:transfer-list")).status_code == 200
    assert wall.current() == wall.NOBODY


# --- The audit log -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["transfers_auditevent", "transfers_auditseal"])
@pytest.mark.parametrize("act", ["UPDATE {} SET tenant_id = 0", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_application_cannot_change_the_audit_log(world: Cast, table: str, act: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(act.format(table))


@pytest.mark.parametrize("table", ["transfers_auditevent", "transfers_auditseal"])
@pytest.mark.parametrize("act", ["UPDATE {} SET tenant_id = 0", "DELETE FROM {}", "TRUNCATE {}"])
def test_nor_can_the_owner_of_the_tables(world: Cast, as_owner: None, table: str, act: str) -> None:
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


def test_every_database_view_can_only_be_read(world: Cast) -> None:
    """It belongs to the owner, whom no policy holds: what was written through it would go round the wall."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("CREATE VIEW later AS SELECT * FROM accounts_user")
        cursor.execute("GRANT ALL ON later TO transfer")
        database_roles.put_in_place(None, using="default", plan=[])
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
def test_what_the_server_alone_says_can_only_be_read(world: Cast, table: str, act: str) -> None:
    """Who is an operator, and which migrations there were."""
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(act.format(table))


def test_the_engine_does_not_touch_a_pair_whose_user_went_to_another_tenant(world: Cast) -> None:
    """`transfers.engine.recheck` says so first; the stage would not hold the pair either."""
    with wall.tenant(world.abacus.pk), transaction.atomic():
        pairs = [StagedPair(1, world.ana.pk, world.bo.pk), StagedPair(2, world.cy.pk, world.frida.pk)]
        assert set_stage(pairs) == 1
