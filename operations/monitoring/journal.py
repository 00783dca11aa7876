"""The size of the journal of transfers, for `doctor` and the metrics, without reading the journal."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

# The number of rows is PostgreSQL's estimate, which is -1 before the first ANALYZE. The oldest entry is found through
# the primary key, because a minimum of `written_at` would read the whole table.
SIZE = """
SELECT greatest(reltuples, 0)::bigint, pg_total_relation_size(oid),
    (SELECT now() - written_at FROM transfers_journalentry ORDER BY id LIMIT 1)
FROM pg_class WHERE oid = 'transfers_journalentry'::regclass
"""


@dataclass(frozen=True)
class JournalSize:
    """The estimated number of entries, the bytes of the table with all its parts, and the age of the oldest entry.

    The age is zero if there is no entry.
    """

    entries: int
    bytes: int
    age: timedelta


def journal_size() -> JournalSize:
    with connection.cursor() as cursor:
        cursor.execute(SIZE)
        entries, size, age = cursor.fetchone() or (0, 0, None)
    return JournalSize(entries, size, age or timedelta())
