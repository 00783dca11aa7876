"""Fixtures for all tests: named users, the application's database role, worker processes and a browser."""

import gc
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from unittest.mock import patch

import hypothesis
import psycopg.conninfo
import pytest
import redis
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection, transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer
from xdist.scheduler import LoadScopeScheduling

from tenancy import context
from tenancy.context import ALL_TENANTS, NO_TENANT
from tests.fixtures import roles
from tests.fixtures.cast import Cast
from tests.harness.databases import run_python, scratch_database
from tests.harness.servers import Servers
from tests.harness.servers import servers as running_servers
from transfer_site.run.embedded import APPLICATION
from transfer_site.run.processes import Child, wait_until

# A shell starts background jobs with SIGINT ignored, and the processes that the tests start would inherit this setting.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Give the assertions in this helper module detailed failure messages, like those in test modules.
pytest.register_assert_rewrite("tests.fixtures.with_calls")

# Generate the same examples in every run, and set no deadline for them.
hypothesis.settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")

# In milliseconds. On a busy machine a page may take several seconds.
TIMEOUT = 60_000
expect.set_options(timeout=TIMEOUT)

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    # Fewer processes to start: nothing is painted by a graphics card, and all pages are of one site.
    "--in-process-gpu",
    "--renderer-process-limit=1",
    "--disable-site-isolation-trials",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The test servers, for tests that stop or kill them."""
    return running_servers


# --- The application's role ------------------------------------------------------------------------------------------
# The owner's role creates the tables. Tests, live servers and workers then use the application's role, which cannot
# bypass row-level security. A test creates its data in the context of all tenants; the code it calls - a page, a task,
# a command, the engine - sets its own context. `as_owner` is for tests that change tables.


# Django sends this signal after a flush, to recreate rows that `migrate` wrote. The tests use a flush that keeps those
# rows, so they do not send the signal.
POST_MIGRATE = "django.core.management.commands.flush.emit_post_migrate_signal"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    context.outside = ALL_TENANTS
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:  # no test may take the ID of a transfer for its number
            cursor.execute("ALTER SEQUENCE transfers_transfer_id_seq RESTART WITH 5000000")
        roles.work_as(APPLICATION)
        with patch.object(DatabaseOperations, "execute_sql_flush", roles.flush_as_owner), patch(POST_MIGRATE):
            yield
        roles.work_as("none")
    context.outside = NO_TENANT


@pytest.fixture
def as_owner(db: None) -> Iterator[None]:
    with roles.as_owner():
        yield


@pytest.fixture
def cast(db: None) -> Cast:
    """The tenants, teams and named users that most tests use."""
    return Cast()


@pytest.fixture(scope="module")
def kept_rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A transaction for rows that all tests of a module use. Each test runs in a savepoint of it, and leaves them as
    they were."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def no_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send no messages to workers, so that confirmed transfers stay queued."""
    monkeypatch.setattr("transfers.tasks.wake", lambda transfer_id, workers=None: None)
    monkeypatch.setattr("transfers.tasks.wake_rehearsal", lambda rehearsal_id: None)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Make password hashing cheap, because a tenth of a second for each password would slow down the tests."""
    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    with patch.multiple(Argon2PasswordHasher, **cheap):
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_limits() -> Iterator[None]:
    """Let rate limits wait 10 seconds for Redis, because the usual half second is too short on a busy machine."""
    with patch("web.rate_limits.REDIS_TIMEOUT", 10):
        yield


@pytest.fixture(scope="session")
def migrated_database(servers: Servers) -> Iterator[str]:
    """A database after `migrate`, to copy, for tests whose processes need one of their own (see TOGETHER)."""
    with scratch_database("migrated_template") as name:
        done = run_python(name, "manage.py", "migrate", more={"EXTRA_APPS": ""})
        assert done.returncode == 0, done.stderr
        yield name


# --- Worker processes -----------------------------------------------------------------------------------------------


class WorkerProcess(Child):
    """A real `celery worker` process that uses the test database."""

    def wait_ready(self, seconds: float = 240) -> None:
        """Wait until the worker accepts messages."""
        wait_until(lambda: " ready." in self.tail(200) or not self.alive, seconds)
        ready = self.alive and " ready." in self.tail(200)
        assert ready, f"{self.name} did not get ready:\n{self.tail(60)}"

    def kill9(self) -> None:
        """Kill the worker and its pool processes without warning, as a power cut would."""
        self.kill()


StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def start_worker(transactional_db: None, servers: Servers) -> Iterator[StartWorker]:
    """Return a function that starts workers: `start_worker(concurrency=1, environment={...})`.

    The queue is emptied first; workers still running at the end are killed before the tables are flushed.
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
    """A running worker. `.stop()` lets it finish its chunk, but `.kill9()` does not."""
    return start_worker()


def worker_command(name: str) -> list[str]:
    flags = ["--without-mingle", "--without-gossip", f"--hostname={name}@localhost"]
    return [sys.executable, "-m", "celery", "-A", "transfer_site", "worker", *flags]


def reachable_test_database() -> str:
    """Return the connection string with which other processes can use the test database."""
    parameters = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname", "options")
    return psycopg.conninfo.make_conninfo(
        **{name: parameters[name] for name in names if parameters.get(name)}
    )


# --- The browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser, started from the executable in the environment variable CHROMIUM, or else from the PATH.

    Playwright's event loop runs in this thread, so Django needs DJANGO_ALLOW_ASYNC_UNSAFE to access the database.
    """
    on_path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    path = os.environ.get("CHROMIUM") or on_path
    if not path:
        pytest.fail("The browser tests need Chromium: run `make browser`, or set CHROMIUM=/path/to/chromium.")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page_errors() -> list[str]:
    """Errors that the browser reported. A test that provokes an error removes it from the list."""
    return []


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer, page_errors: list[str]) -> Iterator[Page]:
    """A new browser page, with URLs relative to the live server: `page.goto("/")`.

    Any console error fails the test, including violations of the Content-Security-Policy.
    """
    with chromium.new_context(base_url=live_server.url) as context:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.on("console", lambda message: record_console_error(message, page_errors))
        page.on("pageerror", lambda error: page_errors.append(f"page error: {error}"))
        yield page
    assert not page_errors, "\n".join(page_errors)


def record_console_error(message: ConsoleMessage, errors: list[str]) -> None:
    if message.type == "error":
        errors.append(f"console: {message.text} ({message.location.get('url', '')})")


# Tests below these paths use a fixture that takes long, so that only one test process should set it up.
TOGETHER = {
    "tests/access/test_grid.py": "world",
    "tests/adopting/": "migrated_database",
    "tests/demo/test_demo_data.py": "planted",
    "tests/harness/upgrade/": "today",
    "tests/transfers/checks/test_pasting.py": "migrated_database",
}


class Together(LoadScopeScheduling):
    """Give the tests that share a fixture (see TOGETHER) to one process, and the others one by one to any process.

    The marker `xdist_group` has no effect with pytest 9.2, which keeps IDs of tests in another attribute.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((fixture for path, fixture in TOGETHER.items() if nodeid.startswith(path)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    return Together(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_finish() -> None:
    """Let garbage collections leave out what lives until the end: the modules and all collected tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start workers, so that `-m "not worker"` excludes them."""
    for item in items:
        if {"start_worker", "celery_worker_process"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.worker)
