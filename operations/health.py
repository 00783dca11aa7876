"""Whether the site can do its work: each part by itself, in words that may be said to everybody."""

from collections.abc import Callable
from datetime import timedelta

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now

from operations import fingerprints
from operations.models import Heartbeat
from transfers.engine.locks import in_hand

OK, MISSING = "ok", "missing"
# The clock sends a sign of life every 15 seconds; a worker may be busy with a transfer for 20, and all of them twice.
ALIVE = timedelta(minutes=2)
# Without these no page can be served. Without the others pages work and transfers wait.
NEEDED = ("database", "migrations")

migrated = False  # of this process: nobody takes migrations back under a site that runs


def findings() -> dict[str, str]:
    """Each part with "ok" or "missing"; what cannot be known without the database is missing too."""
    return {name: OK if answers(look) else MISSING for name, look in PARTS.items()}


def answers(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except (DatabaseError, redis.RedisError, OSError):
        return False


def database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return True


def migrations() -> bool:
    """Is every migration of this code applied, with the content it has here? Once it was so, it is not asked again."""
    global migrated
    if not migrated:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        migrated = not plan and not fingerprints.others(connection, executor.loader)
    return migrated


def queue() -> bool:
    with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as client:
        return bool(client.ping())


def workers() -> bool:
    """Has a worker taken a message lately, or does one have a chunk in hand, which may take all of them a while?"""
    lately = Heartbeat.objects.filter(name=Heartbeat.WORKER, at__gt=Now() - ALIVE)
    return lately.exists() or bool(in_hand())


PARTS: dict[str, Callable[[], bool]] = {
    "database": database,
    "migrations": migrations,
    "redis": queue,
    "workers": workers,
}
