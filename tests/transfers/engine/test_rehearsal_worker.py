"""Rehearsals by real workers, which get a message, die in the middle of a batch, or have transfers to do first."""

import pytest

from accounts.models import User
from tests.conftest import StartWorker
from tests.fixtures import records
from tests.fixtures.cast import Cast
from tests.fixtures.rehearsing import report_of, whole_database
from tests.fixtures.running import confirm, upload
from tests.harness.promises.conftest import held_up, wait_for_the_middle
from transfer_site.run.processes import wait_until
from transfers import actions, tasks
from transfers.models import Rehearsal, State, Transfer

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
def draft(transactional_db: None) -> Transfer:
    cast = Cast()
    for user in (cast.ana, cast.bo, cast.cy):
        records.everything(user, 1)
    return upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))


def start(draft: Transfer) -> Rehearsal:
    return actions.rehearse(by=draft.requested_by, transfer=draft)


def has_ended(rehearsal: Rehearsal) -> bool:
    rehearsal.refresh_from_db()
    return not rehearsal.is_open


def test_a_worker_rehearses_and_the_database_is_as_before(draft: Transfer, start_worker: StartWorker) -> None:
    before = whole_database()
    rehearsal = start(draft)
    start_worker(concurrency=2)
    tasks.run_rehearsal.delay(rehearsal.pk)  # a second message does no harm
    assert wait_until(lambda: has_ended(rehearsal), 240)
    report = report_of(rehearsal)
    assert (sorted(report.done), report.failures, report.differing) == ([2, 3], {}, [])
    assert whole_database() == before


def test_a_worker_that_dies_in_a_batch_leaves_nothing_and_another_goes_on(
    draft: Transfer, start_worker: StartWorker
) -> None:
    before = whole_database()
    rehearsal = start(draft)
    with held_up(User.objects.get(pk=draft.rows.get(number=2).from_id)):
        worker = start_worker()
        wait_for_the_middle()
        worker.kill9()
    assert wait_until(lambda: tasks.waiting_rehearsals() == [rehearsal.pk], 240)
    assert whole_database() == before
    start_worker()
    tasks.recovery_sweep()
    assert wait_until(lambda: has_ended(rehearsal), 240)
    assert report_of(rehearsal).failures == {}
    assert whole_database() == before


def test_a_transfer_goes_first(draft: Transfer, start_worker: StartWorker) -> None:
    rehearsal = start(draft)
    first = confirm(upload(draft.requested_by, *pairs_of(draft)), draft.requested_by)
    start_worker()

    def is_done() -> bool:
        first.refresh_from_db()
        return first.state == State.SUCCEEDED

    assert wait_until(is_done, 240)
    assert wait_until(lambda: tasks.waiting_messages(tasks.run_rehearsal.name, rehearsal.pk) == 0, 240)
    assert report_of(rehearsal).done == []
    tasks.recovery_sweep()
    assert wait_until(lambda: has_ended(rehearsal), 240)
    report = report_of(rehearsal)
    assert (report.done, report.differing) == ([2, 3], [2, 3])  # the records have moved since the preview


def pairs_of(draft: Transfer) -> list[tuple[int, int]]:
    return list(draft.rows.order_by("number").values_list("from_id", "to_id"))
