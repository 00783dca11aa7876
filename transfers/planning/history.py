"""Find problems caused by earlier transfers.

The same pair may have been transferred before, or the source of late arrivals may have been in another pair since.
Late arrivals are records that were added for a source after the transfer.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q
from django.utils.timezone import localtime

from accounts.models import User
from transfers.models import PairState, TransferPair
from transfers.planning.counts import Pair
from transfers.validation import CandidateRow, problem_kinds
from wording.problems import Problem


def check_earlier_transfers(by: User, rows: Sequence[CandidateRow]) -> dict[int, list[Problem]]:
    """Return, by row number, a warning for each row whose pair was transferred before."""
    before = last_transferred(by, rows)
    return {
        row.number: [problem_kinds.TRANSFERRED_BEFORE(row=row.number, when=before[row.pair])]
        for row in rows
        if row.pair in before
    }


def check_later_transfers(by: User, rows: Sequence[CandidateRow]) -> dict[int, list[Problem]]:
    """Return, by row number, an error for each row of late arrivals whose source has since been in another pair.

    The user may have been the source or the target of that pair. `results.late_arrivals.pairs_to_look_at` applies the
    same condition.
    """
    sources = [row.source_id for row in rows]
    pairs = TransferPair.objects.filter(
        Q(source_id__in=sources) | Q(target_id__in=sources),
        transfer__tenant_id=by.tenant_id,
        state=PairState.SUCCEEDED,
    ).order_by("pk")
    last = {user: pair for pair in pairs.values_list("source_id", "target_id") for user in pair}
    return {
        row.number: [problem_kinds.IN_LATER_TRANSFER(row=row.number, value=str(row.source_id))]
        for row in rows
        if last.get(row.source_id or 0, row.pair) != row.pair
    }


def last_transferred(by: User, rows: Sequence[CandidateRow]) -> dict[Pair | None, str]:
    """Map each pair that was transferred from a source of these rows to the time of its last successful transfer.

    The time is a text for people. Takes one query.
    """
    pairs = TransferPair.objects.filter(
        transfer__tenant_id=by.tenant_id,
        state=PairState.SUCCEEDED,
        source_id__in=[row.source_id for row in rows],
    ).order_by("finished_at")
    return {
        (source, target): day_and_time(finished)
        for source, target, finished in pairs.values_list("source_id", "target_id", "finished_at")
        if finished
    }


def day_and_time(moment: datetime) -> str:
    """Return the local date and time, for example "21 Nov 2026 14:02"."""
    return f"{localtime(moment):%-d %b %Y %H:%M}"
