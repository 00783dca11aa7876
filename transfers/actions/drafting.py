"""Before the confirmation: make a draft, put its rows right, throw it away."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from transfers.actions.judging import judge_draft
from transfers.audit import record
from transfers.models import DraftRow, Kind, State, Transfer
from transfers.models.transfer import move
from transfers.people_csv import FROM_USER_ID, TO_USER_ID, FileRejected, ParsedFile, Row, parse_id, read
from transfers.problems import shown
from transfers.validation import kinds

# A file that selects more users than this is not opened for preview; nobody puts so many rows right by hand.
MAXIMUM_ROWS = 10_000
LONGEST_TEXT = 200


def start_single(*, by: User, source_id: int, target_id: int, address: str | None = None) -> Transfer:
    """The person's draft for this pair; the one they already have, when the form is sent twice."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=by.pk)
        existing = Transfer.objects.filter(
            requested_by=by,
            kind=Kind.SINGLE,
            state=State.DRAFT,
            rows__from_id=source_id,
            rows__to_id=target_id,
        ).first()
        if existing:
            return existing
        draft = new_draft(by, Kind.SINGLE)
        row = DraftRow(transfer=draft, number=1, from_id=source_id, to_id=target_id)
        row.from_text, row.to_text = str(source_id), str(target_id)
        row.save()
        judge_draft(draft, by)
        return draft


def new_draft(by: User, kind: Kind, **facts: object) -> Transfer:
    return Transfer.objects.create(
        tenant_id=by.tenant_id, kind=kind, requested_by=by, requested_by_name=by.name, **facts
    )


def upload(*, by: User, file_name: str, stream: BinaryIO, address: str | None = None) -> Transfer:
    """A draft of the selected rows of a people.csv. Raises `FileRejected` when the file cannot be taken.

    Of the file only its rows and its SHA-256 are kept; of a refused one only the fact.
    """
    try:
        parsed = read(stream)
        if len(parsed.rows) > MAXIMUM_ROWS:
            raise FileRejected(kinds.TOO_MANY_ROWS(count=len(parsed.rows)))
    except FileRejected as refused:
        reason = refused.problem.sentence
        record("file-refused", tenant_id=by.tenant_id, by=by, address=address, reason=reason)
        raise
    with transaction.atomic():
        draft = new_draft(
            by,
            Kind.BULK,
            file_name=shown(file_name),
            file_sha256=parsed.sha256,
            file_summary=summary_of(parsed),
        )
        add_rows(draft, parsed.rows)
        judge_draft(draft, by)
        counts = {"rows_read": parsed.rows_read, "selected": len(parsed.rows)}
        record(
            "file-uploaded",
            tenant_id=by.tenant_id,
            by=by,
            address=address,
            transfer_id=draft.pk,
            file_name=draft.file_name,
            sha256=parsed.sha256,
            **counts,
        )
    return draft


def summary_of(parsed: ParsedFile) -> dict[str, object]:
    return {
        "read": parsed.rows_read,
        "blank": parsed.blank,
        "empty": parsed.empty,
        "encoding": parsed.encoding,
        "delimiter": parsed.delimiter_word,
        "notes": [note.to_json() for note in parsed.notes],
    }


def add_rows(draft: Transfer, rows: Iterable[Row]) -> None:
    DraftRow.objects.bulk_create(
        (
            DraftRow(
                transfer=draft,
                number=row.number,
                from_text=kept(row.from_text),
                to_text=kept(row.to_text),
                from_id=row.from_id,
                to_id=row.to_id,
                first_name=kept(row.first_name),
                last_name=kept(row.last_name),
                cell_problems=[problem.to_json() for problem in row.problems],
            )
            for row in rows
        ),
        batch_size=1000,
    )


def kept(text: str) -> str:
    """As much of a cell as is stored; PostgreSQL knows no text with NUL in it."""
    return text.replace("\0", "")[:LONGEST_TEXT]


# --- Changes to a draft --------------------------------------------------------------------------------------------


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
) -> DraftRow:
    """Put other ids into a row, and judge the whole file again: a fix in one row can clear another."""
    with changing(transfer, by) as draft:
        row = DraftRow.objects.get(transfer=draft, number=number)
        if draft.state != State.DRAFT:
            return row
        if from_text is not None and from_text != row.from_text:
            row.first_name = row.last_name = ""
        put(row, row.from_text if from_text is None else from_text, to_text)
        note_change(draft, by, address, "row-changed", row)
    row.refresh_from_db()
    return row


def put(row: DraftRow, from_text: str, to_text: str) -> None:
    row.from_text, row.to_text = kept(from_text), kept(to_text)
    row.from_id, of_source = parse_id(row.from_text, FROM_USER_ID, row.number)
    row.to_id, of_target = parse_id(row.to_text, TO_USER_ID, row.number)
    row.cell_problems = [problem.to_json() for problem in (*of_source, *of_target)]
    row.status, row.impact = DraftRow.Status.READY, None
    row.counts = None
    row.save()


def clear_row(*, by: User, transfer: Transfer, number: int, address: str | None = None) -> None:
    """Take a row out of the selection; it is not transferred."""
    with changing(transfer, by) as draft:
        row = DraftRow.objects.get(transfer=draft, number=number)
        if draft.state == State.DRAFT and row.status != DraftRow.Status.CLEARED:
            row.status, row.problems, row.impact = DraftRow.Status.CLEARED, [], None
            row.save()
            note_change(draft, by, address, "row-cleared", row)


def note_change(draft: Transfer, by: User, address: str | None, kind: str, row: DraftRow) -> None:
    details = {"row": row.number, "from_text": shown(row.from_text), "to_text": shown(row.to_text)}
    record(kind, tenant_id=draft.tenant_id, by=by, address=address, transfer_id=draft.pk, **details)


def swap_direction(*, by: User, transfer: Transfer, address: str | None = None) -> None:
    """Source and target change places in every row. The file's names then say nothing any more."""
    with changing(transfer, by) as draft:
        if draft.state != State.DRAFT:
            return
        for row in draft.rows.all():
            status = row.status
            row.first_name = row.last_name = ""
            put(row, row.to_text, row.from_text)
            if status == DraftRow.Status.CLEARED:
                DraftRow.objects.filter(pk=row.pk).update(status=status)
        record("direction-swapped", tenant_id=draft.tenant_id, by=by, address=address, transfer_id=draft.pk)


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
