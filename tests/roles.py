"""As whom the tests work in the database: as the application, but for what only the owner of the tables may do."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

from transfer_site.embedded import APPLICATION

real_flush = DatabaseOperations.execute_sql_flush


def work_as(role: str) -> None:
    """All connections that are opened from now on."""
    connection.close()
    connection.settings_dict["OPTIONS"]["options"] = f"-c role={role}"


@contextmanager
def as_owner() -> Iterator[None]:
    """In this connection, for tests that change the tables themselves."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE none")
        yield
        cursor.execute(f"SET ROLE {APPLICATION}")


def flush_as_owner(operations: DatabaseOperations, statements: list[str]) -> None:
    """Empties the tables after a test with real transactions; those of the audit log refuse even their owner."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            real_flush(operations, statements)
        finally:
            cursor.execute("RESET session_replication_role")
