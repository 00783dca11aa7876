"""Health of each part of the site. The results are public, so they contain no details."""

from collections.abc import Callable
from datetime import timedelta

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now

from operations import fingerprints
from operations.models import Heartbeat
from transfers.engine.locks import held_chunks

OK, MISSING = "ok", "missing"
# Beat sends a heartbeat task every 15 s. If all workers are busy with transfers, the task waits for about 20 s
# (TRANSFER_TASK_SECONDS), and sometimes for twice as long.
ALIVE = timedelta(minutes=2)
# The parts that are required to serve pages. If another part is missing, pages work but transfers wait.
NEEDED = ("database", "migrations")

migrated = False  # cached per process; migrations are not reversed while the site is running
# A role or database whose search_path is changed while the site is running no longer finds the tables.
FINDS_TABLES = "SELECT to_regclass(%s) IS NOT NULL"


def findings() -> dict[str, str]:
    """Map the name of each part to "ok" or "missing".

    A part whose state is stored in the database is also "missing" if the database cannot be reached.
    """
    return {name: OK if answers(check) else MISSING for name, check in PARTS.items()}


def answers(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, redis.RedisError, OSError):
        return False


def database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return True


def migrations() -> bool:
    """Return whether all migrations are applied with the same content as in this code.

    The result True is cached; then the tables only have to be found.
    """
    global migrated
    if migrated:
        with connection.cursor() as cursor:
            cursor.execute(FINDS_TABLES, [Heartbeat._meta.db_table])
            [(found,)] = cursor.fetchall()
            return bool(found)
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    migrated = not plan and not fingerprints.mismatches(connection, executor.loader)
    return migrated


def queue() -> bool:
    with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as client:
        return bool(client.ping())


def workers() -> bool:
    """Return whether a worker recorded a heartbeat within ALIVE, or is processing a chunk, which delays heartbeats."""
    recent = Heartbeat.objects.filter(name=Heartbeat.WORKER, at__gt=Now() - ALIVE)
    return recent.exists() or bool(held_chunks())


PARTS: dict[str, Callable[[], bool]] = {
    "database": database,
    "migrations": migrations,
    "redis": queue,
    "workers": workers,
}
