"""How long what was discarded is kept: `DISCARDED_DAYS`, then it is purged."""

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

# In pieces, so that no lock and no transaction lasts long. Leans on the index discarded_by_age.
PURGE = """
DELETE FROM transfers_discardedrow WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM transfers_discardedrow WHERE discarded_at < %s LIMIT %s
))
"""
PIECE = 10_000


def purge_discarded(days: int | None = None) -> int:
    """Delete discarded rows that are older than so many days (`DISCARDED_DAYS`); how many there were."""
    before = timezone.now() - timedelta(days=settings.DISCARDED_DAYS if days is None else days)
    purged = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(PURGE, [before, PIECE])
            purged += cursor.rowcount
            if cursor.rowcount < PIECE:
                return purged
