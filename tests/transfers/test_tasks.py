"""Wake-ups are few, whoever asks and however often, and one that goes wrong keeps nobody waiting."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
import redis
from django.conf import settings
from kombu.exceptions import OperationalError
from pytest_django import Settings

from tests.conftest import reachable_test_database
from tests.transfers import cast as transfers
from tests.transfers.cast import Cast
from transfers import queue, tasks
from transfers.engine.locks import lock_name
from transfers.models import State, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """Nothing waits in it, before and after."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(settings.CELERY_TASK_DEFAULT_QUEUE)
        yield client
        client.delete(settings.CELERY_TASK_DEFAULT_QUEUE)


@pytest.fixture
def waiting(cast: Cast) -> Transfer:
    return transfers.transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)


def messages(made: Transfer) -> int:
    return queue.waiting(tasks.run_transfer.name, made.pk)


def test_sweeps_ask_for_no_more_workers_than_may_come(broker: redis.Redis, waiting: Transfer) -> None:
    for _ in range(5):
        tasks.sweep()
    assert messages(waiting) == settings.TRANSFER_WORKERS
    assert broker.llen(settings.CELERY_TASK_DEFAULT_QUEUE) == settings.TRANSFER_WORKERS


def test_messages_about_others_do_not_count(broker: redis.Redis, waiting: Transfer, cast: Cast) -> None:
    other = transfers.transfer(cast.ada, (cast.cy, cast.di), state=State.RUNNING)
    tasks.wake(other.pk)
    tasks.count_draft.delay(waiting.pk)
    assert messages(waiting) == 0
    tasks.wake(waiting.pk)
    assert messages(waiting) == messages(other) == settings.TRANSFER_WORKERS


def test_a_turn_that_ends_asks_for_one_more(
    broker: redis.Redis, waiting: Transfer, settings: Settings
) -> None:
    settings.TRANSFER_TASK_SECONDS = 0
    for expected in (1, 2, 2):
        tasks.run_transfer(waiting.pk)
        assert messages(waiting) == expected


def test_a_lost_queue_is_filled_again(broker: redis.Redis, waiting: Transfer) -> None:
    tasks.sweep()
    broker.flushdb()
    tasks.sweep()
    assert messages(waiting) == settings.TRANSFER_WORKERS


def test_without_a_queue_nothing_is_lost(waiting: Transfer, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    tasks.wake(waiting.pk)


def test_without_a_queue_that_takes_messages_neither(
    broker: redis.Redis, waiting: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(transfer_id: int) -> None:
        raise OperationalError("READONLY")

    monkeypatch.setattr(tasks.run_transfer, "delay", refuse)
    tasks.wake(waiting.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_work", [0, 1, 2])
def test_no_more_work_on_a_transfer_than_may(
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


def test_a_transfer_that_cannot_be_settled_keeps_no_other_waiting(
    broker: redis.Redis, waiting: Transfer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = transfers.transfer(cast.ada, (cast.cy, cast.di), state=State.RUNNING)
    real = tasks.settle

    def settle(transfer_id: int) -> bool:
        if transfer_id == waiting.pk:
            raise ZeroDivisionError
        return real(transfer_id)

    monkeypatch.setattr(tasks, "settle", settle)
    tasks.sweep()
    assert messages(second) == settings.TRANSFER_WORKERS
