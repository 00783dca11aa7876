"""Changes to a draft: put its rows right, turn it round, throw it away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from transfers.actions.drafting import kept
from transfers.actions.judging import judge_draft
from transfers.audit import record
from transfers.models import DraftRow, State, Transfer
from transfers.models.transfer import move
from transfers.people_csv import FROM_USER_ID, TO_USER_ID, parse_id
from transfers.people_csv.kinds import LONG_ROW, SHORT_ROW
from transfers.plan import named_column
from transfers.problems import shown

# Writes what is wrong with the texts of many rows in one statement. Leans on the unique key (transfer, number).
WRITE_CELL_PROBLEMS = """
UPDATE transfers_draftrow AS r SET cell_problems = v.problems
FROM jsonb_to_recordset(%s::jsonb) AS v (number int, problems jsonb)
WHERE r.transfer_id = %s AND r.number = v.number
"""
ABOUT_ROW = (SHORT_ROW.code, LONG_ROW.code)


@contextmanager
def changing(draft: Transfer, by: User) -> Iterator[Transfer]:
    """The draft, locked; afterwards its whole file is judged again, if it still is a draft."""
    with transaction.atomic():
        locked = Transfer.objects.select_for_update().get(pk=draft.pk)
        yield locked
        if locked.state == State.DRAFT:
            locked.version += 1
            locked.save(update_fields=["version"])
            judge_draft(locked, by)


def fix_row(
    *,
    by: User,
    transfer: Transfer,
    number: int,
    to_text: str,
    from_text: str | None = None,
    address: str | None = None,
) -> None:
    """Put other ids into a row, and judge the whole file again: a fix in one row can clear another.

    A row that was cleared is selected again. Nothing happens where the transfer is no draft any more.
    """
    with changing(transfer, by) as draft:
        if draft.state == State.DRAFT:
            row = DraftRow.objects.get(transfer=draft, number=number)
            put(row, row.from_text if from_text is None else from_text, to_text, named_column(draft))
            note_change(draft, by, address, "row-changed", row)


def put(row: DraftRow, from_text: str, to_text: str, named: str) -> None:
    before = text_in(row, named)
    row.from_text, row.to_text = kept(from_text), kept(to_text)
    row.from_id, of_source = parse_id(row.from_text, FROM_USER_ID, row.number)
    row.to_id, of_target = parse_id(row.to_text, TO_USER_ID, row.number)
    row.cell_problems = [problem.to_json() for problem in (*of_source, *of_target)]
    row.status, row.counts = DraftRow.Status.READY, None
    if text_in(row, named) != before:
        row.first_name = row.last_name = ""  # they are of the user who stood there in the file
    row.save()


def text_in(row: DraftRow, column: str) -> str:
    return row.from_text if column == FROM_USER_ID else row.to_text


def clear_row(*, by: User, transfer: Transfer, number: int, address: str | None = None) -> None:
    """Take a row out of the selection; it is not transferred."""
    with changing(transfer, by) as draft:
        row = DraftRow.objects.filter(transfer=draft, number=number).first()
        if draft.state == State.DRAFT and row and row.status != DraftRow.Status.CLEARED:
            row.status, row.problems, row.counts, row.impact = DraftRow.Status.CLEARED, [], None, None
            row.save()
            note_change(draft, by, address, "row-cleared", row)


def restore_row(*, by: User, transfer: Transfer, number: int, address: str | None = None) -> None:
    """Take a cleared row back into the selection, with the ids it had."""
    with changing(transfer, by) as draft:
        row = DraftRow.objects.filter(transfer=draft, number=number, status=DraftRow.Status.CLEARED).first()
        if draft.state == State.DRAFT and row:
            row.status = DraftRow.Status.READY
            row.save(update_fields=["status"])
            note_change(draft, by, address, "row-restored", row)


def note_change(draft: Transfer, by: User, address: str | None, kind: str, row: DraftRow) -> None:
    record(
        kind,
        tenant_id=draft.tenant_id,
        by=by,
        address=address,
        transfer_id=draft.pk,
        row=row.number,
        from_text=shown(row.from_text),
        to_text=shown(row.to_text),
    )


def swap_direction(*, by: User, transfer: Transfer, address: str | None = None) -> None:
    """Source and target change places in every row, cleared ones too; done twice, all is as it was."""
    with changing(transfer, by) as draft:
        if draft.state != State.DRAFT:
            return
        swap_cells(draft)
        draft.file_summary["swapped"] = not draft.file_summary.get("swapped", False)
        draft.save(update_fields=["file_summary"])
        record("direction-swapped", tenant_id=draft.tenant_id, by=by, address=address, transfer_id=draft.pk)


def swap_cells(draft: Transfer) -> None:
    rows = DraftRow.objects.filter(transfer=draft)
    rows.update(
        from_text=F("to_text"), to_text=F("from_text"), from_id=F("to_id"), to_id=F("from_id"), counts=None
    )
    said = [
        {"number": row.number, "problems": in_other_columns(row)} for row in rows.exclude(cell_problems=[])
    ]
    with connection.cursor() as cursor:
        cursor.execute(WRITE_CELL_PROBLEMS, [json.dumps(said), draft.pk])


def in_other_columns(row: DraftRow) -> list[dict[str, Any]]:
    """What is wrong with the texts, said of the columns they are in now; what is wrong with the row stays."""
    about_row = [problem for problem in row.cell_problems if problem["code"] in ABOUT_ROW]
    _, of_source = parse_id(row.from_text, FROM_USER_ID, row.number)
    _, of_target = parse_id(row.to_text, TO_USER_ID, row.number)
    return about_row + [problem.to_json() for problem in (*of_source, *of_target)]


def check_again(*, by: User, transfer: Transfer) -> None:
    """Judge a draft anew, because the world has changed: users who were busy are free, rows have come."""
    with changing(transfer, by):
        pass


def discard(*, by: User, transfer: Transfer, address: str | None = None) -> None:
    with transaction.atomic():
        if move(transfer.pk, State.DISCARDED, finished_at=timezone.now()):
            DraftRow.objects.filter(transfer=transfer).delete()
            record(
                "draft-discarded",
                tenant_id=transfer.tenant_id,
                by=by,
                address=address,
                transfer_id=transfer.pk,
            )
