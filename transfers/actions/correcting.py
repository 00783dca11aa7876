"""Put rows that were corrected in a downloaded file into the draft that they came from, or keep them apart."""

from django.db import transaction

from accounts.models import User
from audit.log import record
from transfers.actions.drafting import create_rows
from transfers.actions.editing import discard, editing_draft, set_ids
from transfers.actions.group_editing import record_row_changes, write_cells
from transfers.actions.rechecking import recheck_draft
from transfers.models import DraftRow, State, Transfer
from transfers.people_csv import IDENTITY
from transfers.planning.candidates import named_column
from transfers.planning.corrections import Correction, correction_of


def put_into_original(*, by: User, transfer: Transfer, address: str | None = None) -> Correction | None:
    """Move the rows into the draft they came from, and return them. A draft without further rows is discarded.

    Return None, without a change, if no row belongs to another draft any more.
    """
    found = correction_of(transfer)
    if found is None:
        return None
    with editing_draft(found.original, by) as original:
        draft = Transfer.objects.select_for_update().get(pk=transfer.pk)
        found = correction_of(draft) if draft.state == State.DRAFT == original.state else None
        if found is None:
            return None
        column = named_column(original)
        for row, other in found.rows:
            set_ids(other, row.from_text, row.to_text, column)
        replaced = [other for _, other in found.rows]
        write_cells(original, replaced)
        added = [added_row(original, draft, row, number) for row, number in found.added]
        add_rows(original, added)
        record_row_changes(original, by, address, "row-changed", [*replaced, *added])
        record(
            "rows-corrected",
            tenant_id=original.tenant_id,
            by=by,
            address=address,
            transfer_number=original.number,
            rows=len(replaced) + len(added),
            file_name=draft.file_name,
            sha256=draft.file_sha256,
        )
        remove(draft, found, by, address)
    return found


def added_row(original: Transfer, draft: Transfer, row: DraftRow, number: int) -> DraftRow:
    """Return the row with its number in the original, not saved. Names are kept if they are of the same ID column."""
    column = named_column(original)
    texts = {field: getattr(row, field) for field in IDENTITY.values() if column == named_column(draft)}
    added = DraftRow(transfer=original, number=number, from_text=row.from_text, to_text=row.to_text, **texts)
    set_ids(added, row.from_text, row.to_text, column)
    return added


def add_rows(original: Transfer, added: list[DraftRow]) -> None:
    create_rows(added)
    original.file_summary["blank"] = max(original.file_summary.get("blank", 0) - len(added), 0)


def remove(draft: Transfer, found: Correction, by: User, address: str | None) -> None:
    """Remove the rows from the draft that they were uploaded in. The caller holds its lock."""
    DraftRow.objects.filter(pk__in=[row.pk for row in found.taken]).delete()
    if not draft.rows.exists():
        discard(by=by, transfer=draft, address=address)
        return
    draft.file_summary.pop("corrects")
    draft.version += 1
    draft.save(update_fields=["file_summary", "version"])
    recheck_draft(draft, by)


def keep_apart(*, transfer: Transfer) -> None:
    """Forget that rows of the draft came from another one."""
    with transaction.atomic():
        draft = Transfer.objects.select_for_update().get(pk=transfer.pk)
        draft.file_summary.pop("corrects", None)
        draft.save(update_fields=["file_summary"])
