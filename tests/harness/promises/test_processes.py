"""Promises R1 to R4, R6, R10 and R11, tested with real processes.

Workers and Redis die or are shut down, messages are repeated, a poison pair fails, and the web server is restarted.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
import redis
from django.conf import settings

from accounts.models import User
from tests.conftest import StartWorker, WorkerProcess, reachable_test_database
from tests.fixtures import records
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.with_calls import assert_whole_or_untouched, done
from tests.harness.chaos.poison import poison_pair
from tests.harness.databases import another_connection
from tests.harness.ports import free_port
from tests.harness.promises.conftest import (
    CALLS,
    PAIRS,
    finish,
    held_up,
    json_lines,
    sweep_until_the_end,
    wait_for_the_middle,
    who_waits,
)
from tests.harness.servers import Servers
from transfer_site.run.processes import Child, wait_until
from transfers import actions, tasks
from transfers.models import PairState, Transfer

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


def poison(user: User, kind: str) -> None:
    with another_connection() as other:
        poison_pair(other, kind, user.pk, target=0)


@pytest.fixture(autouse=True)
def antidote(transactional_db: None) -> object:
    """After each test, drop the triggers that poison pairs, because flushing the tables does not remove them."""
    yield
    with another_connection() as other:
        for (name,) in other.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'chaos_%'").fetchall():
            other.execute(f"DROP FUNCTION {name} CASCADE")


def test_r1_killed_in_the_middle_of_a_batch_every_pair_is_whole_or_untouched(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker
) -> None:
    worker = start_worker()
    with held_up(pairs[7][0]):
        tasks.wake(confirmed.pk)
        wait_for_the_middle()
        worker.kill9()
        assert_whole_or_untouched(confirmed, CALLS)
    assert_whole_or_untouched(confirmed, CALLS)
    start_worker()
    sweep_until_the_end(confirmed)
    finish(confirmed)


def test_r2_the_same_message_ten_times_at_once_and_again(
    confirmed: Transfer, start_worker: StartWorker
) -> None:
    start_worker(concurrency=3)
    for _ in range(10):
        tasks.run_transfer.delay(confirmed.pk)
    finish(confirmed)
    before = records.snapshot()
    tasks.run_transfer(confirmed.pk)
    assert records.snapshot() == before


def test_r3_after_the_death_of_a_worker_the_next_one_continues(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker, beat: Callable[[], None]
) -> None:
    worker = start_worker()
    with held_up(pairs[12][0]):
        tasks.wake(confirmed.pk)
        wait_for_the_middle()
        worker.kill9()
    before = done(confirmed)
    start_worker()
    beat()
    assert wait_until(lambda: done(confirmed) > before, 240), "no next pair"
    finish(confirmed)


def test_r4_redis_is_emptied_and_goes_down_and_the_transfer_ends(
    confirmed: Transfer,
    pairs: list[tuple[User, User]],
    start_worker: StartWorker,
    servers: Servers,
    beat: Callable[[], None],
) -> None:
    assert servers.redis is not None, "TEST_REDIS_URL names a server that is not ours to stop"
    worker = start_worker(environment={"TRANSFER_TASK_SECONDS": "1"})
    beat()
    with held_up(pairs[12][0]):
        tasks.wake(confirmed.pk)
        wait_for_the_middle()
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            client.flushall()
        servers.redis.child.kill()
        tasks.wake(confirmed.pk)  # sends the message that a confirmation sends
        wait_for_the_middle(1)  # longer than TRANSFER_TASK_SECONDS
    assert wait_until(lambda: "the queue cannot be reached" in worker.tail(300), 240), (
        "its message to itself was delivered"
    )
    servers.redis.start()
    finish(confirmed)


LOG_MESSAGES = {
    "raises": "a row that cannot be moved",
    "kills its worker": "exited with 'signal 9 (SIGKILL)'",
    "cuts its connection": "terminating connection",
}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("raises", "database-error"),
        ("kills its worker", "worker-died"),
        ("cuts its connection", "worker-died"),
    ],
)
def test_r6_a_poison_pair_fails_after_three_attempts_and_the_others_succeed(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker, kind: str, code: str
) -> None:
    poison(pairs[8][0], kind)
    worker = start_worker(environment={"EXTRA_APPS": "tests.harness.chaos.deadly", "LOG_FORMAT": "json"})
    sweep_until_the_end(confirmed)
    finish(confirmed, failed=1)
    failed = confirmed.pairs.get(state=PairState.FAILED)
    assert (failed.source, failed.code, failed.attempts) == (pairs[8][0], code, 3)
    assert failed.reason
    assert failed.remedy
    lines = json_lines(worker.log)
    assert any(LOG_MESSAGES[kind] in line["message"] for line in lines)
    named = {line["transfer_id"] for line in lines if line.get("chunk") == failed.chunk}
    assert named == {confirmed.pk} or kind != "raises"  # other kinds end the worker before it logs the error


def test_r10_a_stopped_worker_finishes_its_chunk_and_leaves_the_rest(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker
) -> None:
    worker = start_worker(environment={"TRANSFER_TASK_SECONDS": "1"})
    with held_up(pairs[7][0]):
        tasks.wake(confirmed.pk)
        wait_for_the_middle()
        worker.signal(signal.SIGTERM)
        assert wait_until(lambda: "Warm shutdown" in worker.tail(50), 240)
        wait_for_the_middle(1)  # longer than TRANSFER_TASK_SECONDS
    assert worker.wait(30), "it did not exit by itself"
    assert 0 < done(confirmed) < PAIRS
    assert_whole_or_untouched(confirmed, CALLS)
    assert not confirmed.pairs.exclude(code="").exists()
    start_worker()
    sweep_until_the_end(confirmed)
    finish(confirmed)


# --- The web server -------------------------------------------------------------------------------------------------


class WebServer(Child):
    """A gunicorn server configured as in production, with one worker process."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        root = settings.BASE_DIR
        super().__init__(
            "web",
            [sys.executable, "-m", "gunicorn", f"--config={root / 'gunicorn.conf.py'}", f"--chdir={root}"],
            log=log,
            environment={
                "DATABASE_URL": reachable_test_database(),
                "WEB_BIND": f"127.0.0.1:{port}",
                "WEB_WORKERS": "1",
                "LOG_FORMAT": "json",
            },
        )

    def get(self, path: str, session: str) -> int:
        page = HTTPConnection("127.0.0.1", self.port, timeout=30)
        page.request("GET", path, headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"})
        return page.getresponse().status

    def start_and_wait(self) -> None:
        self.log.unlink(missing_ok=True)
        self.start()
        self.wait_for_log("Listening at")

    def begin_to_stop(self) -> None:
        self.ask_to_stop()
        self.wait_for_log("Handling signal: term")

    def wait_for_log(self, words: str) -> None:
        assert wait_until(lambda: words in self.tail(40), 240), self.tail(40)


@contextmanager
def pages_held_up() -> Iterator[None]:
    """Make the requests of signed-in users wait until the `with` block ends, by locking the session table."""
    with another_connection() as other, other.transaction():
        other.execute("LOCK TABLE django_session")
        yield


@pytest.fixture
def web(transactional_db: None, servers: Servers) -> Iterator[WebServer]:
    child = WebServer(free_port(), servers.folder / "log" / "reloaded.log")
    yield child
    child.stop(20)


def test_r10_restarts_of_the_web_server_lose_no_response(
    cast: Cast, confirmed: Transfer, web: WebServer
) -> None:
    """As docs/operations.md describes, the old process finishes its requests, and users stay signed in."""
    address, session = (
        f"/transfers/{confirmed.number}/",
        signed_in(cast.ada).cookies[settings.SESSION_COOKIE_NAME].value,
    )
    with ThreadPoolExecutor() as browser:
        for _ in range(3):
            web.start_and_wait()
            with pages_held_up():
                page = browser.submit(web.get, address, session)
                assert wait_until(lambda: who_waits() != [], 240), web.tail(40)
                web.begin_to_stop()
            assert page.result(30) == 200
            assert web.wait(30), web.tail(40)
            (line,) = [
                json.loads(line) for line in web.tail(40).splitlines() if f"GET {address} 200 " in line
            ]
            assert (line["user_id"], len(line["request_id"])) == (cast.ada.pk, 32)
    tasks.run_transfer(confirmed.pk)
    finish(confirmed)


# --- Stop -----------------------------------------------------------------------------------------------------------


def test_r11_a_stop_in_the_middle_of_a_batch(
    confirmed: Transfer, pairs: list[tuple[User, User]], celery_worker_process: WorkerProcess
) -> None:
    with held_up(pairs[7][0]):
        tasks.wake(confirmed.pk)
        wait_for_the_middle()
        actions.stop(by=confirmed.requested_by, transfer=confirmed)
    sweep_until_the_end(confirmed)
    confirmed.refresh_from_db()
    assert confirmed.state == "stopped"
    assert done(confirmed) == 10
    assert confirmed.pairs.filter(state=PairState.NOT_STARTED).count() == PAIRS - 10
    assert_whole_or_untouched(confirmed, CALLS)
