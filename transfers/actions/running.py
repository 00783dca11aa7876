"""Stop a confirmed transfer, and retry the pairs that were not transferred."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.log import record
from transfers.actions.drafting import create_rows, locked_drafts, new_draft
from transfers.actions.rechecking import recheck_draft
from transfers.engine.completion import finish_if_done
from transfers.models import OPEN, DraftRow, Kind, Transfer, TransferPair
from transfers.models.pair import NOT_TRANSFERRED
from transfers.models.transfer import RESULTS


def stop(*, by: User, transfer: Transfer, address: str | None = None) -> None:
    """Request that an open transfer stop: pairs in progress are finished, the others are not started."""
    with transaction.atomic():
        running = Transfer.objects.filter(pk=transfer.pk, state__in=OPEN, stop_requested_at=None)
        if running.update(stop_requested_at=timezone.now()):
            record(
                "stop-requested",
                tenant_id=transfer.tenant_id,
                by=by,
                address=address,
                transfer_number=transfer.number,
            )
    finish_if_done(transfer.pk)


def retry(*, by: User, transfer: Transfer, address: str | None = None) -> Transfer:
    """Return the draft with the pairs that were not transferred, creating it if there is none.

    Returns `transfer` itself if there is nothing to retry: it has not ended, or all of its pairs succeeded.
    """
    with transaction.atomic(), locked_drafts(by) as drafts:
        left = untransferred_pairs(transfer)
        prepared = drafts.filter(file_summary__retry_of=transfer.number).first()
        if prepared or not left:
            return prepared or transfer
        summary = {"retry_of": transfer.number}
        draft = new_draft(
            by,
            Kind(transfer.kind),
            keeps_target=transfer.keeps_target,
            undoes=transfer.undoes,
            leaves_changed=transfer.leaves_changed,
            file_summary=summary,
        )
        fill_draft("retry-prepared", draft, left, of=transfer, by=by, address=address)
        return draft


def fill_draft(
    kind: str,
    draft: Transfer,
    pairs: Sequence[TransferPair],
    *,
    of: Transfer,
    by: User,
    address: str | None,
) -> None:
    """Add pairs of the ended transfer `of` to a draft, check them, and record an audit event of this `kind`."""
    create_rows(draft_row(draft, pair) for pair in pairs)
    recheck_draft(draft, by)
    record(
        kind,
        tenant_id=draft.tenant_id,
        by=by,
        address=address,
        transfer_number=draft.number,
        pairs=len(pairs),
        of_transfer=of.number,
    )


def untransferred_pairs(transfer: Transfer) -> list[TransferPair]:
    """Return the pairs of an ended transfer that were not transferred, in file order."""
    ended = TransferPair.objects.filter(transfer=transfer, transfer__state__in=RESULTS)
    return list(ended.filter(state__in=NOT_TRANSFERRED).order_by("row_number"))


def draft_row(draft: Transfer, pair: TransferPair) -> DraftRow:
    return DraftRow(
        transfer=draft,
        number=pair.row_number,
        from_text=str(pair.source_id),
        to_text=str(pair.target_id),
        from_id=pair.source_id,
        to_id=pair.target_id,
    )
