"""Move what arrived for the sources after their transfer, without replacing anything that the targets have."""

from django.db import transaction

from accounts.models import User
from transfers.actions.drafting import drafts_one_by_one, new_draft
from transfers.actions.running import take_up
from transfers.late import find_late, pairs_to_look_at
from transfers.models import Kind, Transfer
from transfers.models.transfer import RESULTS


def move_late_arrivals(*, by: User, transfer: Transfer, address: str | None = None) -> Transfer:
    """A draft with just those pairs whose sources have records again; asked for twice, it is made once.

    It overwrites nothing (docs/decisions/late-arrivals.md) and is confirmed and run like any other. The transfer
    itself, where there is nothing to move: it has not ended, or its sources have no records.
    """
    with transaction.atomic(), drafts_one_by_one(by) as drafts:
        prepared = drafts.filter(file_summary__late_of=transfer.pk).first()
        found = find_late(transfer) if transfer.state in RESULTS and not prepared else {}
        if prepared or not found:
            return prepared or transfer
        draft = new_draft(by, Kind(transfer.kind), keeps_target=True, file_summary={"late_of": transfer.pk})
        pairs = list(pairs_to_look_at(transfer).filter(pk__in=found))
        take_up("late-arrivals-prepared", draft, pairs, of=transfer, by=by, address=address)
        return draft
