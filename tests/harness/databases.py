"""Create, dump and restore additional databases on the test server, and use them from other processes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import OperationalError, connection
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.harness.servers import servers
from transfer_site.run.embedded import database_url, program

ROOT = Path(__file__).parent.parent.parent
HOLDER = "test-lock-holder"


def address(name: str) -> str:
    """Return the connection string of a database, for the superuser of the server."""
    if "TEST_DATABASE_URL" in os.environ:
        return make_conninfo(**{**conninfo_to_dict(os.environ["TEST_DATABASE_URL"]), "dbname": name})
    return database_url(servers.folder, name)


def away(message: str) -> OperationalError:
    """Return the error that Django raises if the database is unreachable, with the driver's error as its cause."""
    error = OperationalError(message)
    error.__cause__ = psycopg.OperationalError(message)
    return error


@contextmanager
def another_connection() -> Iterator[psycopg.Connection]:
    """Open a second connection with the superuser's role, which sees all locks and may change tables."""
    name = address(connection.settings_dict["NAME"])
    with psycopg.connect(name, autocommit=True, application_name=HOLDER) as other:
        yield other


# Makes inserts fail with the error that PostgreSQL reports for a full disk. `make chaos` also fills a real disk.
FULL = """
CREATE FUNCTION chaos_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER chaos_full BEFORE INSERT ON transfers_journalentry EXECUTE FUNCTION chaos_full();
"""


@contextmanager
def full_disk() -> Iterator[None]:
    with another_connection() as other:
        other.execute(FULL)
        try:
            yield
        finally:
            other.execute("DROP FUNCTION chaos_full CASCADE")


@contextmanager
def scratch_database(name: str) -> Iterator[str]:
    """Create an empty database, and drop it and its connections after the block."""
    drop(name)
    execute("postgres", sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield name
    finally:
        drop(name)


@contextmanager
def copied_database(name: str, template: str) -> Iterator[str]:
    """Create a database as a copy of another one, to which nobody is connected, and drop it after the block."""
    drop(name)
    names = sql.Identifier(name), sql.Identifier(template)
    execute("postgres", sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    try:
        yield name
    finally:
        drop(name)


def drop(name: str) -> None:
    execute("postgres", sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def execute(name: str, statement: sql.Composable) -> None:
    with psycopg.connect(address(name), autocommit=True) as connection:
        connection.execute(statement)


def dump(name: str, file: Path, *more: str) -> None:
    """Dump a database to a file, as plain text unless `more` (further arguments of pg_dump) says otherwise."""
    words = [*more, "--no-owner", "--no-privileges", f"--file={file}", f"--dbname={address(name)}"]
    subprocess.run([program("pg_dump"), *words], check=True, capture_output=True, text=True)


def restore(file: Path, name: str) -> None:
    words = ["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--single-transaction", f"--file={file}"]
    done = subprocess.run(
        [program("psql"), *words, f"--dbname={address(name)}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def environment(name: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment variables for a process that uses this database and may also migrate it."""
    here = address(name)
    return {**os.environ, "DATABASE_URL": here, "MIGRATION_DATABASE_URL": here, **(more or {})}


def run_python(
    name: str, *words: str, more: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(name, more),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
