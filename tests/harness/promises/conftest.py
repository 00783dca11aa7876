"""Fixtures: a confirmed transfer of thirty pairs in chunks of five, and helpers that block a worker during a batch."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from accounts.models import User
from audit.models import AuditEvent
from tests.conftest import reachable_test_database
from tests.fixtures.cast import Cast
from tests.fixtures.running import confirm, upload
from tests.fixtures.with_calls import assert_whole_or_untouched, done, pairs_with_calls
from tests.harness.databases import HOLDER, another_connection
from transfer_site.run.processes import Child, wait_until
from transfers import tasks
from transfers.actions import confirming
from transfers.models import PairState, Transfer

PAIRS = 30
CALLS = 200


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return Cast()


@pytest.fixture
def pairs(cast: Cast) -> list[tuple[User, User]]:
    return pairs_with_calls(cast, PAIRS, CALLS)


@pytest.fixture
def confirmed(cast: Cast, pairs: list[tuple[User, User]], monkeypatch: pytest.MonkeyPatch) -> Transfer:
    monkeypatch.setattr(confirming, "CHUNK_PAIRS", 5)
    return confirm(upload(cast.ada, *pairs), cast.ada)


def finish(transfer: Transfer, *, failed: int = 0, seconds: float = 240) -> None:
    """Wait until the transfer has ended, and check the number of failed pairs and the records of every pair."""
    wait_until(lambda: Transfer.objects.get(pk=transfer.pk).is_final, seconds)
    transfer.refresh_from_db()
    assert transfer.is_final
    assert (done(transfer), transfer.pairs.filter(state=PairState.FAILED).count()) == (PAIRS - failed, failed)
    assert_whole_or_untouched(transfer, CALLS)
    assert (
        AuditEvent.objects.filter(transfer_number=transfer.number, kind="pair-succeeded").count()
        == PAIRS - failed
    )


def sweep_until_the_end(transfer: Transfer, seconds: float = 240) -> None:
    """Until the transfer has ended, run the recovery sweep twice a second instead of every ten seconds."""

    def ended() -> bool:
        tasks.recovery_sweep()
        return Transfer.objects.get(pk=transfer.pk).is_final

    wait_until(ended, seconds, pause=0.5)


# --- Another connection ---------------------------------------------------------------------------------------------


@contextmanager
def held_up(user: User) -> Iterator[psycopg.Connection]:
    """Lock this user's schedules until the `with` block ends, so that a batch that moves them waits in the middle."""
    with another_connection() as other, other.transaction():
        other.execute("SELECT FROM workforce_agentschedule WHERE user_id = %s FOR UPDATE", [user.pk])
        yield other


# Finds only processes blocked by this test: workers also wait for each other, to take turns or to start a transfer.
WAITING = f"""
SELECT w.application_name FROM pg_stat_activity AS w
WHERE w.datname = current_database() AND clock_timestamp() - w.xact_start > make_interval(secs => %s) AND EXISTS (
    SELECT FROM pg_stat_activity AS h WHERE h.pid = ANY (pg_blocking_pids(w.pid)) AND h.application_name = '{HOLDER}'
)
"""


def who_waits(seconds: float = 0) -> list[str]:
    """Return the names of processes blocked by `another_connection` in transactions begun over `seconds` ago."""
    with another_connection() as other:
        return [name for (name,) in other.execute(WAITING, [seconds])]


def wait_for_the_middle(seconds: float = 0) -> None:
    """Wait until a worker is blocked in the middle of a batch that began over `seconds` ago.

    The worker has then moved the records of some data types but not of others.
    """
    assert wait_until(lambda: bool(who_waits(seconds)), 240)


def json_lines(log: Path) -> list[dict[str, Any]]:
    """Return the parsed log of a worker with LOG_FORMAT=json, without Celery's plain-text banner."""
    lines = log.read_text().splitlines()
    ready = next(number for number, line in enumerate(lines) if " ready." in line)
    return [json.loads(line) for line in lines[ready:]]


@pytest.fixture
def beat(servers: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], None]]:
    """Return a function that starts Celery beat, which sends the message for the recovery sweep."""
    folder = tmp_path_factory.mktemp("beat")
    command = [
        sys.executable,
        "-m",
        "celery",
        "--app=transfer_site",
        "beat",
        f"--schedule={folder / 'schedule'}",
    ]
    child = Child(
        "beat",
        [*command, "--pidfile="],
        log=folder / "log",
        environment={"DATABASE_URL": reachable_test_database()},
    )
    yield child.start
    child.kill()
