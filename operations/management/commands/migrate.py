"""`manage.py migrate`, for a site that is in use: it waits for no lock longer than a few seconds.

A statement that waits for a lock makes everybody else wait behind it. So it gives up after MIGRATION_LOCK_TIMEOUT, its
migration is rolled back whole, and a little later the migrations that are left are tried again.

A database made by other migrations of the same names is refused before anything is changed (`operations.fingerprints`).
"""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

from operations import fingerprints

TRIES = 20
PAUSE = 3.0  # seconds, in which those who were waiting get through


class Command(Migrate):
    def handle(self, *args: Any, **options: Any) -> Any:
        connection = connections[options["database"]]
        refuse_other(connection)
        if not (options.get("plan") or options.get("check_unapplied")):
            fingerprints.write(connection)
        for left in reversed(range(TRIES)):
            limit_waiting(connection, settings.MIGRATION_LOCK_TIMEOUT)
            try:
                return super().handle(*args, **options)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                if not left:
                    raise CommandError(busy()) from error
                self.stderr.write(f"A table is in use; what is left is tried again in {PAUSE:.0f} s.")
                time.sleep(PAUSE)
            finally:
                limit_waiting(connection, "0")
        return None


def refuse_other(connection: Any) -> None:
    """What other migrations have made would be taken for ours, by its name, and be wrong in places nobody looks at."""
    if found := fingerprints.others(connection):
        raise CommandError(fingerprints.sentence(found), returncode=fingerprints.OTHER_DATABASE)


def limit_waiting(connection: Any, limit: str) -> None:
    """For whatever this session does next; "0" is no limit."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [limit])


def busy() -> str:
    where = "SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start"
    return (
        f"A table was in use each of {TRIES} times. What was applied so far is whole and stays. Look for a long"
        f" transaction ({where}), let running transfers end, and run migrate again."
    )
