"""pytest plugin (`-p tests.harness.servers`) that runs PostgreSQL and Redis servers in a temporary folder.

The environment is set before Django reads its settings. The servers start only if there is a test to run. Set
TEST_DATABASE_URL or TEST_REDIS_URL to use your own servers.
"""

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg.conninfo
import pytest
from django.db import connections
from psycopg import sql

from transfer_site.run.embedded import APPLICATION, Postgres, Redis, database_url, redis_url, socket_folder
from transfer_site.run.processes import Refusal, claim

PREFIX = "transfer-tests-"
# These limits are turned off, because tests send more requests than users do. Tests of rate limits set their own.
RATE_LIMITS = [
    f"RATE_LIMIT_{name}" for name in ("SIGN_IN", "SEARCH", "UPLOAD", "DOWNLOAD", "CHANGE", "DENIAL")
]


@dataclass
class Servers:
    """The test servers. `postgres` and `redis` are None before the start and if external servers are used."""

    folder: Path
    postgres: Postgres | None = None
    redis: Redis | None = None
    hold: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        self.hold.enter_context(claim(self.folder))
        if "TEST_DATABASE_URL" not in os.environ:
            self.postgres = Postgres(self.folder, durable=False)
            self.postgres.start()
        make_application_role(os.environ["DATABASE_URL"])
        if "TEST_REDIS_URL" not in os.environ:
            self.redis = Redis(self.folder)
            self.redis.start()

    @contextmanager
    def without_postgres(self) -> Iterator[None]:
        """Crash PostgreSQL, and start it again after the block. The test must use `transactional_db`."""
        assert self.postgres is not None, "TEST_DATABASE_URL names a server that is not ours to stop"
        self.postgres.stop(immediate=True)
        try:
            yield
        finally:
            self.postgres.start()
            connections.close_all()  # this test's connection died with the server

    def stop(self) -> None:
        """Stop the servers. This method may be called twice, and after an incomplete start."""
        for server in (self.redis, self.postgres):
            if server:
                server.stop()
        self.hold.close()
        remove(self.folder)


servers = Servers(Path(tempfile.gettempdir()) / "unused")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    """Set the environment before pytest-django reads the settings, which it does in the same hook."""
    remove_abandoned()
    servers.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    atexit.register(servers.stop)
    os.environ.update(
        DATABASE_URL=os.environ.get("TEST_DATABASE_URL") or database_url(servers.folder),
        REDIS_URL=own_redis() or redis_url(servers.folder),
        APPLICATION_ROLE=APPLICATION,
        DATA_DIR=str(servers.folder),
        SECRET_KEY="for tests only, and long enough to be taken for a real one",
        ALLOWED_HOSTS="localhost,127.0.0.1,[::1]",
        DEBUG="0",
        HTTPS="0",
        HASHED_STATIC="0",
        EMAIL_URL="memorymail://",
        SITE_URL="http://testserver",
        **dict.fromkeys(RATE_LIMITS, ""),
        PROCESS_NAME="transfer-tests",
    )
    (servers.folder / "static").mkdir()
    return (yield)


def own_redis() -> str:
    """Return TEST_REDIS_URL with a separate database, and thus a separate queue, for each test process."""
    url, process = os.environ.get("TEST_REDIS_URL", ""), os.environ.get("PYTEST_XDIST_WORKER", "")
    return urlsplit(url)._replace(path=f"/{process.removeprefix('gw')}").geturl() if url and process else url


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.items and not session.config.option.collectonly:
        try:
            servers.start()
        except Refusal as refusal:
            pytest.exit(str(refusal), returncode=1)


def pytest_unconfigure() -> None:
    servers.stop()


def make_application_role(url: str) -> None:
    """Create the application's database role. Tests connect as superuser and then switch to this role."""
    parts = psycopg.conninfo.make_conninfo(url, dbname="postgres")
    with psycopg.connect(parts, autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchall():
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN NOBYPASSRLS").format(sql.Identifier(APPLICATION))
            )


def remove_abandoned() -> None:
    """Remove the folders left by killed test runs.

    A test run claims its folder until it ends, so claimed folders are kept. So are unclaimed folders less than a minute
    old, because their run may be just starting.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(Refusal, OSError):
            if time.time() - folder.stat().st_mtime > 60:
                with claim(folder):
                    remove(folder)


def remove(folder: Path) -> None:
    if socket_folder(folder) != folder / "run":
        shutil.rmtree(socket_folder(folder), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
