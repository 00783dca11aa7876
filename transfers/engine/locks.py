"""The lock on a chunk, held by the database connection of the worker that processes the chunk.

It is a session-level advisory lock: it lasts across the commits of the chunk's batches and is released as soon as the
connection ends, even if the worker crashed. A worker that has lost its connection can no longer commit either.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg.pq import TransactionStatus

from audit.log_context import transfer_log_context

# The upper 16 bits of the key separate our advisory locks from those of other programs in the same database.
# Only the lower 32 bits of the transfer's ID fit into the key. No two open transfers have the same lower 32 bits.
CHUNKS, TURNS = 0x5EA2 << 48, 0x5EA3 << 48
TRANSFERS, NUMBERS = 2**32, 2**16
# Used instead of a chunk number while a draft is counted or rehearsed.
COUNTING, REHEARSING = NUMBERS - 1, NUMBERS - 2

# objsubid = 1 selects locks that were taken with a single bigint key.
HELD = """
SELECT (key >> 16) & %(transfers)s
FROM (
    SELECT l.classid::bigint << 32 | l.objid::bigint AS key
    FROM pg_locks AS l
    JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
) AS held
WHERE key >> 48 = %(ours)s
"""


# Without these settings, the connection of a worker whose machine has vanished, and with it the locks on its chunk and
# users, would remain for hours, until the operating system's TCP timeout or the end of a long statement.
DETECT_DEAD_PEER = """
SELECT set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false), set_config('client_connection_check_interval', '2s', false),
    set_config('idle_in_transaction_session_timeout', '60s', false)
"""
# TCP keepalives do not detect a frozen process, because its machine still responds. So PostgreSQL ends a session that
# holds a lock after 60 s without a statement.
TRY = """
SELECT CASE WHEN pg_try_advisory_lock(%s) THEN set_config('idle_session_timeout', '60s', false) END IS NOT NULL
"""
FREE = "SELECT pg_advisory_unlock(%s), set_config('idle_session_timeout', NULL, false)"


def detect_dead_peer() -> None:
    """Make PostgreSQL end this connection soon if this worker or its machine is gone."""
    with connection.cursor() as cursor:
        cursor.execute(DETECT_DEAD_PEER)


def lock_name(transfer_id: int, chunk: int) -> int:
    return CHUNKS | transfer_id % TRANSFERS << 16 | chunk % NUMBERS


@contextmanager
def chunk_lock(transfer_id: int, chunk: int) -> Iterator[bool]:
    """Try to take the chunk's lock for the `with` block, without waiting. Yield whether the lock was taken."""
    name = lock_name(transfer_id, chunk)
    with connection.cursor() as cursor:
        cursor.execute(TRY, [name])
        got = bool(cursor.fetchone()[0])
    try:
        with transfer_log_context(transfer_id, chunk):
            yield got
    finally:
        if got:
            release(name)


def release(name: int) -> None:
    """Release the lock, unless it is already gone because the connection was lost."""
    driver = connection.connection
    if driver is None or driver.closed:
        return
    if driver.info.transaction_status == TransactionStatus.ACTIVE:  # a statement was interrupted
        connection.close()
    else:
        with connection.cursor() as cursor:
            cursor.execute(FREE, [name])


def idle_transfers(transfer_ids: list[int]) -> list[int]:
    """Return the IDs of those transfers for which no worker currently holds the lock on a chunk."""
    held = held_chunks()
    return [transfer_id for transfer_id in transfer_ids if transfer_id % TRANSFERS not in held]


def workers_at(transfer_id: int) -> int:
    """Return how many chunks of this transfer are currently locked by workers."""
    return held_chunks()[transfer_id % TRANSFERS]


def held_chunks() -> Counter[int]:
    """Return how many chunks of each transfer are currently locked, keyed by the lower 32 bits of the transfer's ID."""
    with connection.cursor() as cursor:
        cursor.execute(HELD, {"transfers": TRANSFERS - 1, "ours": CHUNKS >> 48})
        return Counter(row[0] for row in cursor.fetchall())
