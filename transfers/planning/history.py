"""Find problems caused by earlier transfers.

The same pair may have been transferred before, the target may have been the source of a transfer, or the source of late
arrivals may have been in another pair since. Late arrivals are records that were added for a source after the transfer.
Undos, and pairs that were undone, do not count.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.timezone import localtime

from accounts.models import User
from accounts.scope import visible_users
from transfers.models import PairState, TransferPair
from transfers.models.pair import IN_EFFECT
from transfers.people_csv import TO_USER_ID
from transfers.planning.counts import Pair
from transfers.validation import CandidateRow, Facts, UserFacts, problem_kinds
from wording.problems import Problem


def check_earlier_transfers(by: User, rows: Sequence[CandidateRow], facts: Facts) -> dict[int, list[Problem]]:
    """Return, by row number, a warning for each row whose pair was transferred before, or whose target was a source."""
    before = last_transferred(by, {user for row in rows if row.pair for user in row.pair})
    moved_away = {
        source: EarlierTransfer(target, when) for (source, target), when in before.items()
    }  # the last one of each source
    receivers = {moved_away[row.target_id].to for row in rows if row.target_id in moved_away}
    names = visible_users(by).in_bulk(receivers) if receivers else {}
    found: dict[int, list[Problem]] = defaultdict(list)
    for row in rows:
        if row.pair in before:
            found[row.number].append(problem_kinds.TRANSFERRED_BEFORE(row=row.number, when=before[row.pair]))
        target = facts.users.get(row.target_id or 0)
        if target and (earlier := moved_away.get(target.id)):
            found[row.number].append(moved_away_before(row, target, earlier, names.get(earlier.to)))
    return found


@dataclass(frozen=True)
class EarlierTransfer:
    """The last transfer from a user: the ID of the Target User, and the time as a text for people."""

    to: int
    when: str


def moved_away_before(
    row: CandidateRow, target: UserFacts, earlier: EarlierTransfer, receiver: User | None
) -> Problem:
    """Return the warning that the target was the source of an earlier transfer: the direction may be wrong."""
    return problem_kinds.TARGET_MOVED_AWAY(
        row=row.number,
        column=TO_USER_ID,
        value=str(target.id),
        name=target.name,
        receiver=f"{receiver.name} ({receiver.pk})" if receiver else "another user",
        when=earlier.when,
    )


def check_later_transfers(by: User, rows: Sequence[CandidateRow]) -> dict[int, list[Problem]]:
    """Return, by row number, an error for each row of late arrivals whose source has since been in another pair.

    The user may have been the source or the target of that pair. `results.late_arrivals.pairs_to_look_at` applies the
    same condition. If the row's own pair was undone, its source has all records again, which are no late arrivals.
    """
    sources = [row.source_id for row in rows]
    found = TransferPair.objects.filter(
        Q(source_id__in=sources) | Q(target_id__in=sources),
        transfer__tenant_id=by.tenant_id,
        state=PairState.SUCCEEDED,
        undoes=[],
    ).order_by("pk")
    pairs = list(found.values_list("source_id", "target_id", "undone_by"))
    last = {user: (source, target) for source, target, undo in pairs if not undo for user in (source, target)}
    undone = {(source, target) for source, target, undo in pairs if undo}
    return {
        row.number: [later_transfer(row, row.pair in undone - set(last.values()))]
        for row in rows
        if last.get(row.source_id or 0) != row.pair
    }


def later_transfer(row: CandidateRow, undone: bool) -> Problem:
    kind = problem_kinds.UNDONE_SINCE if undone else problem_kinds.IN_LATER_TRANSFER
    return kind(row=row.number, value=str(row.source_id))


def last_transferred(by: User, sources: Iterable[int]) -> dict[Pair, str]:
    """Map each pair that was transferred from one of the sources to the time of its last successful transfer.

    The time is a text for people, and pairs transferred later come last. Takes one query.
    """
    pairs = TransferPair.objects.filter(
        IN_EFFECT, transfer__tenant_id=by.tenant_id, source_id__in=list(sources)
    ).order_by("finished_at")
    times: dict[Pair, str] = {}
    for source, target, finished in pairs.values_list("source_id", "target_id", "finished_at"):
        if finished:
            times.pop((source, target), None)  # moves a repeated pair to the end
            times[source, target] = day_and_time(finished)
    return times


def day_and_time(moment: datetime) -> str:
    """Return the local date and time, for example "21 Nov 2026 14:02"."""
    return f"{localtime(moment):%-d %b %Y %H:%M}"
