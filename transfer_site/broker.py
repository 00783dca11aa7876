"""Rejects malformed messages of the queue: each is logged and dropped, and never stops a worker.

Kombu and Celery trust messages. Most errors of one that is no call of a task end the worker, some of them later, and it
puts the message back at its end: the next worker takes it and ends too. Our messages are all alike: a task and at most
numbers. So each is checked before anything else reads it, and written anew from the few parts that differ.

Nor does a message stop a worker that could not be acknowledged, because Redis went down at that moment.
"""

import base64
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from celery import current_app
from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import RedisError, ResponseError

log = logging.getLogger(__name__)

LARGEST_ID = 2**63 - 1
# UnicodeDecodeError, JSONDecodeError and binascii.Error are ValueErrors.
MALFORMED = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


class QoS(redis.QoS):
    """The messages that workers took and have not acknowledged, in a hash and a sorted set of Redis."""

    def ack(self, delivery_tag: Any) -> None:
        """Acknowledge a message, or forget it here if Redis does not answer.

        Celery only logs that error. The message would still count as one that is being processed, so a worker that
        takes one at a time would wait forever, and would not notice either that Redis had been down.
        """
        try:
            super().ack(delivery_tag)
        except RedisError:
            self._quick_ack(delivery_tag)
            raise

    def restore_visible(self, *args: Any, **kwargs: Any) -> None:
        with suppress_wrong_type(self.channel, self.unacked_key, self.unacked_index_key):
            super().restore_visible(*args, **kwargs)

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        try:
            super().restore_by_tag(tag, client=client, leftmost=leftmost)
        except MALFORMED as error:
            reject(error)
            self._remove_from_indices(tag).execute()


class Channel(redis.Channel):
    QoS = QoS

    def _brpop_read(self, **options: Any) -> Any:
        """Read a message, or drop one that is not JSON; Redis has already removed it from the queue."""
        try:
            with suppress_wrong_type(self, *self.keys_of(self.active_queues)):
                return super()._brpop_read(**options)
        except (ValueError, RecursionError) as error:
            reject(error)
        return True

    def _size(self, queue: str) -> int:
        size = 0
        with suppress_wrong_type(self, *self.keys_of([queue])):
            size = super()._size(queue)
        return size  # noqa: RET504 (0 if an error was suppressed)

    def _put(self, queue: str, message: Any, **options: Any) -> None:
        with suppress_wrong_type(self, *self.keys_of([queue])):
            super()._put(queue, message, **options)

    def keys_of(self, queues: Iterable[str]) -> list[str]:
        return [self._q_for_pri(queue, step) for queue in queues for step in self.priority_steps]


@contextmanager
def suppress_wrong_type(channel: Channel, *keys: str) -> Iterator[None]:
    """If a key has a type with which Redis refuses Celery's commands, delete it: no message is ever missed."""
    try:
        yield
    except ResponseError as error:
        if "WRONGTYPE" not in str(error):
            raise
        reject(error)
        with channel.conn_or_acquire() as client:
            client.delete(*keys)


class Transport(redis.Transport):
    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            checked = checked_message(message, queue)
        except MALFORMED as error:
            reject(error)
        else:
            super()._deliver(checked, queue)


def reject(error: Exception) -> None:
    """Log a message that is dropped, but not its content, which may be anything."""
    log.error("A malformed message in the queue was rejected (%s).", type(error).__name__)


def checked_message(message: Any, queue: str) -> dict[str, Any]:
    """Return the message, written anew. Raises one of MALFORMED if it is not a call of one of our tasks."""
    headers, tag = message["headers"], str(UUID(message["properties"]["delivery_tag"]))
    numbers, *_ = json.loads(base64.b64decode(message["body"], validate=True))
    if not is_ours(headers["task"]) or not all(map(is_id, numbers)):
        raise ValueError(headers["task"])
    call = str(UUID(headers["id"]))
    body = [list(numbers), {}, dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))]
    return {
        "body": base64.b64encode(json.dumps(body).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers_of(call, headers["task"], tuple(numbers), expiry(headers["expires"])),
        "properties": {
            "correlation_id": call,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": tag,
        },
    }


def is_ours(task: str) -> bool:
    return task in current_app.tasks and not task.startswith("celery.")


def is_id(number: Any) -> bool:
    return type(number) is int and 0 < number <= LARGEST_ID


def expiry(text: Any) -> str | None:
    return None if text is None else datetime.fromisoformat(text).isoformat()


def headers_of(call: str, task: str, numbers: tuple[int, ...], expires: str | None) -> dict[str, Any]:
    return {
        "lang": "py",
        "task": task,
        "id": call,
        "root_id": call,
        "parent_id": None,
        "group": None,
        "eta": None,
        "expires": expires,
        "retries": 0,
        "timelimit": [None, None],
        "argsrepr": repr(numbers),
        "kwargsrepr": "{}",
        "origin": "",
        "ignore_result": True,
    }


def use_transport() -> None:
    """Make Kombu use this module's transport for redis:// and rediss://, and for Unix sockets."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
