"""Prepare the undo of a transfer, and change its selection. It is confirmed and run like any other transfer."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from accounts.models import User
from audit.log import record
from transfers.actions.confirming import CannotConfirm
from transfers.actions.drafting import create_rows, locked_drafts, new_draft
from transfers.actions.editing import discard, editing_draft
from transfers.actions.group_editing import record_row_changes
from transfers.actions.rechecking import recheck_draft
from transfers.models import DraftRow, Kind, State, Transfer, TransferPair
from transfers.results.undo import pairs_to_undo, refusal_of
from transfers.validation.undo import problem_kinds as undo_kinds

Status = DraftRow.Status
LEFT_OUT: dict[str, object] = {"status": Status.CLEARED, "problems": [], "counts": None, "impact": None}


class CannotUndo(CannotConfirm):
    """The transfer cannot be undone at all. `problems` say why and what to do."""


def undo(
    *,
    by: User,
    transfer: Transfer,
    rows: Collection[int] | None = None,
    leave_changed: bool = False,
    fresh: bool = False,
    address: str | None = None,
) -> Transfer:
    """Return the draft of the undo of a transfer or of some of its pairs, creating it if there is none.

    A prepared undo of the same pairs is returned as it is, unless a `fresh` one is wanted; one of other pairs is
    replaced. Raises `CannotUndo`.
    """
    with transaction.atomic(), locked_drafts(by) as drafts:
        pairs = chosen_pairs(transfer, rows)
        for prepared in drafts.filter(kind=Kind.UNDO, undoes=transfer):
            if not fresh and has_pairs(prepared, pairs):
                return prepared
            discard(by=by, transfer=prepared, address=address)
        draft = new_draft(by, Kind.UNDO, undoes=transfer, leaves_changed=leave_changed)
        create_rows(undo_row(draft, pair) for pair in pairs)
        recheck_draft(draft, by)
        record(
            "undo-prepared",
            tenant_id=draft.tenant_id,
            by=by,
            address=address,
            transfer_number=draft.number,
            pairs=len(pairs),
            of_transfer=transfer.number,
        )
        return draft


def chosen_pairs(transfer: Transfer, rows: Collection[int] | None) -> list[TransferPair]:
    transfer.refresh_from_db()
    if refusal := refusal_of(transfer):
        raise CannotUndo([refusal])
    pairs = pairs_to_undo(transfer).order_by("row_number")
    chosen = list(pairs if rows is None else pairs.filter(row_number__in=rows))
    if not chosen:
        raise CannotUndo([undo_kinds.NOBODY_SELECTED()])
    return chosen


def has_pairs(draft: Transfer, pairs: Sequence[TransferPair]) -> bool:
    return set(draft.rows.values_list("number", flat=True)) == {pair.row_number for pair in pairs}


def undo_row(draft: Transfer, pair: TransferPair) -> DraftRow:
    """Return the row of a pair, with source and target exchanged."""
    return DraftRow(
        transfer=draft,
        number=pair.row_number,
        from_text=str(pair.target_id),
        to_text=str(pair.source_id),
        from_id=pair.target_id,
        to_id=pair.source_id,
    )


@contextmanager
def choosing(transfer: Transfer, by: User) -> Iterator[Transfer]:
    """Yield the locked draft of an undo, and predict all of its pairs again after the block.

    What is shared by several pairs depends on which of them are selected.
    """
    with editing_draft(transfer, by) as draft:
        yield draft
        if draft.state == State.DRAFT:
            DraftRow.objects.filter(transfer=draft).update(counts=None)


def leave_changed(*, by: User, transfer: Transfer, leaves: bool, address: str | None = None) -> None:
    """Decide whether records that were changed since are left as they are, and predict all pairs again."""
    with choosing(transfer, by) as draft:
        if draft.state == State.DRAFT and draft.leaves_changed != leaves:
            draft.leaves_changed = leaves
            draft.save(update_fields=["leaves_changed"])
            record(
                "undo-leaves-changed" if leaves else "undo-leaves-nothing",
                tenant_id=draft.tenant_id,
                by=by,
                address=address,
                transfer_number=draft.number,
            )


def leave_out(*, by: User, transfer: Transfer, number: int | None = None, address: str | None = None) -> int:
    """Take a row, or without a number all rows with errors, out of the undo. Return the number of rows."""
    with choosing(transfer, by) as draft:
        rows = DraftRow.objects.filter(transfer=draft).exclude(status=Status.CLEARED)
        rows = rows.filter(status=Status.ERROR) if number is None else rows.filter(number=number)
        return change_rows(draft, by, address, "row-cleared", list(rows), LEFT_OUT)


def take_in(*, by: User, transfer: Transfer, number: int, address: str | None = None) -> int:
    """Select a row again that was left out. Return the number of rows."""
    with choosing(transfer, by) as draft:
        rows = DraftRow.objects.filter(transfer=draft, number=number, status=Status.CLEARED)
        return change_rows(draft, by, address, "row-restored", list(rows), {"status": Status.READY})


def change_rows(
    draft: Transfer,
    by: User,
    address: str | None,
    kind: str,
    rows: Sequence[DraftRow],
    values: dict[str, object],
) -> int:
    if draft.state != State.DRAFT or not rows:
        return 0
    DraftRow.objects.filter(pk__in=[row.pk for row in rows]).update(**values)
    record_row_changes(draft, by, address, kind, rows)
    return len(rows)
