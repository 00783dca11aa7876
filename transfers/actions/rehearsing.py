"""Rehearse a draft: everything that a transfer of it would do is tried and rolled back. Stop a rehearsal."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.log import record
from transfers import tasks
from transfers.actions.confirming import CannotConfirm, refuse_unready, transfer_pairs
from transfers.engine.locks import REHEARSING, chunk_lock
from transfers.models import Rehearsal, State, Transfer
from transfers.planning.plan import Plan, plan_of
from transfers.rehearsal.worker import finish
from transfers.validation import problem_kinds


def rehearse(*, by: User, transfer: Transfer, recount: bool = False, address: str | None = None) -> Rehearsal:
    """Start a rehearsal of a draft, and return it. It replaces an earlier one; one that is open is returned unchanged.

    recount: count the records now, instead of using the numbers that the preview stored. Raises `CannotConfirm` if the
    draft could not be confirmed either.
    """
    with transaction.atomic():
        draft = Transfer.objects.select_for_update().get(pk=transfer.pk)
        refuse_other_states(draft)
        earlier = Rehearsal.objects.defer("pairs").filter(transfer=draft).first()
        if earlier and earlier.is_open:
            return earlier
        plan = plan_of(draft, by, recount=recount)
        refuse_unready(by, draft, plan)
        if plan.uncounted:
            raise CannotConfirm([problem_kinds.STILL_COUNTING()], plan)
        Rehearsal.objects.filter(transfer=draft).delete()
        made = Rehearsal.objects.create(transfer=draft, pairs=pairs_of(plan), total=len(plan.pairs))
        record_action("rehearsal-started", by, draft, address, pairs=made.total)
        transaction.on_commit(lambda: tasks.wake_rehearsal(made.pk), robust=True)
        return made


def refuse_other_states(transfer: Transfer) -> None:
    if transfer.is_undo:
        raise CannotConfirm([problem_kinds.UNDO_NOT_REHEARSED()])
    if transfer.state == State.DISCARDED:
        raise CannotConfirm([problem_kinds.NOT_A_DRAFT()])
    if transfer.state != State.DRAFT:
        raise CannotConfirm([problem_kinds.ALREADY_CONFIRMED()])


def pairs_of(plan: Plan) -> list[dict[str, Any]]:
    """Return the pairs as a confirmation would write them, each with its numbers in the preview."""
    planned = {pair.row_number: pair.counts for pair in plan.pairs}
    return [pair | {"planned": planned[pair["row_number"]]} for pair in transfer_pairs(plan)]


def stop_rehearsal(*, by: User, transfer: Transfer, address: str | None = None) -> None:
    """Request that the rehearsal of this draft end after the current chunk. Without a worker, it ends at once."""
    with transaction.atomic():
        running = Rehearsal.objects.filter(transfer=transfer, finished_at=None, stop_requested_at=None)
        if running.update(stop_requested_at=timezone.now()):
            record_action("rehearsal-stop-requested", by, transfer, address)
    stopping = Rehearsal.objects.filter(transfer=transfer, finished_at=None)
    if found := stopping.values_list("pk", flat=True).first():
        with chunk_lock(transfer.pk, REHEARSING) as free:
            if free:
                finish(found)


def record_action(kind: str, by: User, draft: Transfer, address: str | None, **details: Any) -> None:
    record(kind, tenant_id=draft.tenant_id, by=by, address=address, transfer_number=draft.number, **details)
