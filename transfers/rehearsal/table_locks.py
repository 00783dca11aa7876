"""The locks on tables that this connection holds."""

from django.apps import apps

from transfers.engine.stage import fetch

# From weak to strong. AccessShareLock, which a SELECT takes, is left out.
MODES = (
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
LOCKS = """
SELECT c.oid::regclass::text, l.mode
FROM pg_locks AS l
JOIN pg_class AS c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.mode = ANY (%(modes)s)
    AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND c.relname <> ALL (%(own)s)
    AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
"""


def locked_tables() -> dict[str, str]:
    """Return the strongest lock that this connection holds on each table, except on those of transfers and audit."""
    own = [
        model._meta.db_table
        for app in ("transfers", "audit")
        for model in apps.get_app_config(app).get_models()
    ]
    found: dict[str, str] = {}
    for table, mode in fetch(LOCKS, {"modes": list(MODES), "own": own}):
        found[table] = stronger(found.get(table, mode), mode)
    return found


def stronger(one: str, other: str) -> str:
    return max(one, other, key=MODES.index)


# table -> the strongest lock on it, and how many seconds a batch that took it lasted at most. The lock may have been
# taken late in the batch, so it was held for this time or less.
Locks = dict[str, tuple[str, float]]


def add_locks(locks: Locks, found: dict[str, str], seconds: float) -> None:
    for table, mode in found.items():
        known, longest = locks.get(table, (mode, 0.0))
        locks[table] = stronger(known, mode), max(longest, round(seconds, 3))
