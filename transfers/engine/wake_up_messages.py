"""Read waiting messages from the Celery queue, which is a Redis list of JSON messages, newest first."""

import json

import redis
from django.conf import settings

NEWEST = 500  # the most messages to read: if no worker is running, thousands may be waiting


def waiting(task: str, transfer_id: int) -> int:
    """Return how many waiting messages are for this task and transfer. Raises redis.RedisError."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as client:
        messages = client.lrange(settings.CELERY_TASK_DEFAULT_QUEUE, 0, NEWEST - 1)
    wanted = (task, repr((transfer_id,)))
    headers = [json.loads(message)["headers"] for message in messages]
    return sum((header["task"], header["argsrepr"]) == wanted for header in headers)
