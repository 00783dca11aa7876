"""Work on a rehearsal: one worker at a time, one chunk after the other. All state is in PostgreSQL."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce, Now

from audit.log import record
from tenancy.context import all_tenants_context, tenant_context
from transfers.engine.failures.causes import summary
from transfers.engine.failures.reasons import WORKER_DIED, is_released
from transfers.engine.locks import REHEARSING, chunk_lock, detect_dead_peer, idle_transfers
from transfers.engine.worker import MAX_ATTEMPTS, SHARE_OF_CHUNK
from transfers.models import OPEN, Rehearsal, State, Transfer
from transfers.rehearsal.report import Result, report_from
from transfers.rehearsal.table_locks import Locks
from transfers.rehearsal.trial import rehearse_pairs

log = logging.getLogger(__name__)


def work_on_rehearsal(rehearsal_id: int, *, seconds: float) -> bool:
    """Rehearse for about this many seconds. Return True if the time ran out before the rehearsal ended.

    Do nothing if another worker is at it, a transfer of the tenant is open, or the rehearsal is gone.
    """
    with in_its_tenant(rehearsal_id) as draft_id:
        if draft_id is None:
            return False
        with chunk_lock(draft_id, REHEARSING) as free:
            return free and work_within(rehearsal_id, time.monotonic() + seconds)


@contextmanager
def in_its_tenant(rehearsal_id: int) -> Iterator[int | None]:
    """Enter the tenant context of a rehearsal for the block, and yield the ID of its draft, or None if it is gone."""
    with all_tenants_context():
        found = (
            Rehearsal.objects.filter(pk=rehearsal_id)
            .values_list("transfer__tenant_id", "transfer_id")
            .first()
        )
    if found is None:
        yield None
        return
    tenant_id, draft_id = found
    with tenant_context(tenant_id):
        yield draft_id


def work_within(rehearsal_id: int, deadline: float) -> bool:
    detect_dead_peer()
    while time.monotonic() < deadline:
        rehearsal = (
            Rehearsal.objects.select_related("transfer").filter(pk=rehearsal_id, finished_at=None).first()
        )
        if rehearsal is None or (not rehearsal.stop_requested_at and gives_way(rehearsal)):
            return False
        batch = next_batch(rehearsal)
        if not batch:
            finish(rehearsal_id)
            return False
        rehearse_batch(rehearsal, batch, deadline)
    return True


def gives_way(rehearsal: Rehearsal) -> bool:
    """Return whether a transfer of the tenant is open. The rehearsal goes on when it has ended."""
    return Transfer.objects.filter(tenant_id=rehearsal.transfer.tenant_id, state__in=OPEN).exists()


def waiting_rehearsals() -> list[int]:
    """Return the IDs of the open rehearsals without a worker and without an open transfer in their tenant."""
    of_tenant = Transfer.objects.filter(tenant=OuterRef("transfer__tenant"), state__in=OPEN)
    with all_tenants_context():
        waiting = Rehearsal.objects.filter(~Exists(of_tenant), finished_at=None).order_by("pk")
        found = dict(waiting.values_list("transfer_id", "pk"))
    return [found[draft_id] for draft_id in idle_transfers(list(found))]


def next_batch(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    """Return the pairs to try next: those of a chunk, or fewer of them after attempts without a result.

    After a stop request, or if the draft is no longer one, there are none.
    """
    if rehearsal.stop_requested_at or rehearsal.transfer.state != State.DRAFT:
        return []
    done = set(report_from(rehearsal.report).done)
    left = [pair for pair in rehearsal.pairs if pair["row_number"] not in done]
    chunk = [pair for pair in left if pair["chunk"] == left[0]["chunk"]]
    return chunk[: max(1, int(len(chunk) * SHARE_OF_CHUNK.get(rehearsal.attempts, 0)))]


def rehearse_batch(rehearsal: Rehearsal, batch: Sequence[dict[str, Any]], deadline: float) -> None:
    """Try the pairs and add the results to the report. The attempt is counted and committed before.

    A pair that could not be tried three times, on its own, is one that kills its worker.
    """
    if rehearsal.attempts >= len(SHARE_OF_CHUNK) + MAX_ATTEMPTS:
        store(rehearsal, batch, 0, [Result(batch[0]["row_number"], {}, WORKER_DIED)], {})
        return
    count_attempt(rehearsal)
    began = time.monotonic()
    try:
        results, locks = rehearse_pairs(rehearsal.transfer, batch, deadline)
    except Exception as error:
        log.warning(
            "transfer=%s pairs=%s: rehearsal paused: %s", rehearsal.transfer_id, len(batch), summary(error)
        )
        if is_released(error):
            with suppress(DatabaseError, InterfaceError):
                of(rehearsal).update(attempts=F("attempts") - 1)
        raise
    if results:
        store(rehearsal, batch, time.monotonic() - began, results, locks)


def count_attempt(rehearsal: Rehearsal) -> None:
    of(rehearsal).update(attempts=F("attempts") + 1, started_at=Coalesce("started_at", Now()))


def of(rehearsal: Rehearsal) -> Any:
    return Rehearsal.objects.filter(pk=rehearsal.pk)


def store(
    rehearsal: Rehearsal,
    batch: Sequence[dict[str, Any]],
    seconds: float,
    results: Sequence[Result],
    locks: Locks,
) -> None:
    """Add the results to the report. The rest of a chunk that was tried in parts is tried in parts too."""
    report = report_from(rehearsal.report)
    chunk = batch[0]["chunk"]
    report.add_results(chunk, seconds, results, {pair["row_number"]: pair["planned"] for pair in batch})
    report.add_locks(locks)
    done = set(report.done)
    is_over = all(pair["row_number"] in done for pair in rehearsal.pairs if pair["chunk"] == chunk)
    attempts = 0 if is_over else min(rehearsal.attempts, len(SHARE_OF_CHUNK))
    of(rehearsal).update(report=report.to_json(), attempts=attempts)


def finish(rehearsal_id: int) -> None:
    """Mark the rehearsal as ended and record this in the audit log. Does nothing if it has ended or is gone."""
    with transaction.atomic():
        if not Rehearsal.objects.filter(pk=rehearsal_id, finished_at=None).update(finished_at=Now()):
            return
        rehearsal = Rehearsal.objects.select_related("transfer").defer("pairs").get(pk=rehearsal_id)
        report = report_from(rehearsal.report)
        record(
            "rehearsal-finished",
            tenant_id=rehearsal.transfer.tenant_id,
            transfer_number=rehearsal.transfer.number,
            succeeded=report.succeeded,
            failed=len(report.failures),
            not_tried=rehearsal.total - len(report.done),
        )
