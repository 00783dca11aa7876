"""Change a draft: correct, clear and restore rows, swap the direction, check the draft again, discard it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from accounts.scope import visible_users
from audit.log import record
from spreadsheets.problem_kinds import CELL_IS_MERGED, ROW_IS_HIDDEN
from transfers.actions.drafting import storable
from transfers.actions.rechecking import recheck_draft
from transfers.models import DraftRow, Rehearsal, State, Transfer
from transfers.models.transfer import move
from transfers.people_csv import FROM_USER_ID, IDENTITY, TO_USER_ID, Row, parse_id
from transfers.people_csv.problem_kinds import LONG_ROW, NAME_CONFIRMED, NOT_A_USER, SHORT_ROW
from transfers.planning.candidates import named_column
from transfers.validation import with_users
from transfers.validation.problem_kinds import IDENTIFIED, MISSORTED
from wording.problems import Problem, shown

# Writes the cell problems of many rows in one statement. Uses the unique index on (transfer, number).
WRITE_CELL_PROBLEMS = """
UPDATE transfers_draftrow AS r SET cell_problems = v.problems
FROM jsonb_to_recordset(%s::jsonb) AS v (number int, problems jsonb)
WHERE r.transfer_id = %s AND r.number = v.number
"""
ROW_SHAPE_CODES = tuple(
    kind.code
    for kind in (
        SHORT_ROW,
        LONG_ROW,
        NOT_A_USER,
        CELL_IS_MERGED,
        ROW_IS_HIDDEN,
        NAME_CONFIRMED,
        IDENTIFIED,
    )
)


@contextmanager
def editing_draft(draft: Transfer, by: User) -> Iterator[Transfer]:
    """Lock the draft and yield it. After the block, check the whole file again if the transfer is still a draft."""
    with transaction.atomic():
        locked = Transfer.objects.select_for_update().get(pk=draft.pk)
        yield locked
        if locked.state == State.DRAFT:
            locked.version += 1
            locked.save(update_fields=["version"])
            recheck_draft(locked, by)


def fix_row(
    *,
    by: User,
    transfer: Transfer,
    number: int,
    to_text: str,
    from_text: str | None = None,
    address: str | None = None,
) -> None:
    """Change the ids in a row, then check the whole file: correcting one row can resolve an error in another.

    A cleared row is selected again. Does nothing if the transfer is no longer a draft.
    """
    with editing_draft(transfer, by) as draft:
        if draft.state == State.DRAFT:
            row = DraftRow.objects.get(transfer=draft, number=number)
            set_ids(row, row.from_text if from_text is None else from_text, to_text, named_column(draft))
            find_users(by, row)
            row.save()
            record_row_change(draft, by, address, "row-changed", row)


def find_users(by: User, row: DraftRow) -> None:
    """Read emails, user names and employee IDs in a row's ID cells as an upload does, without saving the row."""
    problems = tuple(map(Problem.from_json, row.cell_problems))
    others: dict[str, Any] = dict.fromkeys(IDENTITY.values(), "")
    typed = Row(row.number, row.from_text, row.to_text, row.from_id, row.to_id, problems=problems, **others)
    (found,) = with_users(by, [typed])
    row.from_text, row.to_text, row.from_id, row.to_id = (
        found.from_text,
        found.to_text,
        found.from_id,
        found.to_id,
    )
    row.cell_problems = [problem.to_json() for problem in found.problems]


def set_ids(row: DraftRow, from_text: str, to_text: str, column: str) -> None:
    """Set both ids of a row, without saving it.

    `column` is the id column that the names in the file belong to. If the id in that column changes, they are cleared
    together with the other texts about that user.
    """
    named_id = "from_text" if column == FROM_USER_ID else "to_text"
    before = getattr(row, named_id)
    row.from_text, row.to_text = storable(from_text), storable(to_text)
    row.from_id, of_source = parse_id(row.from_text, FROM_USER_ID, row.number)
    row.to_id, of_target = parse_id(row.to_text, TO_USER_ID, row.number)
    is_same = getattr(row, named_id) == before
    confirmed = [
        problem for problem in row.cell_problems if is_same and problem["code"] == NAME_CONFIRMED.code
    ]
    row.cell_problems = [*confirmed, *(problem.to_json() for problem in (*of_source, *of_target))]
    row.status, row.counts = DraftRow.Status.READY, None
    if not is_same:
        for field in IDENTITY.values():
            setattr(row, field, "")


def confirm_name(
    *, by: User, transfer: Transfer, number: int, user_id: int, address: str | None = None
) -> bool:
    """Accept that a row means the user whose ID is in it, although its texts are those of another.

    The texts are not compared again. Return False, without a change, if the row no longer holds this ID beside such
    texts, or its user left the person's views.
    """
    with editing_draft(transfer, by) as draft:
        row = DraftRow.objects.get(transfer=draft, number=number)
        user = visible_users(by).filter(pk=user_id).first()
        misfit = next((found for found in row.problems if found["code"] == MISSORTED.code), None)
        if draft.state != State.DRAFT or user is None or misfit is None or misfit["value"] != str(user_id):
            return False
        in_file = identity_words(row)
        note = NAME_CONFIRMED(row=number, column=misfit["column"], value=str(user_id), in_file=in_file)
        row.cell_problems.append(note.to_json())
        for field in IDENTITY.values():
            setattr(row, field, "")
        row.save()
        details: dict[str, Any] = {
            "row": number,
            "user": user_id,
            "name": user.name,
            "in_file": shown(in_file),
        }
        record(
            "row-confirmed",
            tenant_id=draft.tenant_id,
            by=by,
            address=address,
            transfer_number=draft.number,
            **details,
        )
    return True


def identity_words(row: DraftRow) -> str:
    """Return the texts in the row that say of which user it is, such as “Ana Díaz, ana.diaz”."""
    texts = (f"{row.first_name} {row.last_name}", row.user_name, row.email, row.employee_id)
    return ", ".join(text.strip() for text in texts if text.strip())


def clear_row(*, by: User, transfer: Transfer, number: int, address: str | None = None) -> None:
    """Take a row out of the selection, so that it is not transferred."""
    with editing_draft(transfer, by) as draft:
        row = DraftRow.objects.filter(transfer=draft, number=number).first()
        if draft.state == State.DRAFT and row and row.status != DraftRow.Status.CLEARED:
            row.status, row.problems, row.counts, row.impact = DraftRow.Status.CLEARED, [], None, None
            row.save()
            record_row_change(draft, by, address, "row-cleared", row)


def restore_row(*, by: User, transfer: Transfer, number: int, address: str | None = None) -> None:
    """Select a cleared row again, with the ids it had."""
    with editing_draft(transfer, by) as draft:
        row = DraftRow.objects.filter(transfer=draft, number=number, status=DraftRow.Status.CLEARED).first()
        if draft.state == State.DRAFT and row:
            row.status = DraftRow.Status.READY
            row.save(update_fields=["status"])
            record_row_change(draft, by, address, "row-restored", row)


def record_row_change(draft: Transfer, by: User, address: str | None, kind: str, row: DraftRow) -> None:
    details = row_details(row)
    record(kind, tenant_id=draft.tenant_id, by=by, address=address, transfer_number=draft.number, **details)


def row_details(row: DraftRow) -> dict[str, Any]:
    """Return the details of an audit event about a row."""
    return {"row": row.number, "from_text": shown(row.from_text), "to_text": shown(row.to_text)}


def swap_direction(*, by: User, transfer: Transfer, address: str | None = None) -> None:
    """Swap source and target in every row, including cleared ones. Swapping twice restores the draft."""
    with editing_draft(transfer, by) as draft:
        if draft.state != State.DRAFT:
            return
        swap_cells(draft)
        draft.file_summary["swapped"] = not draft.file_summary.get("swapped", False)
        draft.save(update_fields=["file_summary"])
        record(
            "direction-swapped",
            tenant_id=draft.tenant_id,
            by=by,
            address=address,
            transfer_number=draft.number,
        )


def swap_cells(draft: Transfer) -> None:
    rows = DraftRow.objects.filter(transfer=draft)
    rows.update(
        from_text=F("to_text"), to_text=F("from_text"), from_id=F("to_id"), to_id=F("from_id"), counts=None
    )
    problems = [
        {"number": row.number, "problems": cell_problems(row)} for row in rows.exclude(cell_problems=[])
    ]
    with connection.cursor() as cursor:
        cursor.execute(WRITE_CELL_PROBLEMS, [json.dumps(problems), draft.pk])


def cell_problems(row: DraftRow) -> list[dict[str, Any]]:
    """Return the cell problems of a row whose cells were swapped.

    The cells are parsed again for the columns they are in now. Problems of the row itself, such as its number of
    cells, are kept.
    """
    of_row = [problem for problem in row.cell_problems if problem["code"] in ROW_SHAPE_CODES]
    if any(problem["code"] == NOT_A_USER.code for problem in of_row):
        return of_row
    _, of_source = parse_id(row.from_text, FROM_USER_ID, row.number)
    _, of_target = parse_id(row.to_text, TO_USER_ID, row.number)
    return of_row + [problem.to_json() for problem in (*of_source, *of_target)]


def check_again(*, by: User, transfer: Transfer) -> None:
    """Check an unchanged draft again, because its users may no longer be busy or their records may have changed."""
    with editing_draft(transfer, by):
        pass


def count_again(*, by: User, transfer: Transfer) -> None:
    """Count the records of all rows again. A large draft is counted in the background."""
    with editing_draft(transfer, by) as draft:
        if draft.state == State.DRAFT:
            DraftRow.objects.filter(transfer=draft).update(counts=None)


def discard(*, by: User, transfer: Transfer, address: str | None = None) -> None:
    """Discard a draft and delete its rows and its rehearsal. Does nothing if it is no longer a draft."""
    with transaction.atomic():
        if move(transfer.pk, State.DISCARDED, finished_at=timezone.now()):
            DraftRow.objects.filter(transfer=transfer).delete()
            Rehearsal.objects.filter(transfer=transfer).delete()
            record(
                "draft-discarded",
                tenant_id=transfer.tenant_id,
                by=by,
                address=address,
                transfer_number=transfer.number,
            )
