"""What is in the demo data: every data type, users of all kinds, and consistent records."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db.models import F, Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.scope import is_tenant_administrator, visible_users
from demo.accounts import ACCOUNTS, PASSWORD
from demo.records import order
from demo.special_users import SPECIAL_USERS
from records.quality.models import CCR, ContactGoalProgress, Evaluation
from records.workforce.models import AccumulatedVacationHours, AgentSchedule, AgentServiceProductivity
from tenancy.models import Tenant
from tests.demo.test_seed_demo import UNTIL, plant
from tests.fixtures import roles
from tests.fixtures.running import run_single
from transfers.models import PairState
from transfers.registry import data_types

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("as_owner")]


@pytest.fixture(scope="module")
def planted(kept_rows: None) -> dict[type[Model], int]:
    with roles.as_owner():
        return plant()


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
