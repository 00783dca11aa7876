"""Housekeeping of the journal: what only an undo needs, what was deleted, and what an open undo still reads."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from operations import tasks
from tests.fixtures import cast as fixtures
from tests.fixtures import records
from tests.fixtures.cast import Cast
from tests.fixtures.running import run_single
from tests.fixtures.undos import undo_of
from tests.operations.test_housekeeping import ago, run_housekeeping
from transfers.models import JournalEntry, State, Transfer, UndoConflict
from transfers.models.journal_entry import FOR_UNDO
from transfers.results.undo_deadline import in_time

pytestmark = pytest.mark.django_db

FORGOTTEN = "expired undo periods"
ENTRIES = "journal entries for undo"
DELETED = "journal entries of deleted rows"
CONFLICTS = "rows that undos left"


@pytest.fixture
def ended(cast: Cast) -> Transfer:
    """A transfer that has moved a schedule and replaced two. The journal has three entries: the activities have one."""
    for day in (1, 2):
        records.schedule(cast.bo, day)
    records.schedule(cast.ana, 1)
    return run_single(cast.ada, cast.ana, cast.bo)


def purge() -> dict[str, int]:
    """Run housekeeping, and return the numbers it prints, without the preview rows, which expire too."""
    return {what: number for what, number in run_housekeeping().items() if what != "preview rows"}


def age(transfer: Transfer, days: float) -> None:
    Transfer.objects.filter(pk=transfer.pk).update(finished_at=ago(days))
    JournalEntry.objects.filter(transfer_id=transfer.pk).update(written_at=ago(days))
    transfer.refresh_from_db()


def entries(transfer: Transfer) -> tuple[int, int]:
    """Return the numbers of entries that only an undo needs, and of those with deleted rows."""
    journal = JournalEntry.objects.filter(transfer_id=transfer.pk)
    return journal.filter(what__in=FOR_UNDO).count(), journal.exclude(what__in=FOR_UNDO).count()


def test_the_journal_is_kept_as_long_as_the_transfer_can_be_undone(ended: Transfer) -> None:
    age(ended, 30)
    assert purge() == {}
    assert in_time(ended)
    age(ended, 31.1)
    assert purge() == {FORGOTTEN: 1, ENTRIES: 1, DELETED: 2}
    ended.refresh_from_db()
    assert ended.forgotten_at is not None
    assert not in_time(ended)
    assert entries(ended) == (0, 0)


@pytest.mark.parametrize(("undo", "discarded", "left"), [(7, 30, (0, 2)), (30, 7, (1, 2)), (7, 7, (0, 0))])
def test_deleted_rows_are_kept_for_the_longer_of_two_periods(
    ended: Transfer, settings: Settings, undo: int, discarded: int, left: tuple[int, int]
) -> None:
    settings.UNDO_DAYS, settings.DISCARDED_DAYS = undo, discarded
    age(ended, 9)
    tasks.housekeeping()
    assert entries(ended) == left


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_an_open_undo_keeps_the_journal_until_it_has_ended(ended: Transfer, state: State) -> None:
    undo = undo_of(ended, state)
    age(ended, 40)
    assert purge() == {}
    Transfer.objects.filter(pk=undo.pk).update(state=State.FAILED, finished_at=timezone.now())
    assert purge() == {FORGOTTEN: 1, ENTRIES: 1, DELETED: 2}


def test_an_open_undo_keeps_the_journal_of_the_late_arrivals_that_it_undoes_too(
    cast: Cast, ended: Transfer
) -> None:
    late = fixtures.transfer(cast.ada, (cast.ana, cast.bo), keeps_target=True)
    undo_of(ended, State.RUNNING).pairs.update(undoes=[late.pairs.get().pk, ended.pairs.get().pk])
    for transfer in (ended, late):
        age(transfer, 40)
    assert purge() == {}


def test_conflicts_are_kept_after_the_undo_as_long_as_a_journal(ended: Transfer) -> None:
    undo = undo_of(ended)
    UndoConflict.objects.create(pair=undo.pairs.get(), data_type="t", table="t", key="(1)", why="changed")
    age(ended, 40)
    assert CONFLICTS not in purge()
    age(undo, 40)
    assert purge() == {FORGOTTEN: 1, CONFLICTS: 1}
    assert not UndoConflict.objects.exists()


def test_without_undo_only_the_deleted_rows_are_kept(cast: Cast, settings: Settings) -> None:
    settings.UNDO_DAYS = 0
    for day in (1, 2):
        records.schedule(cast.bo, day)
    records.schedule(cast.ana, 1)
    transfer = run_single(cast.ada, cast.ana, cast.bo)
    assert entries(transfer) == (0, 2)
    assert transfer.pairs.get().counts["workforce.agentschedule"]["moved"] == 1
    settings.UNDO_DAYS = 30
    transfer.refresh_from_db()
    assert not in_time(transfer)
