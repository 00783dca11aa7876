"""A warning about upcoming shifts of the target that would be replaced (docs/csv-cases.md, 41)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from django.utils.timezone import localdate

from accounts.models import User
from records.workforce.models import AgentSchedule
from tests.fixtures.cast import Cast
from tests.fixtures.records import schedule
from transfers import registry
from transfers.planning.plan import plan_for_pair
from transfers.rules import Combine, KeepSource

pytestmark = pytest.mark.django_db


def shift(user: User, days: int) -> None:
    made = schedule(user, 1 + AgentSchedule.objects.filter(user=user).count(), activities=0)
    AgentSchedule.objects.filter(pk=made.pk).update(date=localdate() + timedelta(days=days))


def warnings(cast: Cast) -> list[str]:
    plan = plan_for_pair(cast.ada, cast.ana.pk, cast.bo.pk)
    return [problem.sentence for problem in plan.warnings if problem.code == "upcoming-in-target"]


@contextmanager
def combined(key: str) -> Iterator[None]:
    """Combine the records of this data type: if two conflict, the source's stays."""
    rule = Combine(on_clash=KeepSource())
    types = [replace(entry, rule=rule) if entry.key == key else entry for entry in registry.data_types()]
    with patch.object(registry, "declarations", lambda: [SimpleNamespace(DATA_TYPES=types)]):
        registry.data_types.cache_clear()
        try:
            yield
        finally:
            registry.data_types.cache_clear()


def test_shifts_from_today_on_that_would_be_replaced(cast: Cast) -> None:
    shift(cast.ana, -1)
    for days in (-1, 0, 7):
        shift(cast.bo, days)
    assert warnings(cast) == [
        f"Bo Chen ({cast.bo.pk}) has 2 upcoming Agent Schedules. They will be replaced."
    ]


def test_shifts_that_are_combined_are_not_mentioned(cast: Cast) -> None:
    """Of two shifts on one day the source's stays, but the other ones of the target stay, too."""
    shift(cast.ana, 7)
    for days in (7, 8):
        shift(cast.bo, days)
    assert len(warnings(cast)) == 1
    with combined("workforce.agentschedule"):
        plan = plan_for_pair(cast.ada, cast.ana.pk, cast.bo.pk)
        assert [line.replaced for line in plan.totals.lines] == [1]
        assert warnings(cast) == []


def test_past_shifts_are_not_mentioned(cast: Cast) -> None:
    shift(cast.ana, 3)
    shift(cast.bo, -1)
    assert warnings(cast) == []


def test_no_warning_if_the_source_has_no_shifts(cast: Cast) -> None:
    shift(cast.bo, 3)
    assert warnings(cast) == []
