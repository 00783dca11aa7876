"""The contents of all downloads, as tables for both the pages and the command line.

Writing a table as CSV or as a workbook escapes cells that a spreadsheet would run as formulas.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import TypeVar

from django.db.models import Count, Max, QuerySet

from accounts.models import User
from accounts.people.audit_redaction import as_seen
from accounts.scope import visible_users
from audit import log as audit_log
from audit.models import AuditEvent
from spreadsheets.safe_cells import SIGN, safe_cell
from spreadsheets.writer import Table
from transfers.models import DraftRow, PairState, Transfer, TransferPair
from transfers.models.pair import NOT_TRANSFERRED
from transfers.people_csv import COLUMNS, EMPLOYEE_ID, IDENTITY, PREVIEW, RESULT, ROW
from transfers.planning.preview import Line, lines_of
from transfers.planning.undo.impact import undo_line
from transfers.registry import by_key, data_types
from transfers.results.progress import lines_of_pair
from transfers.results.undo import left_records, records_in_words
from transfers.validation.problem_kinds import MISSORTED

BATCH = 2000
Row = Sequence[object]
T = TypeVar("T")

# --- Before a transfer -----------------------------------------------------------------------------------------------


def export_people(*, by: User, address: str | None = None) -> Table:
    """Return all active and inactive users in the person's views, for people.csv or people.xlsx.

    Records an audit event.
    """
    users = visible_users(by)
    count = users.aggregate(users=Count("pk"), last_employee_id=Max("employee_id"))
    audit_log.record("users-exported", tenant_id=by.tenant_id, by=by, address=address, users=count["users"])
    return Table(*user_table(users, employee_ids=bool(count["last_employee_id"])))


USER_FIELDS = ("id", "first_name", "last_name", "username", "email", "is_active", "team__name", "employee_id")


def user_table(users: QuerySet[User], *, employee_ids: bool) -> tuple[Sequence[str], Iterator[Row]]:
    """Return the header and the rows of people.csv. Tenants without employee IDs have no column for them."""
    return (
        ((*COLUMNS, EMPLOYEE_ID), user_rows(users))
        if employee_ids
        else (COLUMNS, (row[:-1] for row in user_rows(users)))
    )


def user_rows(users: QuerySet[User]) -> Iterator[Row]:
    rows = users.order_by("pk").values_list(*USER_FIELDS).iterator(chunk_size=BATCH)
    for number, first, last, username, email, active, team, employee_id in rows:
        yield number, "", first, last, username, email, yes_or_no(active), team, employee_id


def yes_or_no(active: bool) -> str:
    return "Yes" if active else "No"


def user_cells(user: User | None) -> Row:
    """Return the cells of people.csv after the two IDs. They are empty for a user outside the person's views."""
    if user is None:
        return [""] * (len(COLUMNS) - 2)
    team = user.team.name if user.team else ""
    return user.first_name, user.last_name, user.username, user.email, yes_or_no(user.is_active), team


def draft_errors_table(person: User, draft: Transfer) -> Table:
    """Return the rows that have errors, with the columns of people.csv and a Result column that lists the errors.

    The columns Row and Preview lead the corrected rows back into this preview.
    """
    rows = DraftRow.objects.filter(transfer=draft, status=DraftRow.Status.ERROR)
    return Table((ROW, *COLUMNS, RESULT, PREVIEW), draft_error_rows(person, draft, rows))


def draft_error_rows(person: User, draft: Transfer, rows: QuerySet[DraftRow]) -> Iterator[Row]:
    for batch in batches(rows.iterator(chunk_size=BATCH)):
        for line in lines_of(person, batch, "team"):
            result = " ".join(f"{problem.sentence} {problem.remedy}".strip() for problem in line.errors)
            row = line.row
            ids = row.from_id or row.from_text, row.to_id or row.to_text
            yield row.number, *ids, *error_cells(line), result, draft.number


def error_cells(line: Line) -> Row:
    """Return the cells after the two IDs. A row that names another user keeps its names: they are the evidence."""
    names = [getattr(line.row, IDENTITY[column]) for column in COLUMNS if column in IDENTITY]
    if any(problem.code == MISSORTED.code for problem in line.errors):
        return *names, *user_cells(line.source)[len(names) :]
    return user_cells(line.source)


def batches(rows: Iterator[T]) -> Iterator[list[T]]:
    """Yield lists of at most `BATCH` rows, so that the users of each list can be found in one query."""
    while batch := list(islice(rows, BATCH)):
        yield batch


# --- After a transfer ------------------------------------------------------------------------------------------------

PAIR_COLUMNS = ("Transfer", "Row", "From User ID", "From User", "To User ID", "To User", "Result")
ERROR_COLUMNS = (
    *PAIR_COLUMNS,
    *("Reason code", "Reason", "What to do", "Data type", "Attempts", "Started", "Finished", "Requested by"),
)
COUNTED = ("moved", "dropped", "merged", "deleted", "children of dropped or merged")
UNDONE = ("given back", "restored", "changed back", "left", "stay")


def pair_cells(pair: TransferPair, transfer: Transfer) -> Row:
    ids = (
        transfer.number,
        pair.row_number,
        pair.source_id,
        pair.source_name,
        pair.target_id,
        pair.target_name,
    )
    return *ids, pair.result


def reason_cells(pair: TransferPair) -> Row:
    """Return code, reason, remedy and data type. A pair that was not started may have no stored reason."""
    if pair.state == PairState.NOT_STARTED and not pair.reason:
        return (
            "not-started",
            "The transfer ended before this pair was started. Nothing was changed for this pair.",
            "Retry this pair.",
            "",
        )
    return pair.code, pair.reason, pair.remedy, data_type_name(pair.data_type)


def time_cells(pair: TransferPair, transfer: Transfer) -> Row:
    return pair.attempts, timestamp(pair.started_at), timestamp(pair.finished_at), transfer.requested_by_name


def timestamp(at: datetime | None) -> str:
    return at.isoformat(sep=" ", timespec="seconds") if at else ""


def data_type_name(key: str) -> str:
    """Return the data type's name, or its key if no installed app declares it any more."""
    try:
        return by_key(key).name if key else ""
    except KeyError:
        return key


def iterate_pairs(transfer: Transfer, *states: PairState) -> Iterator[TransferPair]:
    pairs = TransferPair.objects.filter(transfer=transfer)
    return (pairs.filter(state__in=states) if states else pairs).iterator(chunk_size=BATCH)


def errors_table(transfer: Transfer) -> Table:
    return Table(
        ERROR_COLUMNS,
        (
            (*pair_cells(pair, transfer), *reason_cells(pair), *time_cells(pair, transfer))
            for pair in iterate_pairs(transfer, *NOT_TRANSFERRED)
        ),
    )


LEFT_COLUMNS = (*PAIR_COLUMNS, "Data type", "Table", "Record", "Why it was left")


def left_table(person: User, transfer: Transfer) -> Table:
    """Return the records that an undo left as they are, each with its pair."""
    conflicts = left_records(transfer).iterator(chunk_size=BATCH)
    return Table(
        LEFT_COLUMNS,
        (
            (
                *pair_cells(left.conflict.pair, transfer),
                left.data_type,
                left.conflict.table,
                left.name,
                left.why,
            )
            for left in records_in_words(conflicts, person)
        ),
    )


def undo_log_table(transfer: Transfer) -> Table:
    types = tuple(f"{entry.name}: {word}" for entry in data_types() for word in UNDONE)
    return Table(
        (*ERROR_COLUMNS, *types),
        (
            (*pair_cells(pair, transfer), *log_reason(pair), *time_cells(pair, transfer), *undo_cells(pair))
            for pair in iterate_pairs(transfer)
        ),
    )


def undo_cells(pair: TransferPair) -> Iterator[int]:
    for entry in data_types():
        line = undo_line(entry, pair.counts.get(entry.key, {}))
        yield from (
            line.returned,
            line.restored + line.children,
            line.reverted + line.added,
            line.left,
            line.stays,
        )


def log_table(transfer: Transfer) -> Table:
    if transfer.is_undo:
        return undo_log_table(transfer)
    types = tuple(f"{entry.name}: {word}" for entry in data_types() for word in COUNTED)
    return Table(
        (*ERROR_COLUMNS, *types),
        (
            (*pair_cells(pair, transfer), *log_reason(pair), *time_cells(pair, transfer), *count_cells(pair))
            for pair in iterate_pairs(transfer)
        ),
    )


def log_reason(pair: TransferPair) -> Row:
    return reason_cells(pair) if pair.state in NOT_TRANSFERRED else ("", "", "", "")


def count_cells(pair: TransferPair) -> Iterator[int]:
    for line in lines_of_pair(pair):
        yield from (line.moved, line.dropped, line.merged, line.deleted, line.dropped_children)


def retry_table(person: User, transfer: Transfer) -> Table:
    """Return the pairs that were not transferred as a people.csv, which can be edited and uploaded."""
    return Table(COLUMNS, retry_rows(person, transfer))


def retry_rows(person: User, transfer: Transfer) -> Iterator[Row]:
    for batch in batches(iterate_pairs(transfer, *NOT_TRANSFERRED)):
        sources = visible_users(person).select_related("team").in_bulk([pair.source_id for pair in batch])
        for pair in batch:
            yield pair.source_id, pair.target_id, *user_cells(sources.get(pair.source_id))


# --- The audit log ---------------------------------------------------------------------------------------------------

AUDIT_COLUMNS = (
    "When (UTC)",
    "Kind",
    "Person ID",
    "Person",
    "Address",
    "Transfer",
    "What",
    "Details",
)


def audit_table(*, by: User, events: QuerySet[AuditEvent], address: str | None = None) -> Table:
    """Return the events up to now, newest first, and record the download as another audit event."""
    last = events.aggregate(last=Max("pk"), count=Count("pk"))
    audit_log.record(
        "audit-log-downloaded", tenant_id=by.tenant_id, by=by, address=address, events=last["count"]
    )
    taken = events.filter(pk__lte=last["last"] or 0)
    seen = (as_seen(by, batch) for batch in batches(taken.iterator(chunk_size=BATCH)))
    return Table(AUDIT_COLUMNS, map(event_cells, chain.from_iterable(seen)))


JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"')


def details_cell(details: dict[str, object]) -> str:
    """Return the details as JSON, in which strings with a formula have their signs escaped.

    The mark of `safe_cell` would make the JSON invalid.
    """
    return JSON_STRING.sub(escaped, json.dumps(details, ensure_ascii=False))


def escaped(string: re.Match[str]) -> str:
    text = string[0]
    if safe_cell(text) == text:
        return text
    return SIGN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def event_cells(event: AuditEvent) -> Row:
    actor = event.actor_id, event.actor_name
    subject = event.transfer_number, audit_log.sentence(event), details_cell(event.details)
    return event.at.isoformat(sep=" ", timespec="microseconds"), event.kind, *actor, event.address, *subject
