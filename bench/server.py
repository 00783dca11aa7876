"""A temporary PostgreSQL server with production settings, and a broker that no worker reads.

The data is created once, in a template database. Each measurement runs in a fresh copy of it, so that all start from
the same bytes. Everything is in one temporary folder, which is removed at the end, even after Ctrl-C.
"""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from transfer_site.run.embedded import (
    APPLICATION,
    SUPERUSER,
    Postgres,
    Redis,
    database_url,
    redis_url,
    socket_folder,
)

# Autovacuum would slow down some measurements at random, and all are too short to benefit from it.
SETTINGS = {"autovacuum": "off", "shared_preload_libraries": "pg_stat_statements", "track_io_timing": "on"}


class Server(Postgres):
    """A server as durable (fsync, synchronous commit) as that of `transfer_site.run.embedded`, with SETTINGS added."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.broker = Redis(folder)

    def command(self) -> list[str]:
        return [
            *super().command(),
            *(w for name, value in SETTINGS.items() for w in ("-c", f"{name}={value}")),
        ]

    def start(self) -> None:
        """Start PostgreSQL and Redis. Without a broker, each upload and confirmation would retry to reach one."""
        super().start()
        self.ensure_roles()
        self.broker.start()

    def stop(self, *, immediate: bool = False, patience: float = 5) -> None:
        self.broker.stop(patience)
        super().stop(immediate=immediate, patience=patience)

    def address(self, name: str, user: str = SUPERUSER) -> str:
        return database_url(self.folder, name, user)

    def connect(self, name: str = "postgres", **options: Any) -> psycopg.Connection:
        return psycopg.connect(self.address(name), **options)

    def command_sql(self, statement: str, *names: str) -> None:
        with self.connect(autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def copy(self, template: str, name: str) -> None:
        """Copy a database file by file, and flush everything to disk before returning."""
        self.command_sql("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        self.command_sql("CHECKPOINT")

    def drop(self, name: str) -> None:
        self.command_sql("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    @contextmanager
    def fresh(self, template: str, name: str = "race") -> Iterator[str]:
        """Copy the template, yield the name of the copy, and drop it after the block."""
        self.copy(template, name)
        try:
            yield name
        finally:
            leave()
            self.drop(name)


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, point Django's settings to it and yield it. Stop it and remove its folder afterwards."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="transfer-bench-"))
    made = Server(folder)
    atexit.register(remove, made)
    prepare_environment(folder)
    try:
        made.start()
        yield made
    finally:
        remove(made)


def remove(made: Server) -> None:
    """Stop the server and remove its folders. A second call does nothing."""
    with suppress(KeyboardInterrupt):
        made.stop(patience=20)
    if socket_folder(made.folder) != made.folder / "run":
        shutil.rmtree(socket_folder(made.folder), ignore_errors=True)
    shutil.rmtree(made.folder, ignore_errors=True)


def prepare_environment(folder: Path) -> None:
    os.environ.update(
        DJANGO_SETTINGS_MODULE="transfer_site.settings",
        DATABASE_URL=database_url(folder, "postgres"),
        REDIS_URL=redis_url(folder),
        APPLICATION_ROLE=APPLICATION,
        DATA_DIR=str(folder),
        SECRET_KEY="for the benchmark only, and long enough to be taken for a real one",  # noqa: S106
        ALLOWED_HOSTS="localhost",
        DEBUG="0",
        HTTPS="0",
        HASHED_STATIC="0",
        PROCESS_NAME="transfer-bench",
    )


def enter(name: str, user: str = SUPERUSER) -> None:
    """Connect Django to this database.

    The application role is subject to row-level security; the superuser is not.
    """
    from django.db import connection

    connection.close()
    connection.settings_dict |= {"NAME": name, "USER": user}


def leave() -> None:
    from django.db import connection

    connection.close()
