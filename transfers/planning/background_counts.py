"""Count the records of a large draft in the background, one portion of rows at a time, and store the counts.

Each draft is counted by one process at a time. While counting, the process holds only an advisory lock, which is freed
when its database connection ends. Counts are stored with the draft locked, and only in rows whose pair has not changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import BigIntegerField, Count, Q, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.models import User
from transfers.engine.locks import COUNTING, chunk_lock
from transfers.engine.stage import Counts
from transfers.models import OPEN, DraftRow, PairState, State, Transfer, TransferPair
from transfers.planning.candidates import candidates_of
from transfers.planning.counts import PORTION, Pair, check_counted, count_pairs
from transfers.planning.plan import COUNTED_AT_ONCE, Plan, plan_of
from transfers.planning.row_results import row_result, write_row_results
from transfers.planning.undo.plan import undo_plan_of, undo_row_result
from transfers.validation import Facts, check_rows, gather, problem_kinds
from wording.problems import Problem, Severity

RECENT = timedelta(minutes=2)
CAN_RUN = (DraftRow.Status.READY, DraftRow.Status.WARNING)


def countable(draft: Transfer) -> QuerySet[DraftRow]:
    """Return the rows of a draft whose pairs can be transferred: none while the file as a whole has an error."""
    rows = DraftRow.objects.filter(transfer=draft, status__in=CAN_RUN)
    problems = draft.file_summary.get("problems", ())
    if any(Severity(problem["severity"]).blocks for problem in problems):
        return rows.none()
    return rows.exclude(problems__contains=[{"code": problem_kinds.REPEATED.code}])


@dataclass(frozen=True)
class CountingProgress:
    """Progress of the counting of a draft.

    `rows` is the number of rows whose pairs can be transferred, and `counted` of them are counted. `transferred` and
    `deleted` are the numbers of records that the counted rows would move and delete. No count is older than `since`.
    """

    rows: int
    counted: int
    transferred: int
    deleted: int
    since: datetime | None

    @property
    def is_complete(self) -> bool:
        return self.counted == self.rows


def counting_progress(draft: Transfer) -> CountingProgress:
    def total(name: str) -> Sum:
        return Sum(Cast(KT(f"impact__{name}"), BigIntegerField()), default=0)

    numbers = countable(draft).aggregate(
        rows=Count("id"), counted=Count("counts"), transferred=total("transferred"), deleted=total("deleted")
    )
    return CountingProgress(**numbers, since=counted_since(draft))


def counted_since(draft: Transfer) -> datetime | None:
    """Return a time that no stored count is older than, or None if the draft was never counted."""
    since = draft.file_summary.get("counted_since")
    return datetime.fromisoformat(since) if since else None


def has_old_counts(draft: Transfer) -> bool:
    """Return whether users of the draft were in another transfer since their records were counted."""
    since = counted_since(draft)
    if since is None:
        return False
    lately = Transfer.objects.filter(
        Q(finished_at__gt=since) | Q(state__in=OPEN), tenant_id=draft.tenant_id, confirmed_at__isnull=False
    )
    moved = TransferPair.objects.filter(transfer__in=lately, state=PairState.SUCCEEDED, finished_at__gt=since)
    rows = DraftRow.objects.filter(transfer=draft, counts__isnull=False)
    users = {user for pair in moved.values_list("source_id", "target_id") for user in pair}
    return bool(users) and rows.filter(Q(from_id__in=users) | Q(to_id__in=users)).exists()


def count_draft(transfer_id: int, *, portions: int | None = None) -> bool:
    """Count the rows that are not counted yet, at most `portions` portions of them.

    Return False if nothing was counted, because no row is left or another process is counting this draft.
    """
    done = 0
    with chunk_lock(transfer_id, COUNTING) as free:
        while free and done != portions and count_portion(transfer_id):
            done += 1
    return bool(done)


def count_portion(transfer_id: int) -> bool:
    """Count the next uncounted rows. Return False if there are none, or if all of them have changed in the meantime."""
    draft = Transfer.objects.filter(pk=transfer_id, state=State.DRAFT).first()
    if draft and draft.is_undo:
        return count_undo(draft)
    rows = list(countable(draft).filter(counts__isnull=True)[:PORTION]) if draft else []
    pairs = pairs_of(rows)
    if draft is None or not pairs:
        return False
    users = facts_of(draft, pairs).users
    visible = {number: pair for number, pair in pairs.items() if users.keys() >= set(pair)}
    return store_counts(transfer_id, pairs, count_pairs(visible, keep_target=draft.keeps_target))


def count_undo(draft: Transfer) -> bool:
    """Predict all pairs of an undo together, because they may share rows. Return False if none is left."""
    if not countable(draft).filter(counts__isnull=True).exists():
        return False
    plan = undo_plan_of(draft, draft.requested_by)
    with transaction.atomic():
        same = Transfer.objects.filter(pk=draft.pk, state=State.DRAFT, version=draft.version)
        if same.select_for_update(no_key=True).first():
            write_row_results(draft, map(undo_row_result, plan.rows))
    return True


def pairs_of(rows: Sequence[DraftRow]) -> dict[int, Pair]:
    return {row.number: (row.from_id, row.to_id) for row in rows if row.from_id and row.to_id}


def facts_of(draft: Transfer, pairs: Mapping[int, Pair]) -> Facts:
    """Return facts about those users of the pairs whom the creator of the draft can still see."""
    return gather(draft.requested_by, {user for pair in pairs.values() for user in pair})


def store_counts(transfer_id: int, pairs: Mapping[int, Pair], counts: Mapping[int, Counts]) -> bool:
    """Store the counts in the rows that still hold the counted pair. Return False if nothing was stored.

    A row that was not counted because its users have left the person's views gets an error instead.
    """
    with transaction.atomic():
        draft = Transfer.objects.select_for_update(no_key=True).get(pk=transfer_id)
        if draft.state != State.DRAFT:
            return False
        waiting = countable(draft).filter(counts__isnull=True, number__in=pairs)
        same = [row for row in waiting if pairs[row.number] == (row.from_id, row.to_id)]
        facts = facts_of(draft, pairs_of(same))
        results = [
            *with_counts(draft, [row for row in same if row.number in counts], counts, facts),
            *without_counts(draft, [row for row in same if row.number not in counts], facts),
        ]
        write_row_results(draft, (row_result(*result) for result in results))
    return bool(results)


Result = tuple[int, list[Problem], Counts | None]  # row number, problems, counts


def with_counts(
    draft: Transfer, rows: Sequence[DraftRow], counts: Mapping[int, Counts], facts: Facts
) -> list[Result]:
    """Return the results of counted rows: the stored problems, the problems that the counts reveal, and the counts."""
    found = check_counted(candidates_of(draft, rows), counts, facts)
    return [
        (row.number, [*map(Problem.from_json, row.problems), *found.get(row.number, ())], counts[row.number])
        for row in rows
    ]


def without_counts(draft: Transfer, rows: Sequence[DraftRow], facts: Facts) -> list[Result]:
    """Recheck rows whose users have left the person's views, because the stored problems may name these users."""
    found = check_rows(candidates_of(draft, rows), facts)
    return [
        (number, problems, None)
        for number, problems in found.items()
        if any(problem.code == problem_kinds.UNKNOWN_USER.code for problem in problems)
    ]


def plan_to_show(draft: Transfer, by: User, *, stored: bool = False) -> Plan:
    """Return the plan that the confirmation window shows.

    For a large file, recent counts are used so that the window opens at once, and with `stored` older ones too. The
    confirmation counts again and is refused if the numbers have changed, except for an undo.
    """
    if is_large(draft) and (stored or counted_recently(draft)):
        plan = plan_of(draft, by, recount=False)
        if not plan.uncounted:
            return plan
    return plan_of(draft, by)


def is_large(draft: Transfer) -> bool:
    return draft.rows.count() > COUNTED_AT_ONCE


def counted_recently(draft: Transfer) -> bool:
    since = counted_since(draft)
    return since is not None and timezone.now() - since < RECENT and not has_old_counts(draft)
