"""R5, R12 to R15: PostgreSQL goes down, cannot write, is quarrelled over, or is copied in the middle of a transfer."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from tests.conftest import StartWorker
from tests.databases import address
from tests.promises.conftest import (
    CALLS,
    PAIRS,
    another_connection,
    finish,
    held_up,
    sweep_until_the_end,
    wait_for_the_middle,
)
from tests.servers import Servers
from tests.transfers import records
from tests.transfers.cast import Cast, signed_in
from tests.transfers.running import confirm
from tests.transfers.with_calls import assert_whole_or_untouched, done
from transfer_site.embedded import program
from transfer_site.processes import wait_until
from transfers import actions, tasks
from transfers.engine import batch
from transfers.engine.steps import Step
from transfers.engine.worker import work_on
from transfers.models import State, Transfer

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


def test_r5_postgresql_crashes_in_the_middle_of_a_batch(
    confirmed: Transfer,
    pairs: list[tuple[User, User]],
    start_worker: StartWorker,
    servers: Servers,
    cast: Cast,
) -> None:
    assert servers.postgres is not None, "TEST_DATABASE_URL names a server that is not ours to stop"
    browser: Client = signed_in(cast.ada)
    browser.raise_request_exception = False
    start_worker()
    tasks.wake(confirmed.pk)
    with suppress(psycopg.OperationalError), held_up(pairs[7][0]):
        wait_for_the_middle()
        servers.postgres.stop(immediate=True)
    connection.close()
    page = browser.get(f"/transfers/{confirmed.pk}/")
    servers.postgres.start()
    connection.close()
    assert page.status_code == 503
    assert "Reconnecting" in page.content.decode()
    assert page["Retry-After"]
    sweep_until_the_end(confirmed)
    finish(confirmed)
    assert browser.get(f"/transfers/{confirmed.pk}/").status_code == 200
    assert set(confirmed.pairs.values_list("attempts", flat=True)) == {1}  # a restart is no pair's fault


# --- R12 ------------------------------------------------------------------------------------------------------------


def test_r12_two_transfers_in_opposite_directions_over_shared_rows(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each evaluation belongs to both, as evaluator or as approver, so both want the same rows: they take turns."""
    for _ in range(20):
        records.evaluation(records.call(cast.eli), cast.ana, cast.cy)
        records.evaluation(records.call(cast.eli), cast.cy, cast.ana)
    there, back = [(cast.ana, cast.bo), (cast.cy, cast.di)], [(cast.bo, cast.ana), (cast.di, cast.cy)]
    for number in range(50):
        transfers = [
            confirm(actions.start_single(by=cast.ada, source_id=source.pk, target_id=target.pk), cast.ada)
            for source, target in (back if number % 2 else there)
        ]
        if number < 5:
            in_step(monkeypatch)
        workers = [threading.Thread(target=run_alone, args=[transfer.pk]) for transfer in transfers]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        for transfer in transfers:
            transfer.refresh_from_db()
            assert transfer.state == State.SUCCEEDED, transfer.pairs.get().reason
        monkeypatch.undo()


def in_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without turns each has locked the rows of one owner before either wants those of the next: that is a deadlock."""
    both, real = threading.Barrier(2), batch.perform

    def perform(steps: list[Step], transfer_id: int) -> None:
        real(steps, transfer_id)
        if steps[0].name == "affected":
            with suppress(threading.BrokenBarrierError):
                both.wait(1)

    monkeypatch.setattr(batch, "perform", perform)


def run_alone(transfer_id: int) -> None:
    try:
        while work_on(transfer_id):
            pass
    finally:
        connection.close()


# --- R13 ------------------------------------------------------------------------------------------------------------

# What PostgreSQL says when a table cannot grow. A disk that is really full is part of `make chaos`.
FULL = """
CREATE FUNCTION chaos_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER chaos_full BEFORE INSERT ON transfers_discardedrow EXECUTE FUNCTION chaos_full();
"""


@contextmanager
def full_disk() -> Iterator[None]:
    with another_connection() as other:
        other.execute(FULL)
        yield
        other.execute("DROP FUNCTION chaos_full CASCADE")


@contextmanager
def read_only() -> Iterator[None]:
    database = psycopg.sql.Identifier(connection.settings_dict["NAME"])
    alter = psycopg.sql.SQL("ALTER DATABASE {} {} default_transaction_read_only {}")
    with another_connection() as other:
        other.execute(alter.format(database, psycopg.sql.SQL("SET"), psycopg.sql.SQL("= on")))
        other.execute("SET default_transaction_read_only = off")
        yield
        other.execute(alter.format(database, psycopg.sql.SQL("RESET"), psycopg.sql.SQL("")))


@pytest.mark.parametrize("trouble", [full_disk, read_only], ids=["disk full", "read-only"])
def test_r13_a_database_that_cannot_write_pauses_the_transfer(
    confirmed: Transfer, start_worker: StartWorker, trouble: object
) -> None:
    assert callable(trouble)
    with trouble():
        worker = start_worker()
        tasks.wake(confirmed.pk)
        said = ("No space left", "read-only transaction")
        assert wait_until(lambda: any(word in worker.tail(500) for word in said), 30), worker.tail(40)
        assert not confirmed.pairs.exclude(state="pending").exists()
        assert_whole_or_untouched(confirmed, CALLS)
    sweep_until_the_end(confirmed)
    finish(confirmed)


# --- R14 ------------------------------------------------------------------------------------------------------------


def test_r14_nobody_outside_the_chunk_waits(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker
) -> None:
    """Other people's writes for users of other chunks go through while a chunk is at work; those for its own wait."""
    start_worker()
    tasks.wake(confirmed.pk)
    with held_up(pairs[2][0]), another_connection() as other:
        wait_for_the_middle()
        other.execute("SET lock_timeout = '500ms'")
        for source, target in pairs[5:]:
            for user in (source, target):
                other.execute("UPDATE accounts_user SET first_name = first_name WHERE id = %s", [user.pk])
                other.execute("UPDATE workforce_agentschedule SET id = id WHERE user_id = %s", [user.pk])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("SELECT FROM accounts_user WHERE id = %s FOR KEY SHARE", [pairs[0][0].pk])
    finish(confirmed)


# --- R15 ------------------------------------------------------------------------------------------------------------


def test_r15_a_backup_from_the_middle_resumes_to_the_same_end(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker, tmp_path: object
) -> None:
    start_worker()
    tasks.wake(confirmed.pk)
    with held_up(pairs[12][0]):
        wait_for_the_middle()
        dump = backup()
        assert 0 < done(confirmed) < PAIRS
    finish(confirmed)
    with restored(dump) as url:
        resume(url, confirmed.pk)
        with psycopg.connect(url) as copy:
            states = copy.execute("SELECT state, count(*) FROM transfers_transferpair GROUP BY 1").fetchall()
            calls = copy.execute(MOVED_CALLS).fetchall()
            assert states == [("succeeded", PAIRS)]
            assert calls == [(CALLS, True)] * PAIRS
            assert in_both(copy, "SELECT * FROM workforce_agentschedule ORDER BY id")
            assert in_both(copy, "SELECT * FROM quality_contactgoalprogress ORDER BY id")


MOVED_CALLS = """
SELECT count(*), bool_and(c.agent_id = p.target_id) FROM transfers_transferpair AS p
JOIN quality_ccr AS c ON c.agent_id IN (p.source_id, p.target_id) GROUP BY p.id
"""


def in_both(copy: psycopg.Connection, statement: str) -> bool:
    with another_connection() as original:
        return copy.execute(statement).fetchall() == original.execute(statement).fetchall()


def backup() -> bytes:
    command = [program("pg_dump"), "--format=custom", f"--dbname={address(connection.settings_dict['NAME'])}"]
    return subprocess.run(command, capture_output=True, check=True).stdout


@contextmanager
def restored(dump: bytes) -> Iterator[str]:
    """The address of a new database with what was dumped, gone afterwards."""
    url = address("restored")
    with another_connection() as other:
        other.execute("DROP DATABASE IF EXISTS restored WITH (FORCE)")
        other.execute("CREATE DATABASE restored")
        try:
            subprocess.run([program("pg_restore"), f"--dbname={url}"], input=dump, check=True)
            yield url
        finally:
            other.execute("DROP DATABASE restored WITH (FORCE)")


WORK = """
import django; django.setup()
from transfers.engine.worker import work_on
while work_on({id}): pass
"""


def resume(url: str, transfer_id: int) -> None:
    command = [sys.executable, "-c", WORK.format(id=transfer_id)]
    environment = os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(settings.BASE_DIR)}
    environment.setdefault("DJANGO_SETTINGS_MODULE", "transfer_site.settings")
    subprocess.run(command, env=environment, cwd=settings.BASE_DIR, check=True)
