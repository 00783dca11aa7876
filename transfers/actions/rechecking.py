"""Check a stored draft again, and store the results."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import User
from transfers import tasks
from transfers.models import DraftRow, PairState, Transfer
from transfers.models.transfer import RESULTS
from transfers.planning.history import day_and_time
from transfers.planning.plan import PlannedPair, plan_of
from transfers.planning.row_results import row_result, write_row_results
from transfers.planning.undo.plan import PlannedUndo, undo_row_result
from transfers.validation import problem_kinds
from wording.problems import Problem


def recheck_draft(draft: Transfer, by: User) -> None:
    """Check all rows of a draft. The caller holds the draft's lock. Needs a constant number of queries.

    If too many rows have to be counted, they are counted in the background after the commit.
    """
    if not DraftRow.objects.filter(transfer=draft, counts__isnull=False).exists():
        draft.file_summary["counted_since"] = timezone.now().isoformat()
    plan = plan_of(draft, by, recount=False)
    write_row_results(draft, (result_of_row(row) for row in plan.rows))
    about_file = [problem.to_json() for problem in (*plan.problems, *same_file_before(draft))]
    draft.file_summary["problems"] = [*draft.file_summary.get("notes", []), *about_file]
    draft.save(update_fields=["file_summary"])
    if plan.uncounted:
        transaction.on_commit(lambda: tasks.ask_to_count(draft.pk), robust=True)


def result_of_row(row: PlannedPair) -> dict[str, Any]:
    if isinstance(row, PlannedUndo):
        return undo_row_result(row)
    return row_result(row.row_number, row.problems, row.counts if row.is_counted else None)


def same_file_before(draft: Transfer) -> Iterable[Problem]:
    """Yield a warning with the time of the last run if the person ran this file before (docs/csv-cases.md, case 44)."""
    if not draft.file_sha256:
        return
    earlier = Transfer.objects.filter(
        tenant_id=draft.tenant_id,
        requested_by=draft.requested_by_id,
        file_sha256=draft.file_sha256,
        state__in=RESULTS,
    )
    done = Count("pairs", filter=Q(pairs__state=PairState.SUCCEEDED))
    last = earlier.annotate(done=done).order_by("-confirmed_at").first()
    if last and last.confirmed_at:
        yield problem_kinds.RAN_BEFORE(when=day_and_time(last.confirmed_at), succeeded=last.done)
