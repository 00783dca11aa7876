"""Promises R5 and R12 to R14: PostgreSQL crashes, cannot write, or has lock contention during a transfer."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import psycopg
import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from tests.conftest import StartWorker
from tests.fixtures import records
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.running import confirm
from tests.fixtures.with_calls import assert_whole_or_untouched
from tests.harness.databases import another_connection, full_disk
from tests.harness.promises.conftest import CALLS, finish, held_up, sweep_until_the_end, wait_for_the_middle
from tests.harness.servers import Servers
from transfer_site.run.processes import wait_until
from transfers import actions, tasks
from transfers.engine import batch
from transfers.engine.compiler.steps import Step
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
    browser: Client = signed_in(cast.ada)
    browser.raise_request_exception = False
    start_worker()
    with suppress(psycopg.OperationalError), held_up(pairs[7][0]):
        tasks.wake(confirmed.pk)
        wait_for_the_middle()
        with servers.without_postgres():
            connection.close()
            page = browser.get(f"/transfers/{confirmed.number}/")
    assert page.status_code == 503
    assert "Reconnecting" in page.content.decode()
    assert page["Retry-After"]
    sweep_until_the_end(confirmed)
    finish(confirmed)
    assert browser.get(f"/transfers/{confirmed.number}/").status_code == 200
    assert set(confirmed.pairs.values_list("attempts", flat=True)) == {1}  # a restart costs no attempt


# --- R12 ------------------------------------------------------------------------------------------------------------


def test_r12_two_transfers_in_opposite_directions_over_shared_rows(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each evaluation references users of both transfers, so both transfers need the same rows and must take turns."""
    for _ in range(20):
        records.evaluation(records.call(cast.eli), cast.ana, cast.cy)
        records.evaluation(records.call(cast.eli), cast.cy, cast.ana)
    there, back = [(cast.ana, cast.bo), (cast.cy, cast.di)], [(cast.bo, cast.ana), (cast.di, cast.cy)]
    for number in range(6):
        transfers = [
            confirm(actions.start_single(by=cast.ada, source_id=source.pk, target_id=target.pk), cast.ada)
            for source, target in (back if number % 2 else there)
        ]
        if number < 2:  # in either direction
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
    """Make each transfer wait, for up to a second, until both have locked the rows of an owner column.

    This causes a deadlock unless the transfers take turns.
    """
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


@contextmanager
def read_only() -> Iterator[None]:
    database = psycopg.sql.Identifier(connection.settings_dict["NAME"])
    alter = psycopg.sql.SQL("ALTER DATABASE {} {} default_transaction_read_only {}")
    with another_connection() as other:
        other.execute(alter.format(database, psycopg.sql.SQL("SET"), psycopg.sql.SQL("= on")))
        other.execute("SET default_transaction_read_only = off")
        try:
            yield
        finally:
            other.execute(alter.format(database, psycopg.sql.SQL("RESET"), psycopg.sql.SQL("")))


@pytest.mark.parametrize(
    ("failure", "message"),
    [(full_disk, r"paused: .*No space left"), (read_only, "read-only transaction")],
    ids=["disk full", "read-only"],
)
def test_r13_a_database_that_cannot_write_pauses_the_transfer(
    confirmed: Transfer,
    start_worker: StartWorker,
    failure: Callable[[], AbstractContextManager[None]],
    message: str,
) -> None:
    worker = start_worker()
    with failure():
        tasks.wake(confirmed.pk)
        assert wait_until(lambda: bool(re.search(message, worker.tail(500))), 240), worker.tail(40)
        assert not confirmed.pairs.exclude(state="pending").exists()
        assert_whole_or_untouched(confirmed, CALLS)
    sweep_until_the_end(confirmed)
    finish(confirmed)


# --- R14 ------------------------------------------------------------------------------------------------------------


def test_r14_nobody_outside_the_chunk_waits(
    confirmed: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker
) -> None:
    """While a chunk runs, other programs can write rows of users in other chunks, but not of users in this chunk."""
    start_worker()
    with held_up(pairs[2][0]), another_connection() as other:
        tasks.wake(confirmed.pk)
        wait_for_the_middle()
        other.execute("SET lock_timeout = '500ms'")
        for source, target in pairs[5:]:
            for user in (source, target):
                other.execute("UPDATE accounts_user SET first_name = first_name WHERE id = %s", [user.pk])
                other.execute("UPDATE workforce_agentschedule SET id = id WHERE user_id = %s", [user.pk])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("SELECT FROM accounts_user WHERE id = %s FOR KEY SHARE", [pairs[0][0].pk])
    finish(confirmed)
