"""Demo data is reproducible, created completely or not at all, and consistent even for data types added later."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F, Model
from django.test.utils import isolate_apps
from psycopg import sql
from pytest_django import Settings

from accounts.models import AccessView, Team, User
from demo import seed
from demo.accounts import PASSWORD
from demo.records import order
from records.quality.models import CCR
from tenancy.context import NO_TENANT, setting_context
from tenancy.models import Tenant
from tests.fixtures.types_of_tomorrow import Tomorrow, tomorrow
from transfer_site.run.embedded import APPLICATION

# As `manage.py seed_demo` does, seed as the table owner: PostgreSQL refuses COPY FROM under row-level security.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("as_owner")]

UNTIL = date(2026, 3, 31)


def plant(users: int = 40, scale: float = 0.1, number: int = 1) -> dict[type[Model], int]:
    return seed.seed(users=users, scale=scale, seed=number, until=UNTIL)


# --- Reproducibility -----------------------------------------------------------------------------------------------


def fingerprint(number: int) -> str:
    """Return a hash of all rows that the seed `number` creates. The rows are then rolled back.

    The hash leaves out passwords and the ids of tenants, teams and views, whose sequences are not rolled back.
    """
    digest = hashlib.sha256()
    with rolled_back():
        for model in [User, *plant(users=30, scale=0.05, number=number)]:
            names = [
                f.attname
                for f in model._meta.concrete_fields
                if f.related_model not in (Tenant, Team, AccessView) and f.attname != "password"
            ]
            for row in model._default_manager.order_by("pk").values_list(*names).iterator():
                digest.update(repr(row).encode())
    return digest.hexdigest()


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_the_same_seed_gives_the_same_rows(db: None) -> None:
    first = fingerprint(1)

    assert fingerprint(1) == first
    assert fingerprint(2) != first


# --- Unknown data types --------------------------------------------------------------------------------------------


@pytest.fixture
def later(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tomorrow]:
    """New data types with their tables, registered in place of the existing ones."""
    with isolate_apps("accounts", "transfers"):
        later = tomorrow()
        with connection.schema_editor() as editor:
            for model in later:
                editor.create_model(model)
        monkeypatch.setattr(order, "data_types", later.types)
        yield later


def test_a_new_type_gets_rows_without_a_change(later: Tomorrow) -> None:
    made = plant(users=30, scale=1)

    agents = made[later.note]  # the key is only the owner column, so each agent has one row
    assert agents == 54
    assert made[later.queue] == 8
    assert made[later.badge] == pytest.approx(30 * agents, rel=0.1)
    assert made[later.stamp] >= made[later.badge]
    assert made[later.buddy] == pytest.approx(5 * agents, rel=0.2)


def test_the_rows_of_a_new_type_are_consistent(later: Tomorrow) -> None:
    plant(users=30, scale=1)

    assert not later.badge._default_manager.filter(until__lt=F("valid_from")).exists()
    watch: Any = later.watch._default_manager.first()
    assert User.objects.filter(pk__in=watch.agent_ids).count() == len(watch.agent_ids) > 0
    assert User.objects.filter(pk__in=watch.filters["shown"]["users"]).exists()
    note: Any = later.note._default_manager.first()
    assert User.objects.filter(pk=int(note.about_id)).exists()
    assert User.objects.filter(username=note.written_by).exists()


# --- The command ---------------------------------------------------------------------------------------------------


def run_command(*words: str) -> str:
    out = StringIO()
    call_command("seed_demo", *words, stdout=out)
    return out.getvalue()


def test_the_command_prints_data_types_accounts_and_special_users(db: None, settings: Settings) -> None:
    settings.DEMO = True

    output = run_command("--users", "30", "--scale", "0.01", "--until", "2026-03-31")

    assert "CCRs" in output
    assert f"admin        {PASSWORD}" in output
    assert "maria.silva.night" in output
    assert User.objects.filter(tenant__name="Northwind Care").count() == 30
    assert not CCR.objects.filter(started_at__date__gt=UNTIL).exists()


def test_a_database_in_use_is_left_alone(db: None, settings: Settings) -> None:
    settings.DEMO = True
    Tenant.objects.create(name="Existing")

    with pytest.raises(CommandError, match="already has a tenant"):
        run_command("--users", "30")

    assert Tenant.objects.count() == 1
    assert not User.objects.exists()


def test_the_application_role_is_refused_with_a_remedy(db: None, settings: Settings) -> None:
    settings.DEMO = True
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(APPLICATION)))
    no_tenant = setting_context(NO_TENANT)  # the context in which every command starts
    with (
        no_tenant,
        pytest.raises(CommandError, match="Set MIGRATION_DATABASE_URL to a URL with the role"),
    ):
        run_command("--users", "30", "--scale", "0.01")


def test_a_production_database_is_refused_without_force(db: None) -> None:
    with pytest.raises(CommandError, match="--force-on-a-real-database"):
        run_command("--users", "30")
    assert not Tenant.objects.exists()

    run_command("--users", "30", "--scale", "0.01", "--force-on-a-real-database")
    assert Tenant.objects.count() == 2


def test_an_interrupted_run_leaves_nothing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(seed, "finish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        plant(users=30, scale=0.01)

    assert not Tenant.objects.exists()
    assert not CCR.objects.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--users", "3"], "at least 30"),
        (["--scale", "0"], "above 0"),
        (["--scale", "much"], "is not a number"),
        (["--until", "yesterday"], "is not a date"),
    ],
)
def test_invalid_options_are_refused(options: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run_command(*options)


@pytest.mark.slow
def test_three_hundred_users_have_many_records(db: None) -> None:
    assert sum(plant(users=300, scale=0.2).values()) > 90_000
