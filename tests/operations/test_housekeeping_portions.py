"""Housekeeping blocks no other session, survives interruption, and continues in the next run."""

import io
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from pytest_django import Settings

from operations import housekeeping, tasks
from tenancy import context
from tenancy.context import NO_TENANT, all_tenants_context
from tests.fixtures.cast import Cast
from tests.harness.databases import another_connection
from tests.operations.test_housekeeping import ago, run_housekeeping
from transfers.models import JournalEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def old_rows(cast: Cast) -> None:
    row = {
        "tenant_id": cast.abacus.pk,
        "transfer_id": 1,
        "pair_id": 1,
        "table": "t",
        "what": "dropped",
        "n": 1,
    }
    JournalEntry.objects.bulk_create(JournalEntry(**row, written_at=ago(40)) for _ in range(7))


def test_it_deletes_in_portions(old_rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "ENTRIES", 3)
    sizes = []
    remove = housekeeping.Retention.remove

    def recorded(rule: housekeeping.Retention, cursor: object) -> int:
        sizes.append(remove(rule, cursor))
        return sizes[-1]

    monkeypatch.setattr(housekeeping.Retention, "remove", recorded)
    assert run_housekeeping() == {"journal entries of deleted rows": 7}
    assert [size for size in sizes if size] == [3, 3, 1]


@pytest.mark.django_db(transaction=True)
def test_after_an_interruption_it_continues(old_rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The portions deleted before the interruption stay deleted."""
    monkeypatch.setattr(housekeeping, "ENTRIES", 3)
    remove = housekeeping.Retention.remove

    def interrupted(rule: housekeeping.Retention, cursor: object) -> int:
        if rule.what == "journal entries of deleted rows" and JournalEntry.objects.count() < 7:
            raise KeyboardInterrupt
        return remove(rule, cursor)

    with patch.object(housekeeping.Retention, "remove", interrupted), pytest.raises(KeyboardInterrupt):
        run_housekeeping()
    assert JournalEntry.objects.count() == 4
    assert run_housekeeping() == {"journal entries of deleted rows": 4}


def test_a_task_out_of_time_enqueues_the_next(old_rows: None, settings: Settings) -> None:
    settings.TRANSFER_TASK_SECONDS = 0
    with patch.object(tasks.housekeeping, "delay") as enqueued:
        tasks.housekeeping()
        assert enqueued.call_count == 1
        settings.TRANSFER_TASK_SECONDS = 20
        tasks.housekeeping()
    assert enqueued.call_count == 1
    assert not JournalEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_locked_table_is_left_for_the_next_run_and_the_others_are_cleaned(
    old_rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "LOCK_TIMEOUT", "50ms")
    cache.set("gone", 1, timeout=-1)
    out = io.StringIO()
    with another_connection() as other_session, other_session.transaction():
        other_session.execute("LOCK TABLE transfers_journalentry IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(
            CommandError, match="run this again. journal entries for undo: canceling statement due to lock"
        ):
            call_command("housekeeping", stdout=out)
    assert "1 cache entries" in out.getvalue()
    assert run_housekeeping() == {"journal entries of deleted rows": 7}


def test_it_deletes_the_rows_of_all_tenants(old_rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "outside", NO_TENANT)
    tasks.housekeeping()
    with all_tenants_context():
        assert not JournalEntry.objects.exists()
