"""A transfer on real worker processes: messages, death in the middle, the same message many times, a lost queue."""

import pytest
import redis
from django.conf import settings

from accounts.models import User
from tests.conftest import StartWorker
from tests.transfers import records
from tests.transfers.cast import Cast
from tests.transfers.running import confirm, upload
from tests.transfers.with_calls import assert_whole_or_untouched, done, pairs_with_calls
from transfer_site.processes import wait_until
from transfers import actions, tasks
from transfers.actions import confirming
from transfers.engine.settle import settle
from transfers.models import AuditEvent, PairState, State, Transfer

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

PAIRS = 60
CALLS = 300


@pytest.fixture
def pairs(cast: Cast) -> list[tuple[User, User]]:
    return pairs_with_calls(cast, PAIRS, CALLS)


@pytest.fixture
def confirmed(cast: Cast, pairs: list[tuple[User, User]], monkeypatch: pytest.MonkeyPatch) -> Transfer:
    monkeypatch.setattr(confirming, "CHUNK_PAIRS", 5)
    return confirm(upload(cast.ada, *pairs), cast.ada)


def finish(transfer: Transfer, seconds: float = 60) -> None:
    wait_until(lambda: Transfer.objects.get(pk=transfer.pk).is_final, seconds)
    transfer.refresh_from_db()
    assert transfer.state == State.SUCCEEDED
    assert done(transfer) == PAIRS
    assert_whole_or_untouched(transfer, CALLS)
    assert AuditEvent.objects.filter(transfer_id=transfer.pk, kind="pair-succeeded").count() == PAIRS


def test_a_worker_takes_what_was_confirmed(confirmed: Transfer, start_worker: StartWorker) -> None:
    start_worker(concurrency=2)
    tasks.wake(confirmed.pk)
    finish(confirmed)


def test_killed_in_the_middle_it_goes_on_with_the_next_worker(
    confirmed: Transfer, start_worker: StartWorker
) -> None:
    first = start_worker()
    tasks.wake(confirmed.pk)
    wait_until(lambda: done(confirmed) >= 5, 30)
    first.kill9()
    assert 0 < done(confirmed) < PAIRS
    assert_whole_or_untouched(confirmed, CALLS)
    start_worker()
    tasks.sweep()
    finish(confirmed)


def test_the_same_message_ten_times_at_once_and_again(confirmed: Transfer, start_worker: StartWorker) -> None:
    start_worker(concurrency=3)
    for _ in range(10):
        tasks.run_transfer.delay(confirmed.pk)
    finish(confirmed)
    before = records.snapshot()
    tasks.run_transfer(confirmed.pk)
    assert records.snapshot() == before


def test_messages_that_were_lost_are_sent_again_by_the_sweep(
    confirmed: Transfer, start_worker: StartWorker
) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushall()
    start_worker()
    tasks.sweep()
    finish(confirmed)


def test_a_stop_in_the_middle_leaves_the_rest_not_started(
    confirmed: Transfer, start_worker: StartWorker
) -> None:
    start_worker()
    tasks.wake(confirmed.pk)
    wait_until(lambda: done(confirmed) >= 5, 30)
    actions.stop(by=confirmed.requested_by, transfer=confirmed)
    wait_until(lambda: settle(confirmed.pk), 30)
    confirmed.refresh_from_db()
    assert confirmed.state == State.STOPPED
    assert done(confirmed) + confirmed.pairs.filter(state=PairState.NOT_STARTED).count() == PAIRS
    assert_whole_or_untouched(confirmed, CALLS)
