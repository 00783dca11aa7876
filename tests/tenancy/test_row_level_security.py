"""Row-level security: queries see and change only rows of the current tenant, and none if no tenant is set."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models import ForeignKey, Model

from accounts.models import Role, RoleAssignment, SearchableUser, User
from tenancy import context, policies
from tests.fixtures.cast import Cast, add_pair, transfer
from tests.harness.product import PACKAGES
from transfers.engine.stage import StagedPair, set_stage

PRODUCT = ("tenancy", "audit", "accounts", "transfers", "user_import", "operations")
PROTECTED = policies.protected_tables()


def ids(model: type[Model]) -> set[int]:
    return set(model._default_manager.values_list("pk", flat=True))


def tenant_of(entry: policies.ProtectedTable, row: Model) -> int:
    if entry.tenant:
        return int(getattr(row, entry.tenant))
    parent = getattr(row, entry.through)
    return tenant_of(next(other for other in PROTECTED if other.model is type(parent)), parent)


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
    # A policy cannot read its own table.
    if field.remote_field.model is not entry.model
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


def test_the_stage_excludes_a_pair_with_a_user_of_another_tenant(world: Cast) -> None:
    """This is a second safeguard, because `transfers.engine.failures.recheck` refuses such a pair earlier."""
    with context.tenant_context(world.abacus.pk), transaction.atomic():
        pairs = [StagedPair(1, world.ana.pk, world.bo.pk), StagedPair(2, world.cy.pk, world.frida.pk)]
        assert set_stage(pairs) == 1
