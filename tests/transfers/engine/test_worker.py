"""How chunks are claimed, what happens to a pair that kills its worker, and how a transfer ends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from django.utils import timezone

from tests.transfers import records
from tests.transfers.cast import Cast, agent
from tests.transfers.running import confirm, run, upload
from transfers import actions
from transfers.actions import confirming
from transfers.engine import worker
from transfers.engine.settle import settle
from transfers.models import AuditEvent, PairState, Participant, State, Transfer, TransferPair

pytestmark = pytest.mark.django_db


@pytest.fixture
def confirmed(cast: Cast) -> Transfer:
    users = [agent(cast.support, f"Agent Number{number}") for number in range(40)]
    for user in users:
        records.real_time_state(user)
    return confirm(upload(cast.ada, *zip(users[:20], users[20:], strict=True)), cast.ada)


class PowerCut(BaseException):
    """What ends a worker without any of its code running, as far as one process can play that."""


def cut_power_at(monkeypatch: pytest.MonkeyPatch, killer: int) -> None:
    """A worker that touches the pair `killer` is gone."""
    real = worker.run_batch

    def run_batch(transfer: Transfer, pair_ids: Sequence[int]) -> None:
        if killer in pair_ids:
            raise PowerCut
        real(transfer, pair_ids)

    monkeypatch.setattr(worker, "run_batch", run_batch)


def test_a_pair_that_kills_its_worker_takes_nobody_with_it(
    confirmed: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = confirmed.pairs.all()[7].pk
    cut_power_at(monkeypatch, killer)
    deaths = 0
    while not settle(confirmed.pk):
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


def test_a_chunk_in_other_hands_is_left_alone(confirmed: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_end_lets_the_users_go_and_is_recorded(confirmed: Transfer) -> None:
    assert Participant.objects.count() == 40
    run(confirmed)
    assert Participant.objects.count() == 0
    finished = AuditEvent.objects.get(kind="transfer-finished")
    assert finished.details == {"state": "Succeeded", "succeeded": 20, "failed": 0, "not_started": 0}
    assert AuditEvent.objects.filter(kind="pair-succeeded").count() == 20


def test_stop_leaves_what_has_not_begun(
    confirmed: Transfer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop comes while the first batch is at work; that batch is finished, the others are not started."""
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


def test_no_chunk_is_looked_for_after_a_stop(confirmed: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    Transfer.objects.filter(pk=confirmed.pk).update(stop_requested_at=timezone.now())
    looked: list[Transfer] = []
    monkeypatch.setattr(worker, "work_on_a_chunk", lambda transfer, deadline: looked.append(transfer))
    worker.work_on(confirmed.pk)
    assert looked == []
    assert confirmed.pairs.filter(state=PairState.NOT_STARTED).count() == 20


def test_stop_before_a_worker_came(confirmed: Transfer, cast: Cast) -> None:
    actions.stop(by=cast.ada, transfer=confirmed)
    confirmed.refresh_from_db()
    assert confirmed.state == State.STOPPED
    before = records.snapshot()
    worker.work_on(confirmed.pk)
    assert records.snapshot() == before


def test_time_is_up_after_a_while_and_more_work_is_announced(confirmed: Transfer) -> None:
    assert worker.work_on(confirmed.pk, seconds=0) is True
    assert run(confirmed).state == State.SUCCEEDED


def test_a_heavy_pair_has_a_chunk_to_itself(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "CHUNK_ROWS", 10)
    users = [agent(cast.support, f"Agent Number{number}") for number in range(8)]
    for _ in range(30):
        records.call(users[1])
    transfer = confirm(upload(cast.ada, *zip(users[:4], users[4:], strict=True)), cast.ada)
    assert [pair.chunk for pair in transfer.pairs.all()] == [0, 1, 2, 2]
