"""After the confirmation: stop what has not begun, and try again what failed."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from transfers.actions.drafting import drafts_one_by_one, new_draft, store
from transfers.actions.judging import judge_draft
from transfers.audit import record
from transfers.engine.settle import settle
from transfers.models import OPEN, DraftRow, Kind, Transfer, TransferPair
from transfers.models.pair import NOT_TRANSFERRED
from transfers.models.transfer import RESULTS


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
    """A draft with just those pairs that were not transferred; asked for twice, it is made once.

    The transfer itself, where there is nothing to try again: it has not ended, or all of its pairs succeeded.
    """
    with transaction.atomic(), drafts_one_by_one(by) as drafts:
        left = pairs_left(transfer)
        prepared = drafts.filter(file_summary__retry_of=transfer.pk).first()
        if prepared or not left:
            return prepared or transfer
        summary = {"retry_of": transfer.pk}
        draft = new_draft(by, Kind(transfer.kind), keeps_target=transfer.keeps_target, file_summary=summary)
        take_up("retry-prepared", draft, left, of=transfer, by=by, address=address)
        return draft


def take_up(
    kind: str,
    draft: Transfer,
    pairs: Sequence[TransferPair],
    *,
    of: Transfer,
    by: User,
    address: str | None,
) -> None:
    """Fills the draft with pairs of a transfer that has ended; they are judged anew, and the audit log is told."""
    store(row_of(draft, pair) for pair in pairs)
    judge_draft(draft, by)
    record(
        kind,
        tenant_id=draft.tenant_id,
        by=by,
        address=address,
        transfer_id=draft.pk,
        pairs=len(pairs),
        of_transfer=of.pk,
    )


def pairs_left(transfer: Transfer) -> list[TransferPair]:
    """The pairs of an ended transfer that were not transferred, in the order of the file."""
    ended = TransferPair.objects.filter(transfer=transfer, transfer__state__in=RESULTS)
    return list(ended.filter(state__in=NOT_TRANSFERRED).order_by("row_number"))


def row_of(draft: Transfer, pair: TransferPair) -> DraftRow:
    return DraftRow(
        transfer=draft,
        number=pair.row_number,
        from_text=str(pair.source_id),
        to_text=str(pair.target_id),
        from_id=pair.source_id,
        to_id=pair.target_id,
    )
