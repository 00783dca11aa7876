"""Discarded records are stored and can be shown. tests/operations/test_housekeeping.py tests their deletion."""

import io
import json
from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from tests.fixtures import records
from tests.fixtures.cast import Cast
from tests.fixtures.running import run_single
from transfers.models import Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def transfer(cast: Cast) -> Transfer:
    """A transfer that replaced two schedules of the target, with two activities each."""
    records.schedule(cast.ana, 1)
    for day in (1, 2):
        records.schedule(cast.bo, day)
    return run_single(cast.ada, cast.ana, cast.bo)


def output_of(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_each_record_is_one_line_of_json(cast: Cast, transfer: Transfer) -> None:
    lines = [json.loads(line) for line in output_of("show_discarded", str(transfer.number)).splitlines()]
    tables = Counter(line["table"] for line in lines)
    assert tables == {"workforce_agentschedule": 2, "workforce_scheduleactivity": 4}
    schedule = next(line for line in lines if line["table"] == "workforce_agentschedule")
    assert schedule["reason"] == "replaced"
    assert schedule["row"]["user_id"] == cast.bo.pk
    assert schedule["row"]["date"] in ("2026-03-01", "2026-03-02")


def test_an_unknown_transfer_is_an_error(db: None) -> None:
    with pytest.raises(CommandError, match="no transfer 12345"):
        call_command("show_discarded", "12345")
