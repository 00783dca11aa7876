"""The queue holds a limited number of messages per transfer, and a failing transfer does not delay other transfers."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
import redis
from django.conf import settings
from kombu.exceptions import OperationalError
from pytest_django import Settings

from tests.conftest import reachable_test_database
from tests.fixtures import cast as transfers
from tests.fixtures.cast import Cast
from transfers import tasks
from transfers.engine.locks import lock_name
from transfers.models import State, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """A Redis client with an empty task queue, which is emptied again after the test."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(settings.CELERY_TASK_DEFAULT_QUEUE)
        yield client
        client.delete(settings.CELERY_TASK_DEFAULT_QUEUE)


@pytest.fixture
def waiting(cast: Cast) -> Transfer:
    return transfers.transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)


def messages(made: Transfer) -> int:
    return tasks.waiting_messages(tasks.run_transfer.name, made.pk)


def test_repeated_sweeps_do_not_exceed_the_worker_limit(broker: redis.Redis, waiting: Transfer) -> None:
    for _ in range(5):
        tasks.recovery_sweep()
    assert messages(waiting) == settings.TRANSFER_WORKERS
    assert broker.llen(settings.CELERY_TASK_DEFAULT_QUEUE) == settings.TRANSFER_WORKERS


def test_messages_for_other_transfers_do_not_count(
    broker: redis.Redis, waiting: Transfer, cast: Cast
) -> None:
    other = transfers.transfer(cast.ada, (cast.cy, cast.di), state=State.RUNNING)
    tasks.wake(other.pk)
    tasks.count_draft.delay(waiting.pk)
    assert messages(waiting) == 0
    tasks.wake(waiting.pk)
    assert messages(waiting) == messages(other) == settings.TRANSFER_WORKERS


def test_a_run_requeues_the_transfer_once(broker: redis.Redis, waiting: Transfer, settings: Settings) -> None:
    settings.TRANSFER_TASK_SECONDS = 0
    for expected in (1, 2, 2):
        tasks.run_transfer(waiting.pk)
        assert messages(waiting) == expected


def test_a_lost_queue_is_refilled(broker: redis.Redis, waiting: Transfer) -> None:
    tasks.recovery_sweep()
    broker.flushdb()
    tasks.recovery_sweep()
    assert messages(waiting) == settings.TRANSFER_WORKERS


def test_waking_without_redis_does_not_fail(waiting: Transfer, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    tasks.wake(waiting.pk)


def test_waking_with_a_read_only_redis_does_not_fail(
    broker: redis.Redis, waiting: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(transfer_id: int) -> None:
        raise OperationalError("READONLY")

    monkeypatch.setattr(tasks.run_transfer, "delay", refuse)
    tasks.wake(waiting.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_work", [0, 1, 2])
def test_a_transfer_at_its_worker_limit_gets_no_further_worker(
    broker: redis.Redis, monkeypatch: pytest.MonkeyPatch, at_work: int
) -> None:
    cast = Cast()
    made = transfers.transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)
    begun: list[int] = []
    monkeypatch.setattr(tasks, "work_on", lambda transfer_id, seconds: begun.append(transfer_id))
    with ExitStack() as stack:
        for chunk in range(at_work):
            other = stack.enter_context(psycopg.connect(reachable_test_database()))
            other.execute("SELECT pg_advisory_lock(%s)", [lock_name(made.pk, chunk)])
        tasks.run_transfer(made.pk)
    assert begun == ([] if at_work == settings.TRANSFER_WORKERS else [made.pk])


def test_a_transfer_that_fails_in_the_sweep_does_not_delay_others(
    broker: redis.Redis, waiting: Transfer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = transfers.transfer(cast.ada, (cast.cy, cast.di), state=State.RUNNING)
    real = tasks.finish_if_done

    def finish_if_done(transfer_id: int) -> bool:
        if transfer_id == waiting.pk:
            raise ZeroDivisionError
        return real(transfer_id)

    monkeypatch.setattr(tasks, "finish_if_done", finish_if_done)
    tasks.recovery_sweep()
    assert messages(second) == settings.TRANSFER_WORKERS
