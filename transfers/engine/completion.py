"""Finish a transfer when no pair is pending any more. After a stop request, mark the pairs that were not started.

`fail_pending` ends a transfer whose pairs would all fail.
"""

import logging
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import Now

from audit.log import record
from transfers.engine.compiler.steps import sql_file
from transfers.engine.failures.reasons import Failure
from transfers.engine.stage import execute
from transfers.models import PairState, Participant, State, Transfer, TransferPair
from transfers.models.transfer import move

log = logging.getLogger(__name__)


def finish_if_done(transfer_id: int) -> bool:
    """Finish the transfer if no pair is pending, and return whether it has ended. It may be called at any time.

    After a stop request, mark pending pairs as not started, except those that a worker has locked and is processing.
    That worker calls this function again when it is done.
    """
    with transaction.atomic():
        transfer = Transfer.objects.select_for_update().get(pk=transfer_id)
        if not transfer.is_open:
            return transfer.is_final
        pairs = TransferPair.objects.filter(transfer=transfer)
        if transfer.stop_requested_at:
            idle = pairs.filter(state=PairState.PENDING).select_for_update(skip_locked=True)
            pairs.filter(pk__in=list(idle.values_list("pk", flat=True))).update(state=PairState.NOT_STARTED)
        counts = pairs.aggregate(
            **{state.name.lower(): Count("id", filter=Q(state=state)) for state in PairState}
        )
        if counts["pending"]:
            return False
        finish(transfer, counts)
        return True


def finish(transfer: Transfer, counts: dict[str, int]) -> None:
    state = final_state(counts)
    if not move(transfer.pk, state, finished_at=Now()):
        return
    if not settings.UNDO_DAYS:  # the batches have kept nothing for an undo
        Transfer.objects.filter(pk=transfer.pk).update(forgotten_at=Now())
    Participant.objects.filter(transfer=transfer).delete()
    about_undo: dict[str, Any] = {"of_transfer": transfer.undone_number} if transfer.is_undo else {}
    # Records that came after the undone transfer were late arrivals only while it was in effect.
    if transfer.undoes_id:
        Transfer.objects.filter(pk=transfer.undoes_id).update(late_rows={}, late_counted_at=None)
    record(
        "undo-finished" if transfer.is_undo else "transfer-finished",
        tenant_id=transfer.tenant_id,
        transfer_number=transfer.number,
        **about_undo,
        state=state.label,
        succeeded=counts["succeeded"],
        failed=counts["failed"],
        not_started=counts["not_started"],
    )
    log.info(
        "transfer=%s %s: %s succeeded, %s failed, %s not started",
        *(transfer.pk, state.label, counts["succeeded"], counts["failed"], counts["not_started"]),
    )


def final_state(counts: dict[str, int]) -> State:
    if counts["not_started"]:
        return State.STOPPED
    if not counts["failed"]:
        return State.SUCCEEDED
    return State.FINISHED_WITH_ERRORS if counts["succeeded"] else State.FAILED


def fail_pending(transfer_id: int, failure: Failure) -> int:
    """Mark all pending pairs as failed, each with its audit event, and return how many.

    Pairs that another worker is processing are locked and stay pending; that worker meets the same error. After a stop
    request nothing is marked: those pairs become "not started".
    """
    with transaction.atomic():
        transfer = Transfer.objects.select_for_update().get(pk=transfer_id)
        if transfer.stop_requested_at:
            return 0
        idle = TransferPair.objects.filter(transfer=transfer, state=PairState.PENDING)
        pair_ids = list(idle.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True))
        pairs = TransferPair.objects.filter(pk__in=pair_ids)
        failed = pairs.update(state=PairState.FAILED, finished_at=Now(), **asdict(failure))
        execute(sql_file("audit_failure"), {"pairs": pair_ids})
        return failed
