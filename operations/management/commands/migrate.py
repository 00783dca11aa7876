"""`manage.py migrate` for a site in use: never waits long for a lock.

A statement waiting for a lock blocks every later one. So it gives up after MIGRATION_LOCK_TIMEOUT, its migration is
rolled back, and after a pause the remaining migrations are tried again.

A database made by other migrations of the same names is refused before any change (`operations.fingerprints`).
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
PAUSE = 3.0  # seconds, for blocked statements to proceed


class Command(Migrate):
    def handle(self, *args: Any, **options: Any) -> Any:
        connection = connections[options["database"]]
        refuse_mismatch(connection)
        if not (options.get("plan") or options.get("check_unapplied")):
            fingerprints.write(connection)
        for tries_left in reversed(range(TRIES)):
            limit_waiting(connection, settings.MIGRATION_LOCK_TIMEOUT)
            try:
                return super().handle(*args, **options)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                if not tries_left:
                    raise CommandError(busy()) from error
                self.stderr.write(
                    f"A table is in use. Trying the remaining migrations again in {PAUSE:.0f} s."
                )
                time.sleep(PAUSE)
            finally:
                limit_waiting(connection, "0")
        return None


def refuse_mismatch(connection: Any) -> None:
    """Refuse a database whose migrations share our names only: Django would take its tables for ours."""
    if found := fingerprints.mismatches(connection):
        raise CommandError(fingerprints.refusal(found), returncode=fingerprints.OTHER_DATABASE)


def limit_waiting(connection: Any, limit: str) -> None:
    """Set the lock timeout of this session; "0" means none."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [limit])


def busy() -> str:
    where = "SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start"
    return (
        f"A table was in use at each of {TRIES} attempts. Migrations applied so far are complete and stay. Look for a"
        f" long transaction ({where}), let running transfers finish, and run migrate again."
    )
