"""R1 to R4, R6, R10: workers and queues that die, are told things twice, or are told to stop. With real processes."""

import signal
from collections.abc import Callable

import pytest
import redis
from django.conf import settings

from accounts.models import User
from tests.chaos.meddlers import POISON, TRIGGER
from tests.conftest import StartWorker, WorkerProcess
from tests.promises.conftest import (
    CALLS,
    PAIRS,
    another_connection,
    finish,
    held_up,
    sweep_until_the_end,
    wait_for_the_middle,
)
from tests.servers import Servers
from tests.transfers.with_calls import assert_whole_or_untouched, done
from transfer_site.processes import wait_until
from transfers import actions, tasks
from transfers.models import PairState, Transfer

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


def poison(user: User, kind: str) -> None:
    with another_connection() as other:
        other.execute(TRIGGER.format(n=user.pk, source=user.pk, what=POISON[kind]))


@pytest.fixture(autouse=True)
def antidote(transactional_db: None) -> object:
    """Triggers outlive the rows that a test leaves."""
    yield
    with another_connection() as other:
        for (name,) in other.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'chaos_%'").fetchall():
            other.execute(f"DROP FUNCTION {name} CASCADE")


def test_r1_killed_in_the_middle_of_a_batch_every_pair_is_whole_or_untouched(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker
) -> None:
    worker = start_worker()
    tasks.wake(confirmed.pk)
    with held_up(pairs[7][0]):
        wait_for_the_middle()
        worker.kill9()
        assert_whole_or_untouched(confirmed, CALLS)
    assert_whole_or_untouched(confirmed, CALLS)
    start_worker()
    sweep_until_the_end(confirmed)
    finish(confirmed)


def test_r2_the_same_message_ten_times_at_once_and_again(
    confirmed: Transfer, start_worker: StartWorker
) -> None:
    start_worker(concurrency=3)
    for _ in range(10):
        tasks.run_transfer.delay(confirmed.pk)
    finish(confirmed)
    tasks.run_transfer(confirmed.pk)
    finish(confirmed)


def test_r3_after_a_worker_died_the_next_one_goes_on_and_nobody_did_anything(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker, beat: Callable[[], None]
) -> None:
    worker = start_worker()
    tasks.wake(confirmed.pk)
    with held_up(pairs[12][0]):
        wait_for_the_middle()
        worker.kill9()
    start_worker()
    beat()
    finish(confirmed)


def test_r4_redis_is_emptied_and_goes_down_and_the_transfer_ends(
    confirmed: Transfer,
    pairs: list[tuple[User, User]],
    start_worker: StartWorker,
    servers: Servers,
    beat: Callable[[], None],
) -> None:
    assert servers.redis is not None, "TEST_REDIS_URL names a server that is not ours to stop"
    worker = start_worker(environment={"TRANSFER_TASK_SECONDS": "1"})
    beat()
    with held_up(pairs[12][0]):
        tasks.wake(confirmed.pk)
        wait_for_the_middle()
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            client.flushall()
        servers.redis.child.kill()
        tasks.wake(confirmed.pk)  # as somebody who confirms meanwhile does
        wait_until(lambda: False, 2)  # longer than it stays with one transfer
    assert wait_until(lambda: "the queue cannot be reached" in worker.tail(300), 60), (
        "its message to itself got through"
    )
    servers.redis.start()
    finish(confirmed)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("raises", "database-error"),
        ("kills its worker", "worker-died"),
        ("cuts its connection", "worker-died"),
    ],
)
def test_r6_a_poisonous_pair_fails_after_three_attempts_and_the_others_are_done(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker, kind: str, code: str
) -> None:
    poison(pairs[8][0], kind)
    start_worker(environment={"EXTRA_APPS": "tests.chaos.deadly"})
    sweep_until_the_end(confirmed)
    finish(confirmed, failed=1)
    failed = confirmed.pairs.get(state=PairState.FAILED)
    assert (failed.source, failed.code, failed.attempts) == (pairs[8][0], code, 3)
    assert failed.reason
    assert failed.remedy


def test_r10_a_worker_that_is_told_to_stop_finishes_its_chunk_and_leaves_the_rest_to_others(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker
) -> None:
    worker = start_worker(environment={"TRANSFER_TASK_SECONDS": "1"})
    tasks.wake(confirmed.pk)
    with held_up(pairs[7][0]):
        wait_for_the_middle()
        worker.signal(signal.SIGTERM)
        wait_until(lambda: "Warm shutdown" in worker.tail(50), 10)
        wait_until(lambda: False, 2)  # longer than it stays with one transfer
    assert worker.wait(30), "it did not end by itself"
    assert 0 < done(confirmed) < PAIRS
    assert_whole_or_untouched(confirmed, CALLS)
    assert not confirmed.pairs.exclude(code="").exists()
    start_worker()
    sweep_until_the_end(confirmed)
    finish(confirmed)


def test_r11_a_stop_in_the_middle_of_a_batch(
    confirmed: Transfer, pairs: list[tuple[User, User]], celery_worker_process: WorkerProcess
) -> None:
    tasks.wake(confirmed.pk)
    with held_up(pairs[7][0]):
        wait_for_the_middle()
        actions.stop(by=confirmed.requested_by, transfer=confirmed)
    sweep_until_the_end(confirmed)
    confirmed.refresh_from_db()
    assert confirmed.state == "stopped"
    assert done(confirmed) == 10
    assert confirmed.pairs.filter(state=PairState.NOT_STARTED).count() == PAIRS - 10
    assert_whole_or_untouched(confirmed, CALLS)
