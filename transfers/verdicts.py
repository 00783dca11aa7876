"""What is stored with a row of a draft once it was judged: how bad it is, what is said of it, what it would do."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection

from transfers.engine.stage import Counts
from transfers.models import DraftRow, Transfer
from transfers.plan import impact_of
from transfers.problems import Problem, Severity

# Writes the verdicts of many rows in one statement. Leans on the unique key (transfer, number).
WRITE_VERDICTS = """
UPDATE transfers_draftrow AS r
SET status = v.status, problems = v.problems, counts = nullif(v.counts, 'null'), impact = nullif(v.impact, 'null')
FROM jsonb_to_recordset(%s::jsonb) AS v (number int, status text, problems jsonb, counts jsonb, impact jsonb)
WHERE r.transfer_id = %s AND r.number = v.number
"""


def write_verdicts(draft: Transfer, verdicts: Iterable[dict[str, Any]]) -> None:
    """One statement, whatever the number of rows. The caller holds the lock on the draft."""
    with connection.cursor() as cursor:
        cursor.execute(WRITE_VERDICTS, [json.dumps(list(verdicts)), draft.pk])


def verdict(number: int, problems: Iterable[Problem], counts: Counts | None) -> dict[str, Any]:
    """`counts` are None where the row is not counted: it cannot run, it repeats another, or it has yet to be."""
    problems = list(problems)
    return {
        "number": number,
        "status": status_of(problems),
        "problems": [problem.to_json() for problem in problems],
        "counts": counts,
        "impact": None if counts is None else in_short(counts),
    }


def in_short(counts: Counts) -> dict[str, int]:
    impact = impact_of(counts)
    return {"combined": impact.combined, "deleted": impact.deleted}


def status_of(problems: Iterable[Problem]) -> DraftRow.Status:
    """The worst of the problems decides; what is only a note leaves a row ready."""
    severities = {problem.severity for problem in problems}
    if any(severity.blocks for severity in severities):
        return DraftRow.Status.ERROR
    return DraftRow.Status.WARNING if Severity.WARNING in severities else DraftRow.Status.READY
