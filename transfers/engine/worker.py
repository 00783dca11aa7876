"""Process a transfer: claim chunks, run them in batches, and isolate the pairs that fail.

Any number of workers, on any number of machines, may process the same transfer. All state is in PostgreSQL: a worker
that dies leaves nothing behind but an incremented attempt counter.
"""

import logging
import random
import time
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Case, DateTimeField, F, Func, IntegerField, Min, Q, QuerySet, When
from django.db.models.functions import Least, Now

from audit.log import record
from tenancy.postgresql.transient_errors import database_error, is_transient
from transfers.engine.batch import Run, pair_with_users, record_failure, run_batch
from transfers.engine.completion import finish_if_done
from transfers.engine.failures.causes import summary
from transfers.engine.failures.reasons import WORKER_DIED, explain, is_beyond_pairs, is_definite, is_released
from transfers.engine.failures.shared import end_if_shared
from transfers.engine.locks import chunk_lock, detect_dead_peer
from transfers.models import PairState, State, Transfer, TransferPair
from transfers.models.transfer import in_its_tenant, move

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
# After a worker died or a batch was released twice, the next batch is 10 % of the pairs left in the chunk, and after
# that a single pair. This isolates a pair that crashes its worker or cannot be processed at the moment.
SHARE_OF_CHUNK = {0: 1.0, 1: 0.1}
MAX_PAUSES = 1000  # a pair's releases are counted up to this number
# The number of attempts that count against a pending pair. An attempt interrupted by a PostgreSQL restart does not: the
# pair is not at fault, and the interrupted worker could not take the attempt back. Start times of the server are
# compared only for equality, because clocks may jump.
SERVER_BEGAN = Func(function="pg_postmaster_start_time", output_field=DateTimeField())
SPENT = Case(
    When(Q(server_began__isnull=False) & ~Q(server_began=SERVER_BEGAN), then=F("attempts") - 1),
    default=F("attempts"),
    output_field=IntegerField(),
)
RELEASE_TIMEOUT, RELEASE_INTERVAL = (
    30,
    0.1,
)  # seconds: how long, and how often, to try to release a batch
PAUSE = 0.2  # seconds; doubled for each retry, with jitter so that two workers do not collide again


def work_on(transfer_id: int, *, seconds: float = 60) -> bool:
    """Process a transfer for about this many seconds. Return True if the time ran out before the transfer ended."""
    with in_its_tenant(transfer_id):
        return work_within(transfer_id, seconds)


def work_within(transfer_id: int, seconds: float) -> bool:
    detect_dead_peer()
    start(transfer_id)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        transfer = Transfer.objects.get(pk=transfer_id)
        if not transfer.is_open or transfer.stop_requested_at or not work_on_a_chunk(transfer, deadline):
            finish_if_done(transfer_id)
            return False
    return not finish_if_done(transfer_id)


def start(transfer_id: int) -> None:
    with transaction.atomic():
        if move(transfer_id, State.RUNNING, started_at=Now()):
            transfer = Transfer.objects.get(pk=transfer_id)
            kind = "undo-started" if transfer.is_undo else "transfer-started"
            record(kind, tenant_id=transfer.tenant_id, transfer_number=transfer.number)


def work_on_a_chunk(transfer: Transfer, deadline: float) -> bool:
    """Process one chunk that no other worker holds, and return whether there was one.

    Chunks whose pairs were released least often come first.
    """
    chunks = pending(transfer).values("chunk").annotate(pauses=Min("pauses")).order_by("pauses", "chunk")
    for chunk in chunks.values_list("chunk", flat=True):
        with chunk_lock(transfer.pk, chunk) as free:
            if free:
                process_chunk(transfer, chunk, deadline)
                return True
    return False


def process_chunk(transfer: Transfer, chunk: int, deadline: float) -> None:
    """Run the batches of a chunk until no pair is left, the deadline has passed, or a stop was requested."""
    while time.monotonic() < deadline and not stop_requested(transfer):
        batch = claim_batch(transfer, chunk)
        if not batch:
            return
        try:
            run_isolated(transfer, batch, deadline)
        except Exception as error:
            if is_beyond_pairs(error):
                cause = database_error(error) or error
                log.warning("transfer=%s pairs=%s: paused: %s", transfer.pk, len(batch), cause)
                if is_released(error):
                    release_batch_soon(batch)
            raise


def pending(transfer: Transfer) -> QuerySet[TransferPair]:
    return TransferPair.objects.filter(transfer=transfer, state=PairState.PENDING)


def pending_of(pair_ids: Sequence[int]) -> QuerySet[TransferPair]:
    return TransferPair.objects.filter(pk__in=pair_ids, state=PairState.PENDING)


def stop_requested(transfer: Transfer) -> bool:
    return Transfer.objects.filter(pk=transfer.pk, stop_requested_at__isnull=False).exists()


def claim_batch(transfer: Transfer, chunk: int) -> list[int]:
    """Return the IDs of the next pairs to run. Their attempt is counted and committed before the work begins.

    Pairs that have used all their attempts are marked as failed.
    """
    waiting = list(
        pending(transfer)
        .filter(chunk=chunk)
        .annotate(spent=SPENT)
        .order_by("pauses", "spent", "pk")
        .values_list("pauses", "spent", "pk")
    )
    for _, spent, pair_id in waiting:
        if spent >= MAX_ATTEMPTS:
            record_failure(pair_id, WORKER_DIED)
    waiting = [pair for pair in waiting if pair[1] < MAX_ATTEMPTS]
    if not waiting:
        return []
    pauses, spent, _ = waiting[0]
    size = max(1, int(len(waiting) * SHARE_OF_CHUNK.get(max(spent, pauses - 1), 0)))
    batch = [pair_id for *tried, pair_id in waiting if tried == [pauses, spent]][:size]
    count_attempt(batch)
    return batch


def count_attempt(pair_ids: Sequence[int]) -> None:
    pending_of(pair_ids).update(attempts=SPENT + 1, server_began=SERVER_BEGAN, started_at=Now())


def release_batch(batch: Sequence[int]) -> None:
    """Put the pairs of a batch back, behind those that were released less often. The attempt does not count.

    Pairs that were released more than once run in smaller batches.
    """
    pending_of(batch).update(
        attempts=F("attempts") - 1,
        server_began=None,
        started_at=None,
        pauses=Least(F("pauses") + 1, MAX_PAUSES),
    )


def release_batch_soon(batch: Sequence[int]) -> None:
    """Try for `RELEASE_TIMEOUT` seconds to release a batch that failed because of the server or an upgrade.

    No pair is at fault, so the attempt does not count. This is not needed after a restart of the server, because
    `SPENT` ignores such attempts. If only this connection was lost, the attempt counts; otherwise a pair that loses its
    connection each time would be retried forever.
    """
    for _ in range(int(RELEASE_TIMEOUT / RELEASE_INTERVAL)):
        try:
            release_batch(batch)
            return
        except (DatabaseError, InterfaceError) as unavailable:
            log.warning("pairs=%s: could not release the batch yet: %r", len(batch), unavailable)
            connection.close()
            time.sleep(RELEASE_INTERVAL)


def run_isolated(
    transfer: Transfer, batch: Sequence[int], deadline: float, tries: int = 1, run: Run | None = None
) -> None:
    """Run a batch; if it fails, halve it until the failing pair is alone, and record why it failed.

    `run` is used instead of `run_batch`. An error that no pair is at fault for ends the transfer instead
    (`failures.shared`).

    What has not been isolated by the deadline is released, so that other chunks get their turn and the worker can stop.
    """
    try:
        (run or run_batch)(transfer, batch)
    except Exception as error:
        if is_beyond_pairs(error):
            raise
        log.warning("transfer=%s pairs=%s try=%s: %s", transfer.pk, len(batch), tries, summary(error))
        if not end_if_shared(transfer, batch, error, run):
            retry_or_split(transfer, batch, deadline, tries, error, run)


def retry_or_split(
    transfer: Transfer, batch: Sequence[int], deadline: float, tries: int, error: Exception, run: Run | None
) -> None:
    alone = len(batch) == 1
    if not alone and time.monotonic() > deadline:
        release_batch(batch)
    elif may_retry(batch, tries, error):
        time.sleep(PAUSE * 2**tries * random.uniform(0.5, 1.5))  # noqa: S311  (spreads retries, keeps no secret)  # nosec B311
        if alone:
            count_attempt(batch)
        run_isolated(transfer, batch, deadline, tries + 1, run)
    elif alone:
        record_failure(batch[0], explain(error, pair_with_users(batch[0])))
    else:
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if time.monotonic() > deadline:
                release_batch(half)
            else:
                run_isolated(transfer, half, deadline, run=run)


def may_retry(batch: Sequence[int], tries: int, error: Exception) -> bool:
    """Return whether to run the batch again without splitting it.

    A batch of several pairs is retried after a transient error. A single pair may use the attempts it has left, unless
    a retry would fail in the same way.
    """
    if len(batch) > 1:
        return is_transient(error) and tries < MAX_ATTEMPTS
    left = pending_of(batch).annotate(spent=SPENT).filter(spent__lt=MAX_ATTEMPTS)
    return not is_definite(error) and left.exists()
