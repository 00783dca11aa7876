"""After the confirmation: stop what has not begun, and try again what failed."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from transfers.actions.drafting import new_draft
from transfers.actions.judging import judge_draft
from transfers.audit import record
from transfers.engine.settle import settle
from transfers.models import OPEN, DraftRow, Kind, PairState, Transfer, TransferPair


def stop(*, by: User, transfer: Transfer, address: str | None = None) -> None:
    """Ask an open transfer to stop: pairs in hand are finished, the others are not started."""
    with transaction.atomic():
        running = Transfer.objects.filter(pk=transfer.pk, state__in=OPEN, stop_requested_at=None)
        if running.update(stop_requested_at=timezone.now()):
            record(
                "stop-requested",
                tenant_id=transfer.tenant_id,
                by=by,
                address=address,
                transfer_id=transfer.pk,
            )
    settle(transfer.pk)


def retry(*, by: User, transfer: Transfer, address: str | None = None) -> Transfer:
    """A new draft with just those pairs that were not transferred."""
    left = TransferPair.objects.filter(
        transfer=transfer, state__in=(PairState.FAILED, PairState.NOT_STARTED)
    ).order_by("row_number")
    with transaction.atomic():
        draft = new_draft(by, Kind(transfer.kind), file_summary={"retry_of": transfer.pk})
        rows = DraftRow.objects.bulk_create([row_of(draft, pair) for pair in left], batch_size=1000)
        judge_draft(draft, by)
        record(
            "retry-prepared",
            tenant_id=draft.tenant_id,
            by=by,
            address=address,
            transfer_id=draft.pk,
            pairs=len(rows),
            of_transfer=transfer.pk,
        )
    return draft


def row_of(draft: Transfer, pair: TransferPair) -> DraftRow:
    return DraftRow(
        transfer=draft,
        number=pair.row_number,
        from_text=str(pair.source_id),
        to_text=str(pair.target_id),
        from_id=pair.source_id,
        to_id=pair.target_id,
    )
