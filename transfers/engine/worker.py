"""Works on a transfer: claims chunks, runs them in batches, and isolates the pairs that fail.

Any number of workers may do this to the same transfer at once, on any number of machines. PostgreSQL alone says what
is left to do; a worker that dies leaves nothing behind but a raised attempt counter.
"""

import logging
import random
import time
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Case, DateTimeField, F, Func, IntegerField, Min, Q, QuerySet, When
from django.db.models.functions import Least, Now

from accounts.postgresql.away import database_error, is_server_trouble, is_transient
from transfers.audit import record
from transfers.engine.batch import record_failure, run_batch
from transfers.engine.failures import WORKER_DIED, explain, is_beyond_pairs, is_definite
from transfers.engine.locks import chunk_lock, free_soon
from transfers.engine.settle import settle
from transfers.models import PairState, State, Transfer, TransferPair
from transfers.models.transfer import behind_its_wall, move

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
# A batch is the whole chunk at first. After its worker has died, or it was put back twice, it is tried in tenths, then
# pair by pair, so that a pair that kills its worker, or that nobody can work on for now, takes nobody with it.
SHARE_OF_CHUNK = {0: 1.0, 1: 0.1}
MANY = 1000  # pauses are not counted any further
# The attempts of a waiting pair that count. One that began under another start of PostgreSQL ended with that one: no
# pair's fault. Whoever claims the pair next sees so, without a word from the worker that was interrupted. The moment of
# the start is compared as a name is: clocks may be set.
SERVER_BEGAN = Func(function="pg_postmaster_start_time", output_field=DateTimeField())
SPENT = Case(
    When(Q(server_began__isnull=False) & ~Q(server_began=SERVER_BEGAN), then=F("attempts") - 1),
    default=F("attempts"),
    output_field=IntegerField(),
)
PATIENCE, LOOK = 30, 0.1  # seconds for a database that is coming back, and between two looks at it
PAUSE = 0.2  # seconds, doubled with each further try, and spread so that two workers do not meet again


def work_on(transfer_id: int, *, seconds: float = 60) -> bool:
    """Work on a transfer for about so long. True when there is work left that nobody else has in hand."""
    with behind_its_wall(transfer_id):
        return work_within(transfer_id, seconds)


def work_within(transfer_id: int, seconds: float) -> bool:
    free_soon()
    start(transfer_id)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        transfer = Transfer.objects.get(pk=transfer_id)
        if not transfer.is_open or transfer.stop_requested_at or not work_on_a_chunk(transfer, deadline):
            settle(transfer_id)
            return False
    return not settle(transfer_id)


def start(transfer_id: int) -> None:
    with transaction.atomic():
        if move(transfer_id, State.RUNNING, started_at=Now()):
            transfer = Transfer.objects.get(pk=transfer_id)
            record("transfer-started", tenant_id=transfer.tenant_id, transfer_id=transfer_id)


def work_on_a_chunk(transfer: Transfer, deadline: float) -> bool:
    """Work on the first chunk that is not in other hands; False when there is none. What was put back comes last."""
    chunks = pending(transfer).values("chunk").annotate(pauses=Min("pauses")).order_by("pauses", "chunk")
    for chunk in chunks.values_list("chunk", flat=True):
        with chunk_lock(transfer.pk, chunk) as free:
            if free:
                drain(transfer, chunk, deadline)
                return True
    return False


def drain(transfer: Transfer, chunk: int, deadline: float) -> None:
    """Run the batches of a chunk until it is empty, time is up, or somebody asked to stop."""
    while time.monotonic() < deadline and not stop_requested(transfer):
        batch = claim_batch(transfer, chunk)
        if not batch:
            return
        try:
            run_isolated(transfer, batch, deadline)
        except Exception as error:
            if is_beyond_pairs(error):
                log.warning(
                    "transfer=%s pairs=%s: paused: %s", transfer.pk, len(batch), database_error(error)
                )
                if is_server_trouble(error):
                    put_back_soon(batch)
            raise


def pending(transfer: Transfer) -> QuerySet[TransferPair]:
    return TransferPair.objects.filter(transfer=transfer, state=PairState.PENDING)


def pending_of(pair_ids: Sequence[int]) -> QuerySet[TransferPair]:
    return TransferPair.objects.filter(pk__in=pair_ids, state=PairState.PENDING)


def stop_requested(transfer: Transfer) -> bool:
    return Transfer.objects.filter(pk=transfer.pk, stop_requested_at__isnull=False).exists()


def claim_batch(transfer: Transfer, chunk: int) -> list[int]:
    """The ids of the next pairs to work on; their attempt is counted, and committed, before the work begins."""
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


def put_back(batch: Sequence[int]) -> None:
    """For later, behind all that was put back less often, and in a smaller batch. The attempt does not count."""
    pending_of(batch).update(
        attempts=F("attempts") - 1, server_began=None, started_at=None, pauses=Least(F("pauses") + 1, MANY)
    )


def put_back_soon(batch: Sequence[int]) -> None:
    """Where the server cannot write, the attempt does not count: that is no pair's fault.

    A server that restarted is not waited for here: `SPENT` leaves out what ended with it. Where only this connection
    was lost the attempt counts: a pair that costs its connection each time would never end.
    """
    for _ in range(int(PATIENCE / LOOK)):
        try:
            put_back(batch)
            return
        except (DatabaseError, InterfaceError) as away:
            log.warning("pairs=%s: the database does not take the attempt back yet: %r", len(batch), away)
            connection.close()
            time.sleep(LOOK)


def run_isolated(transfer: Transfer, batch: Sequence[int], deadline: float, tries: int = 1) -> None:
    """Run a batch; when it fails, halve it until the pair that fails stands alone, and record why.

    What is still together at the deadline is put back, so that others have their turn and a worker can end.
    """
    try:
        run_batch(transfer, batch)
    except Exception as error:
        if is_beyond_pairs(error):
            raise
        log.warning("transfer=%s pairs=%s try=%s: %r", transfer.pk, len(batch), tries, error)
        again_or_apart(transfer, batch, deadline, tries, error)


def again_or_apart(
    transfer: Transfer, batch: Sequence[int], deadline: float, tries: int, error: Exception
) -> None:
    alone = len(batch) == 1
    if not alone and time.monotonic() > deadline:
        put_back(batch)
    elif may_be_tried_again(batch, tries, error):
        time.sleep(PAUSE * 2**tries * random.uniform(0.5, 1.5))  # noqa: S311  (spreads retries, keeps no secret)  # nosec B311
        if alone:
            count_attempt(batch)
        run_isolated(transfer, batch, deadline, tries + 1)
    elif alone:
        record_failure(batch[0], explain(error))
    else:
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if time.monotonic() > deadline:
                put_back(half)
            else:
                run_isolated(transfer, half, deadline)


def may_be_tried_again(batch: Sequence[int], tries: int, error: Exception) -> bool:
    """A pair alone has the attempts that earlier workers have left it."""
    if len(batch) > 1:
        return is_transient(error) and tries < MAX_ATTEMPTS
    left = pending_of(batch).annotate(spent=SPENT).filter(spent__lt=MAX_ATTEMPTS)
    return not is_definite(error) and left.exists()
