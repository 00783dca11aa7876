"""Store the results of checking the rows of a draft: status, problems, counts and impact."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection

from transfers.engine.stage import Counts
from transfers.models import DraftRow, Transfer
from transfers.planning.counts import outcomes_of
from transfers.planning.impact import impact_of
from wording.problems import Problem, Severity

# Uses the unique index on (transfer, number).
WRITE_ROW_RESULTS = """
UPDATE transfers_draftrow AS r
SET status = v.status, problems = v.problems, counts = nullif(v.counts, 'null'), impact = nullif(v.impact, 'null')
FROM jsonb_to_recordset(%s::jsonb) AS v (number int, status text, problems jsonb, counts jsonb, impact jsonb)
WHERE r.transfer_id = %s AND r.number = v.number
"""


def write_row_results(draft: Transfer, results: Iterable[dict[str, Any]]) -> None:
    """Store the results in one statement. The caller holds the lock on the draft."""
    with connection.cursor() as cursor:
        cursor.execute(WRITE_ROW_RESULTS, [json.dumps(list(results)), draft.pk])


def row_result(number: int, problems: Iterable[Problem], counts: Counts | None) -> dict[str, Any]:
    """Return the result to store. `counts` is None if the row has an error, repeats another or is not counted.

    Records that the database refused to compare have no impact: their numbers are unknown, not zero.
    """
    problems = list(problems)
    impact = None if counts is None or "refused" in outcomes_of(counts) else impact_of(counts)
    return {
        "number": number,
        "status": status_of(problems),
        "problems": [problem.to_json() for problem in problems],
        "counts": counts,
        "impact": None if impact is None else {"transferred": impact.transferred, "deleted": impact.deleted},
    }


def status_of(problems: Iterable[Problem]) -> DraftRow.Status:
    """Return the status that follows from the most severe problem. A row that has only notes is ready."""
    severities = {problem.severity for problem in problems}
    if any(severity.blocks for severity in severities):
        return DraftRow.Status.ERROR
    return DraftRow.Status.WARNING if Severity.WARNING in severities else DraftRow.Status.READY
