"""`manage.py migrate`, which never waits long for a lock, so that the site can stay in use while it runs.

A statement that waits for a lock on a table blocks every later statement on that table. Therefore a migration gives up
after MIGRATION_LOCK_TIMEOUT and is rolled back, and after a pause the remaining migrations are tried again.

A database that was created by migrations with the same names as those in the code, but with different content, is
refused before any change (`operations.fingerprints`).
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
PAUSE = 3.0  # seconds in which blocked statements can proceed


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
    """Raise CommandError if a migration applied to the database differs from the one with the same name in the code.

    Django compares only names, so it would accept that database.
    """
    if found := fingerprints.mismatches(connection):
        raise CommandError(fingerprints.refusal(found), returncode=fingerprints.OTHER_DATABASE)


def limit_waiting(connection: Any, limit: str) -> None:
    """Set the lock timeout of this session; "0" means no limit."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [limit])


def busy() -> str:
    where = "SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start"
    return (
        f"A table was in use at each of {TRIES} attempts. Migrations applied so far are complete and stay applied. Look"
        f" for a long transaction ({where}), let running transfers finish, and run migrate again."
    )
