"""Before the confirmation: a draft is made, from the form or from a file."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from transfers.actions.judging import judge_draft
from transfers.audit import record
from transfers.models import DraftRow, Kind, State, Transfer
from transfers.people_csv import FileRejected, ParsedFile, Row, read
from transfers.people_csv.safe_text import BLANKS
from transfers.problems import shown
from transfers.validation import kinds

# A file that selects more users than this is not opened for preview; nobody puts so many rows right by hand.
MAXIMUM_ROWS = 5_000
LONGEST_TEXT = 200


def start_single(*, by: User, source_id: int, target_id: int, address: str | None = None) -> Transfer:
    """The person's draft for this pair; the one they already have, when the form is sent twice."""
    with transaction.atomic(), drafts_one_by_one(by) as drafts:
        pair = {"rows__from_id": source_id, "rows__to_id": target_id}
        if existing := drafts.filter(kind=Kind.SINGLE, keeps_target=False, **pair).first():
            return existing
        draft = new_draft(by, Kind.SINGLE)
        row = DraftRow(transfer=draft, number=1, from_id=source_id, to_id=target_id)
        row.from_text, row.to_text = str(source_id), str(target_id)
        row.save()
        judge_draft(draft, by)
        return draft


@contextmanager
def drafts_one_by_one(by: User) -> Iterator[QuerySet[Transfer]]:
    """The person's drafts; whoever else would make one for them waits until the transaction has ended."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    yield Transfer.objects.filter(requested_by=by, state=State.DRAFT)


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
            file_name=shown(PurePosixPath(file_name.replace("\\", "/")).name),
            file_sha256=parsed.sha256,
            file_summary=summary_of(parsed),
        )
        store(row_of(draft, row) for row in parsed.rows)
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


def row_of(draft: Transfer, row: Row) -> DraftRow:
    return DraftRow(
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


def store(rows: Iterable[DraftRow]) -> None:
    DraftRow.objects.bulk_create(rows, batch_size=1000)


def kept(text: str) -> str:
    """As much of a cell as is stored. PostgreSQL knows no text with NUL in it, and "1\\09" must not become 19."""
    return text.strip(BLANKS).replace("\0", "\ufffd")[:LONGEST_TEXT]
