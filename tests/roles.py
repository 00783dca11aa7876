"""As whom the tests work in the database: as the application, but for what only the owner of the tables may do."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from psycopg import sql

from transfer_site.embedded import APPLICATION

# What `migrate` has written stays.
KEPT = ("django_migrations", "operations_fingerprint", "django_content_type", "auth_permission")
# A few rows are deleted sooner than a table is cut off; much later, where a test has left a heap of them.
EMPTY_ALL_TABLES = """
DO $$ DECLARE name text; size bigint; BEGIN
    FOR name, size IN
        SELECT c.relname, pg_relation_size(c.oid) FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> ALL (ARRAY[{kept}])
    LOOP
        IF size > 1000000 THEN EXECUTE format('TRUNCATE %I CASCADE', name);
        ELSE EXECUTE format('DELETE FROM %I', name);
        END IF;
    END LOOP;
END $$
"""


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
    kept = sql.SQL(", ").join(map(sql.Literal, KEPT))
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            cursor.execute(sql.SQL(EMPTY_ALL_TABLES).format(kept=kept).as_string(connection.connection))
        finally:
            cursor.execute("RESET session_replication_role")
