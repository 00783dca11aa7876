"""Shifts of the target that lie ahead and would be overwritten are a warning (csv-cases.md, 41)."""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate

from accounts.models import User
from tests.transfers.cast import Cast
from tests.transfers.records import schedule
from transfers.plan import plan_for_pair
from transfers.workforce.models import AgentSchedule

pytestmark = pytest.mark.django_db


def shift(user: User, days: int) -> None:
    made = schedule(user, 1 + AgentSchedule.objects.filter(user=user).count(), activities=0)
    AgentSchedule.objects.filter(pk=made.pk).update(date=localdate() + timedelta(days=days))


def warnings(cast: Cast) -> list[str]:
    plan = plan_for_pair(cast.ada, cast.ana.pk, cast.bo.pk)
    return [problem.sentence for problem in plan.warnings if problem.code == "upcoming-in-target"]


def test_shifts_from_today_on_that_would_go(cast: Cast) -> None:
    shift(cast.ana, -1)
    for days in (-1, 0, 7):
        shift(cast.bo, days)
    assert warnings(cast) == [
        f"Target Bo Chen ({cast.bo.pk}) has Agent Schedules (2) from today on, which will be overwritten."
    ]


def test_past_shifts_are_not_mentioned(cast: Cast) -> None:
    shift(cast.ana, 3)
    shift(cast.bo, -1)
    assert warnings(cast) == []


def test_where_the_source_has_none_the_target_keeps_its_own(cast: Cast) -> None:
    shift(cast.bo, 3)
    assert warnings(cast) == []
