"""Demo data is reproducible, created completely or not at all, and consistent even for data types added later."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F, Model
from django.test import Client
from django.test.utils import isolate_apps
from django.urls import reverse
from django.utils import timezone
from psycopg import sql
from pytest_django import Settings

from accounts.models import AccessView, Team, User
from accounts.scope import is_tenant_administrator, visible_users
from demo import seed
from demo.accounts import ACCOUNTS, PASSWORD
from demo.records import order
from demo.special_users import SPECIAL_USERS
from records.quality.models import CCR, ContactGoalProgress, Evaluation
from records.workforce.models import AccumulatedVacationHours, AgentSchedule, AgentServiceProductivity
from tenancy.context import NO_TENANT, setting_context
from tenancy.models import Tenant
from tests.fixtures.running import run_single
from tests.fixtures.types_of_tomorrow import Tomorrow, tomorrow
from transfer_site.run.embedded import APPLICATION
from transfers.models import PairState
from transfers.registry import data_types

# As `manage.py seed_demo` does, seed as the table owner: PostgreSQL refuses COPY FROM under row-level security.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("as_owner")]

UNTIL = date(2026, 3, 31)


def plant(users: int = 40, scale: float = 0.1, number: int = 1) -> dict[type[Model], int]:
    return seed.seed(users=users, scale=scale, seed=number, until=UNTIL)


@pytest.fixture
def planted(db: None) -> dict[type[Model], int]:
    return plant()


# --- What is in it -------------------------------------------------------------------------------------------------


def test_every_data_type_and_its_children_have_rows(planted: dict[type[Model], int]) -> None:
    for entry in data_types():
        for model in [entry.model, *order.descendants(entry.children)]:
            assert model._default_manager.exists(), entry.name


def test_the_number_of_rows_follows_demo_rows(planted: dict[type[Model], int]) -> None:
    for model, demo_rows in ((CCR, 400), (AgentServiceProductivity, 600), (AgentSchedule, 90)):
        entry = next(entry for entry in data_types() if entry.model is model)
        assert entry.demo_rows == demo_rows
        assert planted[model] == pytest.approx(demo_rows * 0.1 * 70, rel=0.25)


def test_only_the_accounts_can_sign_in(planted: dict[type[Model], int]) -> None:
    for account in ACCOUNTS:
        signing_in = {"username": account.username, "password": PASSWORD}
        assert Client().post(reverse("accounts:sign-in"), signing_in).status_code == 302, account.username
    names = [account.username for account in ACCOUNTS]
    assert not any(user.has_usable_password() for user in User.objects.exclude(username__in=names))


def test_accounts_see_the_users_in_their_description(planted: dict[type[Model], int]) -> None:
    seen = {a.username: visible_users(User.objects.get(username=a.username)) for a in ACCOUNTS}
    first, second = Tenant.objects.order_by("pk")

    assert set(seen["admin"]) == set(first.users.all())
    assert set(seen["otheradmin"]) == set(second.users.all())
    assert 0 < seen["operator"].count() < seen["admin"].count() / 2


def test_special_users_have_their_properties(planted: dict[type[Model], int]) -> None:
    people = {
        user.username: user for user in User.objects.filter(username__in=[t.username for t in SPECIAL_USERS])
    }

    assert people["maria.silva"].name == people["maria.silva.night"].name
    assert people["maria.silva"].team_id != people["maria.silva.night"].team_id
    assert not people["zeljko.horvat"].is_active
    assert people["tomas.ferreira"] in User.objects.filter(is_tenant_administrator())
    assert not CCR.objects.filter(agent=people["nils.akesson"]).exists()


def test_a_transfer_to_the_frozen_user_fails_with_a_reason(planted: dict[type[Model], int]) -> None:
    iva = User.objects.get(username="iva.frost")
    with_hours = AccumulatedVacationHours.objects.exclude(user=iva).values("user")
    source = User.objects.filter(tenant=iva.tenant, team__isnull=False, pk__in=with_hours, roles=None)[0]
    pair = run_single(User.objects.get(username="admin"), source, iva).pairs.get()
    assert (pair.state, pair.code) == (PairState.FAILED, "constraint")
    assert "Accumulated Vacation Hours" in pair.reason
    assert "demo_frozen_records" in pair.reason


def test_users_are_varied(planted: dict[type[Model], int]) -> None:
    users = User.objects.all()

    assert users.filter(is_active=False).exists()
    assert users.filter(email="").exists()
    assert users.filter(username__contains="@").exists()
    assert users.exclude(username__contains="@").exists()
    assert any(not user.name.isascii() for user in users)


def test_a_shift_holds_its_activities_in_order(planted: dict[type[Model], int]) -> None:
    for schedule in AgentSchedule.objects.prefetch_related("activities")[:50]:
        activities = list(schedule.activities.order_by("starts_at"))
        assert len(activities) == 6
        assert (activities[0].starts_at, activities[-1].ends_at) == (schedule.starts_at, schedule.ends_at)
        assert all(a.ends_at == b.starts_at for a, b in pairwise(activities))
        assert schedule.starts_at.date() == schedule.date


def test_periods_are_ordered_and_within_the_year(planted: dict[type[Model], int]) -> None:
    year = (UNTIL - timedelta(days=366), UNTIL)

    assert not CCR.objects.filter(ended_at__lte=F("started_at")).exists()
    assert not CCR.objects.exclude(started_at__date__range=year).exists()
    assert not ContactGoalProgress.objects.exclude(period__week_day=2).exists(), "weeks start on Monday"


def test_records_stay_within_their_tenant(planted: dict[type[Model], int]) -> None:
    assert Evaluation.objects.exists()
    assert not Evaluation.objects.exclude(form__tenant=F("evaluator__tenant")).exists()
    assert not Evaluation.objects.exclude(ccr__agent__tenant=F("evaluator__tenant")).exists()
    assert not AgentServiceProductivity.objects.exclude(service__tenant=F("user__tenant")).exists()


def test_new_ids_continue_after_the_demo(planted: dict[type[Model], int]) -> None:
    last = CCR.objects.latest("pk")
    user = User.objects.create(tenant=Tenant.objects.first(), username="somebody.new")
    now = timezone.now()

    added = CCR.objects.create(agent=user, contact_id=1, channel="voice", started_at=now, ended_at=now)

    assert added.pk == last.pk + 1


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
