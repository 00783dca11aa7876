"""The lock on a chunk, held by the database connection that works on it.

A session-level advisory lock: it spans the commits of a chunk's batches, and it is gone the moment the worker's
connection is, however the worker died. Whoever has lost the connection cannot commit either.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg.pq import TransactionStatus

from transfers.log_context import about

# An advisory lock is one number, and other programs of the same database take theirs: the upper 16 bits are ours.
# Ids of transfers that are 2^32 apart are never open together.
CHUNKS, TURNS = 0x5EA2 << 48, 0x5EA3 << 48
TRANSFERS, NUMBERS = 2**32, 2**16
COUNTING = NUMBERS - 1  # stands where a running transfer has the number of a chunk

# objsubid 1 marks locks that were taken by one number.
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


# A worker whose machine vanished says no goodbye. Without these its connection, and with it the lock on its chunk
# and on its users, would be held for hours by the operating system's own patience, or until a long statement has ended.
FREE_SOON = """
SELECT set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false), set_config('client_connection_check_interval', '2s', false),
    set_config('idle_in_transaction_session_timeout', '60s', false)
"""
# A process that stands still between two transactions answers nobody, yet its machine does: it has a minute too, for as
# long as it holds a lock.
TRY = """
SELECT CASE WHEN pg_try_advisory_lock(%s) THEN set_config('idle_session_timeout', '60s', false) END IS NOT NULL
"""
FREE = "SELECT pg_advisory_unlock(%s), set_config('idle_session_timeout', NULL, false)"


def free_soon() -> None:
    """From now on PostgreSQL ends this connection soon after nobody is at its other end."""
    with connection.cursor() as cursor:
        cursor.execute(FREE_SOON)


def lock_name(transfer_id: int, chunk: int) -> int:
    return CHUNKS | transfer_id % TRANSFERS << 16 | chunk % NUMBERS


@contextmanager
def chunk_lock(transfer_id: int, chunk: int) -> Iterator[bool]:
    """Whether the chunk's lock was free; if so it is held until the end of the block."""
    name = lock_name(transfer_id, chunk)
    with connection.cursor() as cursor:
        cursor.execute(TRY, [name])
        got = bool(cursor.fetchone()[0])
    try:
        with about(transfer_id, chunk):
            yield got
    finally:
        if got:
            release(name)


def release(name: int) -> None:
    """Free the lock, unless the connection is lost and the lock with it."""
    driver = connection.connection
    if driver is None or driver.closed:
        return
    if driver.info.transaction_status == TransactionStatus.ACTIVE:  # somebody interrupted a statement
        connection.close()
    else:
        with connection.cursor() as cursor:
            cursor.execute(FREE, [name])


def without_a_worker(transfer_ids: list[int]) -> list[int]:
    """Those of the transfers on which nobody is working at this moment."""
    held = in_hand()
    return [transfer_id for transfer_id in transfer_ids if transfer_id % TRANSFERS not in held]


def workers_at(transfer_id: int) -> int:
    """How many work on this transfer at this moment."""
    return in_hand()[transfer_id % TRANSFERS]


def in_hand() -> Counter[int]:
    """How many chunks of each transfer are held at this moment; of an id, the lower bits."""
    with connection.cursor() as cursor:
        cursor.execute(HELD, {"transfers": TRANSFERS - 1, "ours": CHUNKS >> 48})
        return Counter(row[0] for row in cursor.fetchall())
