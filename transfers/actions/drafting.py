"""Create drafts, from the form for one pair or from an uploaded file."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.scope import visible_users
from audit.log import record
from spreadsheets.problem_kinds import READ_AS
from spreadsheets.rejection import FileRejected
from spreadsheets.safe_cells import BLANKS
from transfers.actions.rechecking import recheck_draft
from transfers.models import DraftRow, Kind, State, Transfer
from transfers.models.draft import IDENTITY_LENGTH
from transfers.people_csv import IDENTITY, ParsedFile, Row, read
from transfers.planning.corrections import origin_of
from transfers.validation import (
    problem_kinds,
    suspicion,
    target_column,
    with_users,
    written_targets,
)
from wording.phrases import counted
from wording.problems import Problem, Sentence, shown

# A file with more selected rows is refused, because so many rows cannot be corrected by hand.
MAXIMUM_ROWS = 5_000
# Rows in which a look-up found no user do not count: they can be cleared all at once.
MAXIMUM_FORMULA_ROWS = 20_000
FEW_USERS = 50  # the number of rows is compared with that of the users only if the person sees more users
MAX_CELL_LENGTH = 200


def start_single(*, by: User, source_id: int, target_id: int, address: str | None = None) -> Transfer:
    """Return the person's draft for this pair, creating it if there is none."""
    with transaction.atomic(), locked_drafts(by) as drafts:
        pair = {"rows__from_id": source_id, "rows__to_id": target_id}
        if existing := drafts.filter(kind=Kind.SINGLE, keeps_target=False, **pair).first():
            return existing
        draft = new_draft(by, Kind.SINGLE)
        row = DraftRow(transfer=draft, number=1, from_id=source_id, to_id=target_id)
        row.from_text, row.to_text = str(source_id), str(target_id)
        row.save()
        recheck_draft(draft, by)
        return draft


@contextmanager
def locked_drafts(by: User) -> Iterator[QuerySet[Transfer]]:
    """Lock the person, so that concurrent requests cannot create a draft twice, and yield the person's drafts."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    yield Transfer.objects.filter(requested_by=by, state=State.DRAFT)


def new_draft(by: User, kind: Kind, **facts: object) -> Transfer:
    """Create a draft. Locks the person first: a batch may hold that row for a while, and a new number is held too."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    return Transfer.objects.create(
        tenant_id=by.tenant_id, kind=kind, requested_by=by, requested_by_name=by.name, **facts
    )


def upload(
    *, by: User, file_name: str, stream: BinaryIO, address: str | None = None, is_pasted: bool = False
) -> Transfer:
    """Create a draft from the selected rows of a people.csv. Raises `FileRejected` for an unusable file.

    is_pasted: the rows were pasted, so they need not list every user, and are not spoken of as a file.

    The file itself is not stored, only its selected rows, name, SHA-256 and a summary. A refused file leaves only an
    audit event.
    """
    try:
        parsed = read(stream)
        refuse_too_many(parsed.rows)
    except FileRejected as refused:
        reason = refused.problem.sentence
        kind = "rows-refused" if is_pasted else "file-refused"
        record(kind, tenant_id=by.tenant_id, by=by, address=address, reason=reason)
        raise
    with transaction.atomic():
        written = parsed.rows
        parsed.rows = with_users(by, written, code_page=parsed.code_page)
        draft = new_draft(
            by,
            Kind.BULK,
            file_name=shown(PurePosixPath(file_name.replace("\\", "/")).name),
            file_sha256=parsed.sha256,
            file_summary=file_summary(parsed, by, is_pasted=is_pasted) | suspicions(parsed, written),
        )
        create_rows(draft_row(draft, row) for row in parsed.rows)
        recheck_draft(draft, by)
        counts = {"rows_read": parsed.rows_read, "selected": len(parsed.rows)}
        record(
            "rows-pasted" if is_pasted else "file-uploaded",
            tenant_id=by.tenant_id,
            by=by,
            address=address,
            transfer_number=draft.number,
            file_name=draft.file_name,
            sha256=parsed.sha256,
            **counts,
        )
    return draft


def refuse_too_many(rows: Sequence[Row]) -> None:
    formulas = sum(row.found_nothing for row in rows)
    if len(rows) - formulas > MAXIMUM_ROWS:
        raise FileRejected(problem_kinds.TOO_MANY_ROWS(count=len(rows) - formulas))
    if formulas > MAXIMUM_FORMULA_ROWS:
        raise FileRejected(problem_kinds.TOO_MANY_FORMULAS(count=formulas))


def file_summary(parsed: ParsedFile, by: User, *, is_pasted: bool) -> dict[str, object]:
    corrects = origin_of(parsed.rows)
    is_part = is_pasted or corrects
    notes = [*parsed.notes, *(() if is_part else few_rows(parsed.rows_read, by))]
    return {
        "read": parsed.rows_read,
        "blank": parsed.blank,
        "empty": parsed.empty,
        "encoding": parsed.encoding,
        "delimiter": parsed.delimiter_word,
        "code_page": parsed.code_page,
        "pasted": is_pasted,
        "notes": [note.to_json() for note in notes if not (is_pasted and note.code == READ_AS.code)],
        "corrects": corrects,
    }


def suspicions(parsed: ParsedFile, written: Sequence[Row]) -> dict[str, object]:
    """Return the suspicion of the targets as `written` in the file, or else of the IDs that they were read as."""
    column, found = target_column(written), None
    for rows in (written, parsed.rows):
        targets = written_targets(rows)
        found = found or suspicion(targets, blank=parsed.blank, blank_above=parsed.blank_above, column=column)
    return {"suspicions": [found.to_json()] if found else []}


def few_rows(rows: int, by: User) -> Iterable[Problem]:
    """Yield a note if the file has less than half as many rows as the person sees users, as if it was cut off."""
    users = visible_users(by).count()
    if users > FEW_USERS and rows * 2 < users:
        yield problem_kinds.FEW_ROWS(rows=Sentence(counted(rows, "row")), users=users)


def draft_row(draft: Transfer, row: Row) -> DraftRow:
    return DraftRow(
        transfer=draft,
        number=row.number,
        from_text=storable(row.from_text),
        to_text=storable(row.to_text),
        from_id=row.from_id,
        to_id=row.to_id,
        **{field: storable_identity(getattr(row, field)) for field in IDENTITY.values()},
        cell_problems=[problem.to_json() for problem in row.problems],
    )


def create_rows(rows: Iterable[DraftRow]) -> None:
    DraftRow.objects.bulk_create(rows, batch_size=1000)


def storable_identity(text: str) -> str:
    """Return a name, user name, email or employee ID as it is stored: in full, because a part may fit another user.

    It is not trimmed: in a code page, what looks like a space can be a part of a letter.
    """
    return text.replace("\0", "\ufffd")[:IDENTITY_LENGTH]


def storable(text: str) -> str:
    """Return the text of a cell as it is stored: trimmed, shortened and without NUL, which PostgreSQL cannot store.

    NUL is replaced and not removed, because otherwise "1\\09" would become 19.
    """
    return text.strip(BLANKS).replace("\0", "\ufffd")[:MAX_CELL_LENGTH]
