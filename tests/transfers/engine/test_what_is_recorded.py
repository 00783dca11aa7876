"""Results and attempts are recorded for the pair that they concern, and for no other pending pair."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F
from psycopg import sql
from psycopg.errors import DeadlockDetected, UniqueViolation

from accounts.models import User
from audit.models import AuditEvent
from tests.fixtures import cast as transfers
from tests.fixtures.cast import Cast, agent
from transfers.engine import worker
from transfers.engine.batch import record_failure, run_batch
from transfers.engine.compiler.steps import as_text, fill
from transfers.engine.failures.reasons import Failure
from transfers.engine.stage import StagedPair, disable_seqscan, set_stage
from transfers.engine.worker import MAX_ATTEMPTS, claim_batch
from transfers.models import Kind, PairState, State, Transfer

pytestmark = pytest.mark.django_db

NEVER = inf  # a deadline that never passes


@pytest.fixture
def waiting(cast: Cast) -> Transfer:
    """A second transfer, whose pair must stay unchanged."""
    return transfers.transfer(cast.otto, (cast.eli, cast.di), state=State.RUNNING)


def running(cast: Cast, *pairs: tuple[User, User]) -> Transfer:
    for source, _ in pairs:
        User.objects.filter(pk=source.pk).update(is_active=False)  # an active source would get a warning
    return transfers.transfer(cast.ada, *pairs, state=State.RUNNING, kind=Kind.BULK)


def test_a_failure_is_recorded_for_its_pair(cast: Cast, waiting: Transfer) -> None:
    transfer = running(cast, (cast.ana, cast.bo))
    pair = transfer.pairs.get()
    record_failure(pair.pk, Failure("constraint", "The reason.", "The remedy."))
    event = AuditEvent.objects.get(kind="pair-failed")
    assert (event.tenant_id, event.transfer_number, event.pair_id) == (
        cast.abacus.pk,
        transfer.number,
        pair.pk,
    )
    assert (event.details["source_id"], event.details["reason"]) == (cast.ana.pk, "The reason.")
    assert waiting.pairs.get().state == PairState.PENDING


def test_no_failure_is_recorded_for_a_pair_that_is_already_finished(cast: Cast) -> None:
    transfer = running(cast, (cast.ana, cast.bo))
    pair = transfer.pairs.get()
    run_batch(transfer, [pair.pk])
    record_failure(pair.pk, Failure("constraint", "The reason.", "The remedy."))
    assert transfer.pairs.get().state == PairState.SUCCEEDED
    assert not AuditEvent.objects.filter(kind="pair-failed").exists()


def test_a_finished_pair_is_not_run_again(cast: Cast) -> None:
    transfer = running(cast, (cast.ana, cast.bo))
    for _ in range(2):
        run_batch(transfer, [transfer.pairs.get().pk])
    assert AuditEvent.objects.filter(kind="pair-succeeded").count() == 1


def test_an_attempt_is_counted_before_the_work_and_there_is_no_fourth(cast: Cast) -> None:
    transfer = running(cast, (cast.ana, cast.bo), (cast.cy, cast.di))
    often, once = transfer.pairs.order_by("pk")
    transfer.pairs.filter(pk=often.pk).update(attempts=MAX_ATTEMPTS)
    assert claim_batch(transfer, once.chunk) == [once.pk]
    assert transfer.pairs.get(pk=once.pk).attempts == 1
    assert transfer.pairs.get(pk=often.pk).code == "worker-died"


@pytest.mark.parametrize("year", [2020, 2120], ids=["earlier", "clock was ahead"])
def test_an_attempt_that_ended_with_the_server_does_not_count(cast: Cast, year: int) -> None:
    transfer = running(cast, (cast.ana, cast.bo))
    transfer.pairs.update(attempts=MAX_ATTEMPTS, server_began=datetime(year, 1, 1, tzinfo=UTC))
    pair = transfer.pairs.get()
    assert claim_batch(transfer, pair.chunk) == [pair.pk]
    assert transfer.pairs.get().attempts == MAX_ATTEMPTS


@pytest.mark.parametrize("set_by", [timedelta(days=-400), timedelta(days=400)])
def test_an_attempt_counts_whatever_the_clock_says(cast: Cast, set_by: timedelta) -> None:
    transfer = running(cast, (cast.ana, cast.bo))
    for _ in range(MAX_ATTEMPTS):
        assert claim_batch(transfer, transfer.pairs.get().chunk)
        transfer.pairs.update(started_at=F("started_at") + set_by)
    assert not claim_batch(transfer, transfer.pairs.get().chunk)
    assert transfer.pairs.get().code == "worker-died"


def test_a_deadlock_is_retried_with_the_same_pairs(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = running(cast, (cast.ana, cast.bo), (cast.cy, cast.di))
    tried: list[Sequence[int]] = []

    def deadlock(transfer: Transfer, batch: Sequence[int]) -> None:
        tried.append(batch)
        if len(tried) == 1:
            raise OperationalError from DeadlockDetected()

    monkeypatch.setattr(worker, "run_batch", deadlock)
    monkeypatch.setattr(worker, "PAUSE", 0)
    worker.run_isolated(transfer, [1, 2], NEVER)
    assert tried == [[1, 2], [1, 2]]


def test_a_batch_that_fails_is_halved_and_both_halves_are_tried(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = running(cast, (cast.ana, cast.bo))
    tried: list[Sequence[int]] = []

    def fail_beside_others(transfer: Transfer, batch: Sequence[int]) -> None:
        tried.append(batch)
        if 3 in batch and len(batch) > 1:
            raise ZeroDivisionError

    monkeypatch.setattr(worker, "run_batch", fail_beside_others)
    worker.run_isolated(transfer, [1, 2, 3, 4], NEVER)
    assert tried == [[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]


def test_attempts_of_dead_workers_count_for_a_failing_pair(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers died, and the third attempt raised the exception that is recorded. There is no fourth attempt."""
    transfer = running(cast, (cast.ana, cast.bo))

    def fail(transfer: Transfer, batch: Sequence[int]) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker, "run_batch", fail)
    monkeypatch.setattr(worker, "PAUSE", 0)
    transfer.pairs.update(attempts=MAX_ATTEMPTS - 1)
    worker.run_isolated(transfer, claim_batch(transfer, transfer.pairs.get().chunk), NEVER)
    failed = transfer.pairs.get()
    assert (failed.code, failed.attempts) == ("unexpected-error", MAX_ATTEMPTS)


def test_a_definite_failure_is_not_retried(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = running(cast, (cast.ana, cast.bo))

    def refuse(transfer: Transfer, batch: Sequence[int]) -> None:
        raise IntegrityError from UniqueViolation()

    monkeypatch.setattr(worker, "run_batch", refuse)
    worker.run_isolated(transfer, claim_batch(transfer, transfer.pairs.get().chunk), NEVER)
    failed = transfer.pairs.get()
    assert (failed.code, failed.attempts) == ("constraint", 1)


def test_a_batch_that_is_not_reached_by_the_deadline_is_released(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = running(cast, (cast.ana, cast.bo), (cast.cy, cast.di))
    first, second = transfer.pairs.order_by("pk").values_list("pk", flat=True)
    tried: list[Sequence[int]] = []

    def fail_together(transfer: Transfer, batch: Sequence[int]) -> None:
        tried.append(batch)
        if len(batch) > 1:
            raise ZeroDivisionError

    times = iter([0.0, 0.0])
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: next(times, 100.0)))
    monkeypatch.setattr(worker, "run_batch", fail_together)
    worker.count_attempt([first, second])
    worker.run_isolated(transfer, [first, second], 10)
    assert tried == [[first, second], [first]]
    left = transfer.pairs.get(pk=second)
    assert (left.attempts, left.pauses, left.started_at) == (0, 1, None)


def test_successes_are_recorded_in_the_order_of_the_file(cast: Cast, waiting: Transfer) -> None:
    transfer = running(cast, (cast.ana, cast.bo), (cast.cy, User.objects.get(pk=cast.vera.pk)))
    pairs = list(transfer.pairs.order_by("pk"))
    for pair, row_number in zip(pairs, (9, 4), strict=True):
        transfer.pairs.filter(pk=pair.pk).update(row_number=row_number)
    run_batch(transfer, [pair.pk for pair in pairs])
    events = AuditEvent.objects.filter(kind="pair-succeeded").order_by("pk")
    assert [event.pair_id for event in events] == [pair.pk for pair in reversed(pairs)]
    assert {event.transfer_number for event in events} == {transfer.number}
    assert waiting.pairs.get().state == PairState.PENDING


def test_users_are_locked_in_the_order_of_their_ids(cast: Cast) -> None:
    """Otherwise two batches that lock the same users could deadlock."""
    users = [agent(cast.support, f"Agent Number{number}") for number in range(40)]
    pairs = zip(reversed(users[:20]), users[20:], strict=True)
    statement = as_text(fill("lock_users", users=sql.Identifier(User._meta.db_table)))
    with transaction.atomic(), connection.cursor() as cursor:
        disable_seqscan()
        set_stage(StagedPair(n, source.pk, target.pk) for n, (source, target) in enumerate(pairs))
        cursor.execute(statement)
        locked = [user for (user,) in cursor.fetchall()]
    assert locked == sorted(user.pk for user in users)
