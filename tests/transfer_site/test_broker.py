"""Malformed messages in the queue: each is rejected and logged, and the worker goes on with the next."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from kombu import Consumer, Message

from operations.models import Heartbeat
from operations.tasks import heartbeat
from tests.conftest import StartWorker, WorkerProcess
from tests.harness.servers import Servers
from transfer_site.celery import app
from transfer_site.run.processes import wait_until
from transfers import tasks

QUEUE = settings.CELERY_TASK_DEFAULT_QUEUE


@pytest.fixture
def queue() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(QUEUE)
        yield client
        client.delete(QUEUE)


def valid(client: redis.Redis) -> dict[str, Any]:
    """Return a message as Celery writes it."""
    heartbeat.delay()
    message = client.lpop(QUEUE)
    assert isinstance(message, bytes)
    found: dict[str, Any] = json.loads(message)
    return found


def changed(message: dict[str, Any], path: str, value: Any) -> str:
    copy = json.loads(json.dumps(message))
    *parents, last = path.split("/")
    part = copy
    for name in parents:
        part = part[name]
    part[last] = value
    return json.dumps(copy)


def body(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


NOT_MESSAGES: list[str | bytes] = [
    *("null", "[]", "{}", "0", '"text"', "", "{", "[" * 100_000, "9" * 10_000, "NaN", '{"body": "x"}'),
    *(b"\xff\xfe\x00", b"\x80\x04N.", "\0"),
    '{"properties": null}',
    '{"properties": {"delivery_tag": []}}',
    '{"properties": {"delivery_tag": "a", "delivery_info": null}}',
    '{"properties": {"delivery_tag": "a", "delivery_info": {"exchange": "", "routing_key": []}}, "headers": 5}',
    '{"__type__": "datetime", "__value__": "yesterday"}',
]
ODD: list[Any] = [None, [], {}, 5, -1, 1e300, "text", "\ud800", True, ["x"], {"a": {"b": []}}, "9" * 5_000]
PLACES = [
    "body",
    "content-type",
    "content-encoding",
    "headers",
    "headers/task",
    "headers/id",
    "headers/lang",
    "headers/eta",
    "headers/expires",
    "headers/group",
    "headers/retries",
    "headers/timelimit",
    "headers/root_id",
    "headers/parent_id",
    "headers/argsrepr",
    "headers/origin",
    "headers/stamps",
    "headers/compression",
    "properties",
    "properties/body_encoding",
    "properties/delivery_mode",
    "properties/delivery_info",
    "properties/priority",
    "properties/correlation_id",
    "properties/reply_to",
]
BODIES = [
    None,
    [],
    {},
    5,
    [[]],
    [[], {}],
    [5, 5, 5],
    [[], [], []],
    [["x"], {}, {}],
    [[], {"a": 1}, None],
    [[], {}, 5],
]


def malformed(message: dict[str, Any]) -> list[str | bytes]:
    calls = [changed(message, "headers/task", tasks.run_transfer.name)] * 2
    odd = [[value] for value in (None, "x", "\0", [], {}, 10**30, -1, 1.5)]
    return [
        *NOT_MESSAGES,
        *(changed(message, place, value) for place in PLACES for value in ODD),
        *(changed(message, "body", body(value)) for value in BODIES),
        *(changed(json.loads(calls[0]), "body", body([value, {}, {}])) for value in odd),
        changed(message, "headers/task", "celery.backend_cleanup"),
        changed(message, "content-type", "application/x-python-serialize"),
    ]


@pytest.mark.slow
def test_no_message_stops_a_worker(start_worker: StartWorker, queue: redis.Redis) -> None:
    messages = malformed(valid(queue))
    worker = start_worker(concurrency=2)
    for message in messages:
        queue.lpush(QUEUE, message)
    wait_until(lambda: not worker.alive or not queue.llen(QUEUE), 120)
    assert_works(worker)
    assert "A malformed message in the queue was rejected" in worker.log.read_text()
    worker.stop(20)
    assert_works(start_worker())  # the first one put nothing back that would stop another


def assert_works(worker: WorkerProcess) -> None:
    Heartbeat.objects.all().delete()
    heartbeat.delay()
    wait_until(lambda: not worker.alive or Heartbeat.objects.exists(), 240)
    assert Heartbeat.objects.exists(), worker.tail(60)
    assert worker.alive, worker.tail(60)


def test_no_other_key_stops_a_worker(start_worker: StartWorker, queue: redis.Redis) -> None:
    """Celery also reads what workers have taken and not acknowledged, at their start and now and then."""
    queue.hset("unacked", mapping={"a": "garbage", "b": "null", "c": "[[], [], []]", "d": b"\xff", "e": "{}"})
    queue.zadd("unacked_index", dict.fromkeys("abcdef", 1))
    worker = start_worker()
    assert_works(worker)
    assert queue.hlen("unacked") == queue.zcard("unacked_index") == 0
    worker.stop(20)
    for name in ("unacked", "unacked_index", QUEUE):
        queue.set(name, "text")
    worker = start_worker()
    wait_until(lambda: not worker.alive or not queue.exists(QUEUE), 240)
    assert_works(worker)
    queue.set(QUEUE, "text")
    wait_until(lambda: not worker.alive or not queue.exists(QUEUE), 240)
    assert_works(worker)


def test_a_page_can_send_messages_whatever_is_in_the_queues_place(queue: redis.Redis) -> None:
    for send in (tasks.wake, tasks.ask_to_count, tasks.ask_for_late_arrivals):
        queue.set(QUEUE, "text")
        send(5)
    assert tasks.waiting_messages(tasks.run_transfer.name, 5) == 0
    tasks.wake(5)
    assert tasks.waiting_messages(tasks.run_transfer.name, 5) == settings.TRANSFER_WORKERS


def test_waking_does_not_mind_malformed_messages(queue: redis.Redis) -> None:
    messages = malformed(valid(queue))
    for message in messages:
        queue.lpush(QUEUE, message)
    tasks.wake(5)
    assert tasks.waiting_messages(tasks.run_transfer.name, 5) == settings.TRANSFER_WORKERS


@pytest.mark.parametrize("command", ["shutdown", "pool_restart", "ping"])
def test_workers_take_no_remote_commands(start_worker: StartWorker, queue: redis.Redis, command: str) -> None:
    worker = start_worker()
    assert app.control.broadcast(command, reply=True, timeout=1) == []
    assert_works(worker)


def test_a_message_that_redis_did_not_hear_to_be_acknowledged_holds_up_no_other(
    queue: redis.Redis, servers: Servers
) -> None:
    """A worker that takes one message at a time would otherwise ask for no other, and hang after Redis is back."""
    assert servers.redis is not None, "TEST_REDIS_URL names a server that is not ours to stop"
    messages: list[Message] = []
    with app.connection_for_read() as connection, connection.channel() as channel:
        channel.basic_qos(0, 1, False)
        tasks_queue = app.amqp.queues[QUEUE]
        with Consumer(channel, [tasks_queue], on_message=messages.append, accept=["json"]):
            heartbeat.delay()
            connection.drain_events(timeout=60)
            assert not channel.qos.can_consume()
            servers.redis.child.kill()
            try:
                with pytest.raises(redis.ConnectionError):
                    messages[0].ack()
                assert channel.qos.can_consume()
            finally:
                servers.redis.start()
