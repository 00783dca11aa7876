"""How workers claim chunks, isolate pairs that crash their worker, and end a transfer."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Timer
from types import SimpleNamespace

import psycopg
import pytest
from django.db import OperationalError
from django.utils import timezone

from audit.models import AuditEvent
from tests.conftest import reachable_test_database
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent
from tests.fixtures.running import confirm, run, upload
from transfers import actions
from transfers.actions import confirming
from transfers.engine import batch, worker
from transfers.engine.completion import finish_if_done
from transfers.engine.locks import TURNS, idle_transfers
from transfers.models import PairState, Participant, State, Transfer, TransferPair

pytestmark = pytest.mark.django_db


@pytest.fixture
def confirmed(cast: Cast) -> Transfer:
    users = [agent(cast.support, f"Agent Number{number}") for number in range(40)]
    for user in users:
        records.real_time_state(user)
    return confirm(upload(cast.ada, *zip(users[:20], users[20:], strict=True)), cast.ada)


class PowerCut(BaseException):
    """An exception that the worker's error handling does not catch, so it ends the worker as a power cut would."""


def cut_power_at(monkeypatch: pytest.MonkeyPatch, killer: int) -> None:
    """Simulate workers that die whenever they process the pair with the ID `killer`."""
    real = worker.run_batch

    def run_batch(transfer: Transfer, pair_ids: Sequence[int]) -> None:
        if killer in pair_ids:
            raise PowerCut
        real(transfer, pair_ids)

    monkeypatch.setattr(worker, "run_batch", run_batch)


def test_a_pair_that_kills_its_worker_is_isolated(
    confirmed: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = confirmed.pairs.all()[7].pk
    cut_power_at(monkeypatch, killer)
    deaths = 0
    while not finish_if_done(confirmed.pk):
        try:
            worker.work_on(confirmed.pk)
        except PowerCut:
            deaths += 1
    confirmed.refresh_from_db()
    assert confirmed.state == State.FINISHED_WITH_ERRORS
    failed = confirmed.pairs.get(state=PairState.FAILED)
    assert (failed.pk, failed.code, failed.attempts) == (killer, "worker-died", 3)
    assert deaths == 3
    assert confirmed.pairs.filter(state=PairState.SUCCEEDED).count() == 19


@pytest.fixture
def chunks(confirmed: Transfer) -> Transfer:
    """The confirmed transfer, divided into four chunks of five pairs."""
    for n, pair in enumerate(confirmed.pairs.order_by("pk")):
        TransferPair.objects.filter(pk=pair.pk).update(chunk=n // 5)
    return confirmed


def failing_with(
    monkeypatch: pytest.MonkeyPatch, pair_id: int, error: type[psycopg.Error]
) -> list[Sequence[int]]:
    """Make every batch with this pair fail with the error. Return a list that collects the pair IDs of each batch."""
    real = worker.run_batch
    tried: list[Sequence[int]] = []

    def run_batch(transfer: Transfer, pair_ids: Sequence[int]) -> None:
        tried.append(pair_ids)
        if pair_id in pair_ids:
            raise OperationalError from error()
        real(transfer, pair_ids)

    monkeypatch.setattr(worker, "run_batch", run_batch)
    return tried


@pytest.mark.parametrize("position", [0, 19])
def test_a_pair_that_the_server_cannot_write_does_not_hold_up_others(
    chunks: Transfer, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    """If a disk error affects one user's records, only the pair with that user waits until the server is repaired."""
    pair = chunks.pairs.all()[position]
    with monkeypatch.context() as patched:
        failing_with(patched, pair.pk, psycopg.errors.IoError)
        for _ in range(8):
            with suppress(OperationalError):
                worker.work_on(chunks.pk)
    pair.refresh_from_db()
    assert (pair.state, pair.attempts) == (PairState.PENDING, 0)
    assert chunks.pairs.filter(state=PairState.SUCCEEDED).count() == 19
    assert run(chunks).state == State.SUCCEEDED


def test_a_batch_that_is_not_isolated_by_the_deadline_is_released(
    chunks: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If one pair's records stay locked, only that pair fails. No other pair waits for it, and the worker can stop."""
    locked = chunks.pairs.all()[3]
    tried = failing_with(monkeypatch, locked.pk, psycopg.errors.LockNotAvailable)
    turns = 0
    while not finish_if_done(chunks.pk):
        before = len(tried)
        with monkeypatch.context() as moment:
            work_for_a_moment(chunks, moment)
        turns += 1
        assert len(tried) - before == (worker.MAX_ATTEMPTS if tried[-1] == [locked.pk] else 1)
    failed = chunks.pairs.get(state=PairState.FAILED)
    assert (failed.pk, failed.code, failed.attempts) == (locked.pk, "records-locked", 3)
    assert chunks.pairs.filter(state=PairState.SUCCEEDED).count() == 19
    assert turns <= 12


def work_for_a_moment(transfer: Transfer, moment: pytest.MonkeyPatch) -> None:
    """Run the worker with a clock that jumps past the worker's deadline after one batch."""
    times = iter([0.0, 0.0, 0.0])
    clock = SimpleNamespace(monotonic=lambda: next(times, 100.0), sleep=lambda seconds: None)
    moment.setattr(worker, "time", clock)
    worker.work_on(transfer.pk, seconds=10)


@pytest.mark.django_db(transaction=True)
def test_locks_of_other_programs_are_not_mistaken_for_a_worker() -> None:
    cast = Cast()
    waiting = confirm(upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di)), cast.ada)
    with psycopg.connect(reachable_test_database()) as other:
        other.execute("SELECT pg_advisory_lock(%s::int, 0)", [waiting.pk])
        for name in (waiting.tenant_id, waiting.pk << 16):
            other.execute("SELECT pg_advisory_lock(%s)", [name])
        assert idle_transfers([waiting.pk]) == [waiting.pk]
        assert run(waiting).state == State.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_waiting_for_the_lock_of_the_tenant_has_no_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    cast = Cast()
    confirmed = confirm(upload(cast.ada, (cast.ana, cast.bo)), cast.ada)
    monkeypatch.setattr(batch, "LOCK_TIMEOUT", "SET LOCAL lock_timeout = '20ms'")
    with psycopg.connect(reachable_test_database()) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [TURNS | confirmed.tenant_id])
        Timer(0.2, other.rollback).start()
        assert run(confirmed).state == State.SUCCEEDED
    assert confirmed.pairs.get().attempts == 1


def test_a_chunk_that_another_worker_holds_is_skipped(
    confirmed: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def taken(transfer_id: int, chunk: int) -> Iterator[bool]:
        yield False

    monkeypatch.setattr(worker, "chunk_lock", taken)
    assert worker.work_on(confirmed.pk) is False
    assert confirmed.pairs.filter(state=PairState.PENDING).count() == 20


def test_working_on_a_finished_transfer_changes_nothing(confirmed: Transfer) -> None:
    run(confirmed)
    before, events = records.snapshot(), AuditEvent.objects.count()
    assert worker.work_on(confirmed.pk) is False
    assert (records.snapshot(), AuditEvent.objects.count()) == (before, events)


def test_the_end_releases_the_users_and_is_audited(confirmed: Transfer) -> None:
    assert Participant.objects.count() == 40
    run(confirmed)
    assert Participant.objects.count() == 0
    finished = AuditEvent.objects.get(kind="transfer-finished")
    assert finished.details == {"state": "Succeeded", "succeeded": 20, "failed": 0, "not_started": 0}
    assert AuditEvent.objects.filter(kind="pair-succeeded").count() == 20


def test_stop_leaves_pairs_that_have_not_started(
    confirmed: Transfer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a stop is requested during the first batch, that batch is finished and no other pair is started."""
    TransferPair.objects.filter(pk__in=[p.pk for p in confirmed.pairs.all()[5:]]).update(chunk=1)
    real = worker.run_batch

    def run_batch(transfer: Transfer, pair_ids: Sequence[int]) -> None:
        real(transfer, pair_ids)
        Transfer.objects.filter(pk=transfer.pk).update(stop_requested_at=timezone.now())

    monkeypatch.setattr(worker, "run_batch", run_batch)
    worker.work_on(confirmed.pk)
    confirmed.refresh_from_db()
    assert confirmed.state == State.STOPPED
    assert confirmed.pairs.filter(state=PairState.SUCCEEDED).count() == 5
    assert confirmed.pairs.filter(state=PairState.NOT_STARTED).count() == 15
    assert Participant.objects.count() == 0


def test_no_chunk_is_claimed_after_a_stop(confirmed: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    Transfer.objects.filter(pk=confirmed.pk).update(stop_requested_at=timezone.now())
    looked: list[Transfer] = []
    monkeypatch.setattr(worker, "work_on_a_chunk", lambda transfer, deadline: looked.append(transfer))
    worker.work_on(confirmed.pk)
    assert looked == []
    assert confirmed.pairs.filter(state=PairState.NOT_STARTED).count() == 20


def test_stop_before_a_worker_starts(confirmed: Transfer, cast: Cast) -> None:
    actions.stop(by=cast.ada, transfer=confirmed)
    confirmed.refresh_from_db()
    assert confirmed.state == State.STOPPED
    before = records.snapshot()
    worker.work_on(confirmed.pk)
    assert records.snapshot() == before


def test_work_left_at_the_deadline_is_reported(confirmed: Transfer) -> None:
    assert worker.work_on(confirmed.pk, seconds=0) is True
    assert run(confirmed).state == State.SUCCEEDED


def test_a_heavy_pair_has_a_chunk_to_itself(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "CHUNK_ROWS", 10)
    users = [agent(cast.support, f"Agent Number{number}") for number in range(8)]
    for _ in range(30):
        records.call(users[1])
    transfer = confirm(upload(cast.ada, *zip(users[:4], users[4:], strict=True)), cast.ada)
    assert [pair.chunk for pair in transfer.pairs.all()] == [0, 1, 2, 2]


def test_each_batch_and_the_end_are_logged(confirmed: Transfer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "transfers")
    worker.work_on(confirmed.pk)
    lines = [line for line in caplog.messages if line.startswith(f"transfer={confirmed.pk} ")]
    assert re.fullmatch(rf"transfer={confirmed.pk} pairs=20 seconds=\d+\.\d\d", lines[0])
    assert lines[1] == f"transfer={confirmed.pk} Succeeded: 20 succeeded, 0 failed, 0 not started"
