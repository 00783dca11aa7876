"""What a transfer discards is kept as it was, can be shown, and is purged when its time is over."""

import io
import json
from collections import Counter
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from tests.transfers import records
from tests.transfers.cast import Cast
from tests.transfers.running import run_single
from transfers import tasks
from transfers.models import DiscardedRow, Transfer
from transfers.retention import PIECE, purge_discarded

pytestmark = pytest.mark.django_db


@pytest.fixture
def transfer(cast: Cast) -> Transfer:
    """Two schedules of the target, with two activities each, were replaced."""
    records.schedule(cast.ana, 1)
    for day in (1, 2):
        records.schedule(cast.bo, day)
    return run_single(cast.ada, cast.ana, cast.bo)


def told(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def age(days: int, rows: int) -> None:
    some = DiscardedRow.objects.order_by("pk").values("pk")[:rows]
    DiscardedRow.objects.filter(pk__in=some).update(discarded_at=timezone.now() - timedelta(days=days))


def test_each_row_is_shown_as_one_line_of_json(cast: Cast, transfer: Transfer) -> None:
    lines = [json.loads(line) for line in told("show_discarded", str(transfer.pk)).splitlines()]
    tables = Counter(line["table"] for line in lines)
    assert tables == {"workforce_agentschedule": 2, "workforce_scheduleactivity": 4}
    schedule = next(line for line in lines if line["table"] == "workforce_agentschedule")
    assert schedule["reason"] == "replaced"
    assert schedule["row"]["user_id"] == cast.bo.pk
    assert schedule["row"]["date"] in ("2026-03-01", "2026-03-02")


def test_an_unknown_transfer_is_said(db: None) -> None:
    with pytest.raises(CommandError, match="no transfer 12345"):
        call_command("show_discarded", "12345")


def test_only_what_is_old_enough_is_purged(transfer: Transfer) -> None:
    age(31, rows=2)
    assert told("purge_discarded") == "Deleted 2 discarded rows older than 30 days.\n"
    assert DiscardedRow.objects.count() == 4


def test_the_days_are_a_setting_and_an_option(transfer: Transfer, settings: Settings) -> None:
    age(8, rows=3)
    settings.DISCARDED_DAYS = 7
    tasks.purge()
    assert DiscardedRow.objects.count() == 3
    assert "Deleted 3 discarded rows" in told("purge_discarded", "--days=0")


def test_it_goes_in_pieces(transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PIECE > 6
    monkeypatch.setattr("transfers.retention.PIECE", 4)
    assert purge_discarded(days=0) == 6
    assert not DiscardedRow.objects.exists()
