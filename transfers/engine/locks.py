"""The lock on a chunk, held by the database connection that works on it.

A session-level advisory lock: it spans the commits of a chunk's batches, and it is gone the moment the worker's
connection is, however the worker died. Whoever has lost the connection cannot commit either.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from transfers.log_context import about

# Advisory locks are pairs of 32-bit numbers; ids of transfers that are 2^31 apart are never open together.
RANGE = 2**31

# objsubid 2 marks locks that were taken by a pair of numbers.
HELD = """
SELECT DISTINCT l.classid::bigint
FROM pg_locks AS l
JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
"""


# A worker whose machine vanished says no goodbye. Without these its connection, and with it the lock on its chunk
# and on its users, would be held for hours by the operating system's own patience, or until a long statement has ended.
FREE_SOON = """
SELECT set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false), set_config('client_connection_check_interval', '2s', false),
    set_config('idle_in_transaction_session_timeout', '60s', false)
"""


def free_soon() -> None:
    """From now on PostgreSQL ends this connection soon after nobody is at its other end."""
    with connection.cursor() as cursor:
        cursor.execute(FREE_SOON)


@contextmanager
def chunk_lock(transfer_id: int, chunk: int) -> Iterator[bool]:
    """Whether the chunk's lock was free; if so it is held until the end of the block."""
    name = [transfer_id % RANGE, chunk]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s::int, %s::int)", name)
        got = bool(cursor.fetchone()[0])
    try:
        with about(transfer_id, chunk):
            yield got
    finally:
        if got:
            release(name)


def release(name: list[int]) -> None:
    """Free the lock, unless the connection is lost and the lock with it."""
    if connection.connection is not None and not connection.connection.closed:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s::int, %s::int)", name)


def without_a_worker(transfer_ids: list[int]) -> list[int]:
    """Those of the transfers on which nobody is working at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(HELD)
        held = {row[0] for row in cursor.fetchall()}
    return [transfer_id for transfer_id in transfer_ids if transfer_id % RANGE not in held]


def chunks_in_hand() -> int:
    """How many transfers somebody is working on at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(HELD)
        return len(cursor.fetchall())
