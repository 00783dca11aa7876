"""Judges a stored draft again, and writes what changed."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import User
from transfers import tasks
from transfers.models import DraftRow, PairState, Transfer
from transfers.models.transfer import RESULTS
from transfers.plan import PlannedPair, day_and_time, plan_of
from transfers.problems import Problem
from transfers.validation import kinds
from transfers.verdicts import verdict, write_verdicts


def judge_draft(draft: Transfer, by: User) -> None:
    """Judge the whole file; call it with the draft locked. The number of queries does not depend on the number of rows.

    What cannot be counted at once is counted in the background, after the commit.
    """
    if not DraftRow.objects.filter(transfer=draft, counts__isnull=False).exists():
        draft.file_summary["counted_since"] = timezone.now().isoformat()
    plan = plan_of(draft, by, recount=False)
    write_verdicts(draft, (verdict_of(row) for row in plan.rows))
    about_file = [problem.to_json() for problem in (*plan.problems, *same_file_before(draft))]
    draft.file_summary["problems"] = [*draft.file_summary.get("notes", []), *about_file]
    draft.save(update_fields=["file_summary"])
    if plan.uncounted:
        transaction.on_commit(lambda: tasks.ask_to_count(draft.pk), robust=True)


def verdict_of(row: PlannedPair) -> dict[str, Any]:
    return verdict(row.row_number, row.problems, row.counts if row.is_counted else None)


def same_file_before(draft: Transfer) -> Iterable[Problem]:
    """Did the same person run the same file before? Says when they did so last (csv-cases.md, 44)."""
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
        yield kinds.RAN_BEFORE(when=day_and_time(last.confirmed_at), succeeded=last.done)
