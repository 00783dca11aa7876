"""Change all rows of a draft that have the same problem: clear them, or accept what is suggested for them.

Each action needs a constant number of queries, and records an audit event for each row, as the actions on one row do.
It changes nothing if the number of rows is no longer the one that the person was shown.
"""

import json
from collections.abc import Sequence

from django.db import connection
from django.db.models import QuerySet
from psycopg import sql

from accounts.models import User
from audit.log import AuditEntry, record_all
from transfers.actions.editing import editing_draft, row_details, set_ids
from transfers.models import DraftRow, State, Transfer
from transfers.people_csv import FROM_USER_ID, IDENTITY, TO_USER_ID
from transfers.planning.candidates import named_column
from transfers.planning.problem_groups import ONE_BY_ONE, with_problem
from wording.problems import Severity

CELLS = ("from_text", "to_text", "from_id", "to_id", *IDENTITY.values(), "cell_problems", "status")
# Writes the cells of many rows in one statement. Uses the unique index on (transfer, number).
WRITE_CELLS = sql.SQL("""
UPDATE transfers_draftrow AS r SET {cells}, counts = NULL
FROM jsonb_populate_recordset(NULL::transfers_draftrow, %s::jsonb) AS v
WHERE r.transfer_id = %s AND r.number = v.number
""").format(cells=sql.SQL(", ").join(sql.SQL("{0} = v.{0}").format(sql.Identifier(name)) for name in CELLS))


def clear_rows(*, by: User, transfer: Transfer, problem: str, count: int, address: str | None = None) -> bool:
    """Take all rows with this kind of error out of the selection. Return False if they are not `count` rows."""
    with editing_draft(transfer, by) as draft:
        rows = list(with_error(draft, problem))
        if not is_expected(draft, rows, count):
            return False
        DraftRow.objects.filter(pk__in=[row.pk for row in rows]).update(
            status=DraftRow.Status.CLEARED, problems=[], counts=None, impact=None
        )
        record_row_changes(draft, by, address, "row-cleared", rows)
    return True


def accept_suggestions(
    *, by: User, transfer: Transfer, problem: str, count: int, address: str | None = None
) -> bool:
    """Write the suggested ID into each row with this kind of error that has one. Return False if they are not `count`
    rows.
    """
    with editing_draft(transfer, by) as draft:
        rows = [row for row in with_error(draft, problem) if suggestions(row, problem)]
        if problem in ONE_BY_ONE or not is_expected(draft, rows, count):
            return False
        column = named_column(draft)
        for row in rows:
            found = suggestions(row, problem)
            set_ids(row, found.get(FROM_USER_ID, row.from_text), found.get(TO_USER_ID, row.to_text), column)
        write_cells(draft, rows)
        record_row_changes(draft, by, address, "row-changed", rows)
    return True


def restore_rows(*, by: User, transfer: Transfer, count: int, address: str | None = None) -> bool:
    """Select all cleared rows again, with the IDs they had. Return False if they are not `count` rows."""
    with editing_draft(transfer, by) as draft:
        rows = list(DraftRow.objects.filter(transfer=draft, status=DraftRow.Status.CLEARED))
        if not is_expected(draft, rows, count):
            return False
        DraftRow.objects.filter(pk__in=[row.pk for row in rows]).update(status=DraftRow.Status.READY)
        record_row_changes(draft, by, address, "row-restored", rows)
    return True


def write_cells(draft: Transfer, rows: Sequence[DraftRow]) -> None:
    """Store the cells of the rows in one statement, and discard their counts."""
    cells = [{name: getattr(row, name) for name in ("number", *CELLS)} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(WRITE_CELLS, [json.dumps(cells), draft.pk])


def with_error(draft: Transfer, problem: str) -> QuerySet[DraftRow]:
    return DraftRow.objects.filter(with_problem(problem), transfer=draft, status=DraftRow.Status.ERROR)


def is_expected(draft: Transfer, rows: Sequence[DraftRow], count: int) -> bool:
    return draft.state == State.DRAFT and len(rows) == count > 0


def suggestions(row: DraftRow, problem: str) -> dict[str, str]:
    """Return the suggested IDs of the row's errors of this kind, by column."""
    return {
        found["column"]: str(found["suggestion"])
        for found in row.problems
        if (found["code"], found["severity"]) == (problem, Severity.ERROR.value) and found["suggestion"]
    }


def record_row_changes(
    draft: Transfer, by: User, address: str | None, kind: str, rows: Sequence[DraftRow]
) -> None:
    entries = [AuditEntry(kind, row_details(row)) for row in rows]
    record_all(entries, tenant_id=draft.tenant_id, by=by, address=address, transfer_number=draft.number)
