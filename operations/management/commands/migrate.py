"""`manage.py migrate`, which never waits long for a lock, so that the site can stay in use while it runs.

A statement that waits for a lock on a table blocks every later statement on that table. Therefore a migration gives up
after MIGRATION_LOCK_TIMEOUT and is rolled back, and after a pause the remaining migrations are tried again.

A database that was created by migrations with the same names as those in the code, but with different content, is
refused before any change (`operations.fingerprints`).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError, ProgrammingError, connections
from psycopg import sql
from psycopg.errors import InsufficientPrivilege, LockNotAvailable

from operations import fingerprints
from tenancy import policies
from tenancy.postgresql.base import USUAL_SCHEMA

# Whether the schema has tables of this program, and the name of any table in it.
SCHEMA = """
SELECT bool_or(c.relname = %(ours)s), min(c.relname)
FROM pg_namespace AS n
LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
WHERE n.nspname = %(schema)s GROUP BY n.oid
"""
TRIES = 20
PAUSE = 3.0  # seconds in which blocked statements can proceed


class Command(Migrate):
    def handle(self, *args: Any, **options: Any) -> Any:
        connection = connections[options["database"]]
        make_schema(connection)
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


def make_schema(connection: Any) -> None:
    """Create the schema of APP_SCHEMA. Raises CommandError if this is not possible, or if another program uses it."""
    if settings.APP_SCHEMA == USUAL_SCHEMA:
        return
    schema = sql.Identifier(settings.APP_SCHEMA)
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA, {"schema": settings.APP_SCHEMA, "ours": policies.FINGERPRINTS})
        found = cursor.fetchone()
        if found is None:
            with owner_of_database_needed(schema):
                cursor.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        elif not found[0] and found[1]:
            raise CommandError(
                f"The schema {settings.APP_SCHEMA} (APP_SCHEMA) has tables of another program, such as {found[1]}."
                " Nothing was changed. Set APP_SCHEMA to a schema that is empty or does not exist yet."
            )


@contextmanager
def owner_of_database_needed(schema: sql.Identifier) -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        raise CommandError(
            f"The schema {settings.APP_SCHEMA} (APP_SCHEMA) does not exist, and this role may not create it. Run as the"
            f" owner of the database, with the role of MIGRATION_DATABASE_URL:\n"
            f"    CREATE SCHEMA {schema.as_string(None)} AUTHORIZATION transfer_owner;"
        ) from error


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
