"""Fixtures for all tests: the named cast, and what needs more than a test client: real workers, a real browser."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count
from unittest.mock import patch

import hypothesis
import psycopg.conninfo
import pytest
import redis
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer

from accounts import wall
from tests import roles
from tests.servers import Servers
from tests.servers import servers as running_servers
from tests.transfers.cast import Cast
from transfer_site.embedded import APPLICATION
from transfer_site.processes import Child, wait_until

# A suite that was started in the background of a shell ignores Ctrl-C, and so would every program that it starts.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Its assertions say what they saw, as those of a test do.
pytest.register_assert_rewrite("tests.transfers.with_calls")

# The same examples each time, and no deadline for any of them.
hypothesis.settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")

# Milliseconds until a browser test gives up; on a busy machine a page may take some seconds.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The PostgreSQL and the Redis under the tests, for tests that stop or kill them."""
    return running_servers


# --- The application's role ------------------------------------------------------------------------------------------
# The database is made by its owner. The tests, their live servers and their workers then work in it as the
# application, which cannot go round the wall between the tenants. A test makes its own world without a wall; whatever
# it calls - a page, a task, a command, the engine - puts up its own. `as_owner` is for tests that change the tables.


# Writes anew what `migrate` wrote; here that stays.
NEVER_GONE = "django.core.management.commands.flush.emit_post_migrate_signal"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    wall.outside = wall.EVERYBODY
    with django_db_blocker.unblock():
        roles.work_as(APPLICATION)
        with patch.object(DatabaseOperations, "execute_sql_flush", roles.flush_as_owner), patch(NEVER_GONE):
            yield
        roles.work_as("none")
    wall.outside = wall.NOBODY


@pytest.fixture
def as_owner(db: None) -> Iterator[None]:
    with roles.as_owner():
        yield


@pytest.fixture
def cast(db: None) -> Cast:
    """The named cast of the page tests."""
    return Cast()


@pytest.fixture
def no_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is confirmed waits: no worker is told of it."""
    monkeypatch.setattr("transfers.tasks.wake", lambda transfer_id, workers=None: None)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """What a guess costs is set by Django; a tenth of a second each time is nothing that a test asks for."""
    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    with patch.multiple(Argon2PasswordHasher, **cheap):
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_limits() -> Iterator[None]:
    """A page gives Redis half a second and then counts by itself, from nothing; a busy machine may take longer."""
    with patch("accounts.limits.PATIENCE", 10):
        yield


# --- Worker processes -----------------------------------------------------------------------------------------------


class WorkerProcess(Child):
    """A real `celery worker` on the test database."""

    def wait_ready(self, seconds: float = 90) -> None:
        """Returns once it takes messages."""
        wait_until(lambda: " ready." in self.tail(200) or not self.alive, seconds)
        ready = self.alive and " ready." in self.tail(200)
        assert ready, f"{self.name} did not get ready:\n{self.tail(60)}"

    def kill9(self) -> None:
        """The whole worker, its pool included, as a power cut would end it."""
        self.kill()


StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def start_worker(transactional_db: None, servers: Servers) -> Iterator[StartWorker]:
    """Starts as many workers as the test asks for: `start_worker(concurrency=1, environment={...})`.

    The queue is empty at the start; whatever still runs at the end is killed before the tables are emptied.
    """
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
    numbers = count(1)
    workers: list[WorkerProcess] = []

    def start(*, concurrency: int = 1, environment: dict[str, str] | None = None) -> WorkerProcess:
        name = f"worker{next(numbers)}"
        log = servers.folder / "log" / f"{name}.log"
        log.unlink(missing_ok=True)
        worker = WorkerProcess(
            name,
            [*worker_command(name), f"--concurrency={concurrency}"],
            log=log,
            environment={
                "DATABASE_URL": reachable_test_database(),
                "PROCESS_NAME": name,
                **(environment or {}),
            },
        )
        workers.append(worker)
        worker.start()
        worker.wait_ready()
        return worker

    yield start
    for worker in workers:
        worker.signal(signal.SIGCONT)
        worker.kill()


@pytest.fixture
def celery_worker_process(start_worker: StartWorker) -> WorkerProcess:
    """One worker, ready; `.stop()` asks it to finish its chunk, `.kill9()` does not ask."""
    return start_worker()


def worker_command(name: str) -> list[str]:
    flags = ["--without-mingle", "--without-gossip", f"--hostname={name}@localhost"]
    return [sys.executable, "-m", "celery", "-A", "transfer_site", "worker", *flags]


def reachable_test_database() -> str:
    """How a process outside of this one reaches the database that pytest-django made."""
    parameters = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname", "options")
    return psycopg.conninfo.make_conninfo(
        **{name: parameters[name] for name in names if parameters.get(name)}
    )


# --- The browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or the one that CHROMIUM names.

    Playwright keeps an event loop in this thread, and Django, which sees it, would refuse to touch the database.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.fail(
            "The browser tests need Chromium: run `make browser`, or name one with CHROMIUM=/path/to/it."
        )
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page_errors() -> list[str]:
    """What the browser complained of; a test that provokes a complaint takes it out of here."""
    return []


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer, page_errors: list[str]) -> Iterator[Page]:
    """A fresh page on the live server, `page.goto("/")`. It fails the test on any error on the console, which is
    also where Chromium reports what the Content-Security-Policy refused."""
    with chromium.new_context(base_url=live_server.url) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: note_console(message, page_errors))
        page.on("pageerror", lambda error: page_errors.append(f"page error: {error}"))
        yield page
    assert not page_errors, "\n".join(page_errors)


def note_console(message: ConsoleMessage, errors: list[str]) -> None:
    if message.type == "error":
        errors.append(f"console: {message.text} ({message.location.get('url', '')})")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever starts a worker is marked so: `-m "not worker"` leaves such tests out."""
    for item in items:
        if {"start_worker", "celery_worker_process"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.worker)
