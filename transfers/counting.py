"""What a large draft would do: counted in the background, a portion at a time, and shown from there.

No lock is held while a portion is counted but the one that says that somebody counts, and that one belongs to the
database connection. What was counted is written with the draft locked, and only into rows that still are the same pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import BigIntegerField, Count, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.models import User
from transfers.counts import PORTION, Pair, count_pairs, judge_counted
from transfers.engine.locks import COUNTING, chunk_lock
from transfers.engine.stage import Counts
from transfers.models import DraftRow, State, Transfer
from transfers.plan import COUNTED_AT_ONCE, Plan, named_column, plan_of
from transfers.problems import Problem, Severity
from transfers.rows import candidate
from transfers.validation import Facts, gather, judge_rows, kinds
from transfers.verdicts import verdict, write_verdicts

LATELY = timedelta(minutes=2)
CAN_RUN = (DraftRow.Status.READY, DraftRow.Status.WARNING)


def countable(draft: Transfer) -> QuerySet[DraftRow]:
    """The rows of a draft that could run, counted or not; none while something is wrong with the file as a whole."""
    rows = DraftRow.objects.filter(transfer=draft, status__in=CAN_RUN)
    problems = draft.file_summary.get("problems", ())
    if any(Severity(problem["severity"]).blocks for problem in problems):
        return rows.none()
    return rows.exclude(problems__contains=[{"code": kinds.REPEATED.code}])


@dataclass(frozen=True)
class Counted:
    """How far it is, in rows that could run, and what those that are counted would do, in records."""

    rows: int
    counted: int
    combined: int
    deleted: int

    @property
    def is_complete(self) -> bool:
        return self.counted == self.rows


def counted_of(draft: Transfer) -> Counted:
    def add_up(name: str) -> Sum:
        return Sum(Cast(KT(f"impact__{name}"), BigIntegerField()), default=0)

    numbers = countable(draft).aggregate(
        rows=Count("id"), counted=Count("counts"), combined=add_up("combined"), deleted=add_up("deleted")
    )
    return Counted(**numbers)


def count_draft(transfer_id: int, *, portions: int | None = None) -> bool:
    """Count what is not counted yet, or so many portions of it. False when nothing was counted: nothing is left, or
    somebody is at it already."""
    done = 0
    with chunk_lock(transfer_id, COUNTING) as free:
        while free and done != portions and count_portion(transfer_id):
            done += 1
    return bool(done)


def count_portion(transfer_id: int) -> bool:
    """Count the next rows. False when there are none, or none of them is the same any more."""
    draft = Transfer.objects.filter(pk=transfer_id, state=State.DRAFT).first()
    rows = list(countable(draft).filter(counts__isnull=True)[:PORTION]) if draft else []
    pairs = pairs_of(rows)
    if draft is None or not pairs:
        return False
    seen = facts_of(draft, pairs).users
    known = {number: pair for number, pair in pairs.items() if seen.keys() >= set(pair)}
    return store(transfer_id, pairs, count_pairs(known, keep_target=draft.keeps_target))


def pairs_of(rows: Sequence[DraftRow]) -> dict[int, Pair]:
    return {row.number: (row.from_id, row.to_id) for row in rows if row.from_id and row.to_id}


def facts_of(draft: Transfer, pairs: Mapping[int, Pair]) -> Facts:
    """As its maker may know them now: since the file was judged, users may have left their view."""
    return gather(draft.requested_by, {user for pair in pairs.values() for user in pair})


def store(transfer_id: int, pairs: Mapping[int, Pair], counts: Mapping[int, Counts]) -> bool:
    """Write the counts into those rows that still stand for the pair that was looked at; False when none does.

    A pair that was not counted, because its users have left the view, is an error from now on.
    """
    with transaction.atomic():
        draft = Transfer.objects.select_for_update(no_key=True).get(pk=transfer_id)
        if draft.state != State.DRAFT:
            return False
        waiting = countable(draft).filter(counts__isnull=True, number__in=pairs)
        same = [row for row in waiting if pairs[row.number] == (row.from_id, row.to_id)]
        facts = facts_of(draft, pairs_of(same))
        told = [
            *with_counts(draft, [row for row in same if row.number in counts], counts, facts),
            *without_counts(draft, [row for row in same if row.number not in counts], facts),
        ]
        write_verdicts(draft, (verdict(*of_row) for of_row in told))
    return bool(told)


Told = tuple[int, list[Problem], Counts | None]  # of a row its number, what is said of it, and its counts


def with_counts(
    draft: Transfer, rows: Sequence[DraftRow], counts: Mapping[int, Counts], facts: Facts
) -> list[Told]:
    """What was said before and what the counts add."""
    named = named_column(draft)
    found = judge_counted([candidate(row, named) for row in rows], counts, facts)
    return [
        (row.number, [*map(Problem.from_json, row.problems), *found.get(row.number, ())], counts[row.number])
        for row in rows
    ]


def without_counts(draft: Transfer, rows: Sequence[DraftRow], facts: Facts) -> list[Told]:
    """Rows whose users have left the view: judged anew, because what was said before may name them."""
    named = named_column(draft)
    found = judge_rows([candidate(row, named) for row in rows], facts)
    return [
        (number, problems, None)
        for number, problems in found.items()
        if any(problem.code == kinds.UNKNOWN_USER.code for problem in problems)
    ]


def plan_to_show(draft: Transfer, by: User) -> Plan:
    """What the last question shows. Of a large file, counts that were taken lately will do, so that the question comes
    at once: to confirm it counts again, and is refused when the numbers are others by then."""
    if counted_lately(draft) and draft.rows.count() > COUNTED_AT_ONCE:
        plan = plan_of(draft, by, recount=False)
        if not plan.uncounted:
            return plan
    return plan_of(draft, by)


def counted_lately(draft: Transfer) -> bool:
    """`counted_since`: no stored count of the draft is older."""
    since = draft.file_summary.get("counted_since")
    return bool(since) and timezone.now() - datetime.fromisoformat(since) < LATELY
