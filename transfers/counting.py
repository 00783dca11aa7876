"""Counts in the background what a large draft would do, a portion at a time.

No lock is held while a portion is counted but the one that says that somebody counts, and that one belongs to the
database connection. What was counted is written with the draft locked, and only into rows that still are the same pair.
"""

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import QuerySet

from transfers.counts import PORTION, Pair, count_pairs, judge_counted
from transfers.engine.locks import RANGE, chunk_lock
from transfers.engine.stage import Counts
from transfers.models import DraftRow, State, Transfer
from transfers.plan import named_column
from transfers.problems import Problem, Severity
from transfers.rows import candidate
from transfers.validation import gather, kinds
from transfers.verdicts import verdict, write_verdicts

COUNTING = RANGE - 1  # stands in the lock where a running transfer has the number of a chunk
CAN_RUN = (DraftRow.Status.READY, DraftRow.Status.WARNING)


def countable(draft: Transfer) -> QuerySet[DraftRow]:
    """The rows of a draft that could run, counted or not; none while something is wrong with the file as a whole."""
    rows = DraftRow.objects.filter(transfer=draft, status__in=CAN_RUN)
    problems = draft.file_summary.get("problems", ())
    if any(Severity(problem["severity"]).blocks for problem in problems):
        return rows.none()
    return rows.exclude(problems__contains=[{"code": kinds.REPEATED.code}])


def count_draft(transfer_id: int, *, portions: int | None = None) -> None:
    """Count what is not counted yet, or so many portions of it; nothing where somebody is at it already."""
    with chunk_lock(transfer_id, COUNTING) as free:
        left = portions
        while free and left != 0 and count_portion(transfer_id):
            left = None if left is None else left - 1


def count_portion(transfer_id: int) -> bool:
    """Count the next rows. False when there are none, or none of them is the same any more."""
    draft = Transfer.objects.filter(pk=transfer_id, state=State.DRAFT).first()
    rows = list(countable(draft).filter(counts__isnull=True)[:PORTION]) if draft else []
    pairs = pairs_of(rows)
    return bool(pairs) and store(transfer_id, pairs, count_pairs(pairs))


def pairs_of(rows: Sequence[DraftRow]) -> dict[int, Pair]:
    return {row.number: (row.from_id, row.to_id) for row in rows if row.from_id and row.to_id}


def store(transfer_id: int, pairs: Mapping[int, Pair], counts: Mapping[int, Counts]) -> bool:
    """Write the counts into those rows that still stand for the pair that was counted; False when none does."""
    with transaction.atomic():
        draft = Transfer.objects.select_for_update(no_key=True).get(pk=transfer_id)
        if draft.state != State.DRAFT:
            return False
        waiting = countable(draft).filter(counts__isnull=True, number__in=pairs)
        same = [row for row in waiting if pairs[row.number] == (row.from_id, row.to_id)]
        write_verdicts(draft, (verdict(*told) for told in with_counts(draft, same, counts)))
    return bool(same)


def with_counts(
    draft: Transfer, rows: Sequence[DraftRow], counts: Mapping[int, Counts]
) -> list[tuple[int, list[Problem], Counts]]:
    """Of each row its number, what was said of it before and what the counts add, and the counts."""
    named = named_column(draft)
    facts = gather(draft.requested_by, {user for pair in pairs_of(rows).values() for user in pair})
    found = judge_counted([candidate(row, named) for row in rows], counts, facts)
    return [
        (row.number, [*map(Problem.from_json, row.problems), *found.get(row.number, ())], counts[row.number])
        for row in rows
    ]
