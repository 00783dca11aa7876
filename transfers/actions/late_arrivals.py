"""Prepare a transfer of late arrivals: records that were added for the sources after their transfer."""

from django.db import transaction

from accounts.models import User
from transfers.actions.drafting import locked_drafts, new_draft
from transfers.actions.running import fill_draft
from transfers.models import Kind, Transfer
from transfers.models.transfer import RESULTS
from transfers.results.late_arrivals import find_late, pairs_to_look_at


def move_late_arrivals(*, by: User, transfer: Transfer, address: str | None = None) -> Transfer:
    """Return the draft with the pairs whose sources have records again, creating it if there is none.

    The draft is confirmed and run like any other, but types that are normally overwritten are combined
    (docs/decisions/late-arrivals.md). Returns `transfer` itself if there is nothing to move: it has not ended, or its
    sources have no records.
    """
    with transaction.atomic(), locked_drafts(by) as drafts:
        prepared = drafts.filter(file_summary__late_of=transfer.number).first()
        found = find_late(transfer) if transfer.state in RESULTS and not prepared else {}
        if prepared or not found:
            return prepared or transfer
        draft = new_draft(
            by, Kind(transfer.kind), keeps_target=True, file_summary={"late_of": transfer.number}
        )
        pairs = list(pairs_to_look_at(transfer).filter(pk__in=found))
        fill_draft("late-arrivals-prepared", draft, pairs, of=transfer, by=by, address=address)
        return draft
