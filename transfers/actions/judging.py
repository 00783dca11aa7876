"""Judges a stored draft again, and writes what changed."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from accounts.models import User
from transfers.models import DraftRow, PairState, Transfer
from transfers.models.transfer import RESULTS
from transfers.plan import PlannedPair, day_and_time, plan_of
from transfers.problems import Problem, Severity
from transfers.validation import kinds

# Writes the verdicts of many rows in one statement. Leans on the unique key (transfer, number).
WRITE_VERDICTS = """
UPDATE transfers_draftrow AS r
SET status = v.status, problems = v.problems, counts = nullif(v.counts, 'null'), impact = nullif(v.impact, 'null')
FROM jsonb_to_recordset(%s::jsonb) AS v (number int, status text, problems jsonb, counts jsonb, impact jsonb)
WHERE r.transfer_id = %s AND r.number = v.number
"""


def judge_draft(draft: Transfer, by: User) -> None:
    """Judge the whole file. The number of queries does not depend on the number of rows."""
    plan = plan_of(draft, by, recount=False)
    with connection.cursor() as cursor:
        cursor.execute(WRITE_VERDICTS, [json.dumps([verdict(row) for row in plan.rows]), draft.pk])
    about_file = [problem.to_json() for problem in (*plan.problems, *same_file_before(draft))]
    draft.file_summary = draft.file_summary | {
        "problems": [*draft.file_summary.get("notes", []), *about_file]
    }
    draft.save(update_fields=["file_summary"])


def verdict(row: PlannedPair) -> dict[str, Any]:
    counted = row.is_ready and not row.is_repeated
    return {
        "number": row.row_number,
        "status": status_of(row.problems),
        "problems": [problem.to_json() for problem in row.problems],
        "counts": row.counts if counted else None,
        "impact": {"combined": row.impact.combined, "deleted": row.impact.deleted} if counted else None,
    }


def status_of(problems: Iterable[Problem]) -> DraftRow.Status:
    """The worst of the problems decides; what is only a note leaves a row ready."""
    severities = {problem.severity for problem in problems}
    if any(severity.blocks for severity in severities):
        return DraftRow.Status.ERROR
    return DraftRow.Status.WARNING if Severity.WARNING in severities else DraftRow.Status.READY


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
