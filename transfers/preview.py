"""What the preview of an uploaded file shows: counts, kinds of errors, rows with the people they name.

Reads what was judged and stored when the file, or one row of it, last changed. Names come from the database and only
from the person's view, never from the file.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.scope import visible_users
from accounts.search import matching
from transfers.counting import CAN_RUN
from transfers.models import DraftRow, Transfer
from transfers.people_csv import FROM_USER_ID, TO_USER_ID
from transfers.plan import is_repeated
from transfers.problems import Problem, Severity
from transfers.validation import kinds

Status = DraftRow.Status
FILTERS = ("", *Status)  # what may be listed: all selected rows, or those of one status


@dataclass(frozen=True)
class Summary:
    """Numbers of rows: `read` = `blank` + `cleared` + `selected`, and `selected` = `ready` + `warnings` + `errors`.

    `retry_of` is the transfer whose failed pairs these are, `late_of` the one whose late arrivals; without a file.
    """

    read: int
    blank: int
    cleared: int
    ready: int
    warnings: int
    errors: int
    encoding: str
    delimiter: str
    retry_of: int | None
    late_of: int | None
    problems: tuple[Problem, ...]

    @property
    def made_of(self) -> int | None:
        return self.retry_of or self.late_of

    @property
    def selected(self) -> int:
        return self.ready + self.warnings + self.errors


def summary_of(draft: Transfer) -> Summary:
    rows = DraftRow.objects.filter(transfer=draft).aggregate(
        cleared=Count("id", filter=Q(status=Status.CLEARED)),
        ready=Count("id", filter=Q(status=Status.READY)),
        warnings=Count("id", filter=Q(status=Status.WARNING)),
        errors=Count("id", filter=Q(status=Status.ERROR)),
    )
    file = draft.file_summary
    return Summary(
        **rows,
        read=file.get("read", sum(rows.values())),
        blank=file.get("blank", 0),
        encoding=file.get("encoding", ""),
        delimiter=file.get("delimiter", ""),
        retry_of=file.get("retry_of"),
        late_of=file.get("late_of"),
        problems=tuple(about_file(file.get("problems", ()))),
    )


def about_file(problems: Iterable[dict[str, Any]]) -> Iterable[Problem]:
    """Each sentence once: the reader and the validation may say the same."""
    by_sentence = {problem["sentence"]: problem for problem in problems}
    return map(Problem.from_json, by_sentence.values())


def selected_rows(
    draft: Transfer, person: User, *, status: str = "", search: str = "", also: int | None = None
) -> QuerySet[DraftRow]:
    """The selected rows in the order of the file; those of one status, those that name a user by id or name.

    Cleared rows are not selected: they are listed by their status alone. The row `also` is in the list whatever its
    status has become, so that it does not vanish under the hands.
    """
    wanted = Q(status=status) if status else ~Q(status=Status.CLEARED)
    if search:
        wanted &= names(person, search)
    if also is not None:
        wanted |= Q(number=also) & (Q() if status == Status.CLEARED else ~Q(status=Status.CLEARED))
    return DraftRow.objects.filter(wanted, transfer=draft)


def names(person: User, search: str) -> Q:
    """Over `DraftRow`: a cell is or holds the text, or a user of the person's view with such a name is meant."""
    users = matching(visible_users(person), search.split()).order_by().values("id")
    cells = Q(from_text__icontains=search) | Q(to_text__icontains=search)
    return cells | Q(from_id__in=users) | Q(to_id__in=users)


@dataclass(frozen=True)
class Line:
    """A row of the table, with the users that it names; None where there is no such user in the view."""

    row: DraftRow
    source: User | None
    target: User | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def told(self) -> tuple[Problem, ...]:
        """What is said beside the row: while something has to be put right, only that."""
        return self.errors or self.problems

    @property
    def is_cleared(self) -> bool:
        return self.row.status == Status.CLEARED

    @property
    def is_busy(self) -> bool:
        """Was one of the users part of an open transfer when the row was judged?"""
        return any(problem.code == kinds.BUSY.code for problem in self.problems)

    @property
    def looks_backwards(self) -> bool:
        """Who has left usually gives: an active source beside an inactive target may be the wrong way round."""
        return bool(self.source and self.target and self.source.is_active and not self.target.is_active)

    @property
    def can_run(self) -> bool:
        """Are there numbers of this row, or will there be?"""
        return self.row.status in CAN_RUN and not is_repeated(self.problems)

    @property
    def mends_source(self) -> bool:
        """Is there anything to put right in the From User ID?"""
        return self.row.from_id is None or any(problem.column == FROM_USER_ID for problem in self.errors)


def lines_of(person: User, rows: Iterable[DraftRow], *related: str) -> list[Line]:
    """One query for all the users of the rows, with what is `related` to them."""
    rows = list(rows)
    ids = {number for row in rows for number in (row.from_id, row.to_id) if number is not None}
    users = visible_users(person).select_related(*related).in_bulk(ids)
    return [
        Line(row, users.get(row.from_id), users.get(row.to_id), tuple(map(Problem.from_json, row.problems)))
        for row in rows
    ]


def tells_too_much(draft: Transfer, person: User) -> bool:
    """Has somebody left the person's view since the rows were judged? What is stored with them may name them then.

    Asked by the primary key of users, for each id of the file that is not said to be unknown.
    """
    rows = DraftRow.objects.filter(transfer=draft).exclude(status=Status.CLEARED)
    lost = Q()
    for field, column in (("from_id", FROM_USER_ID), ("to_id", TO_USER_ID)):
        seen = visible_users(person).filter(pk=OuterRef(field))
        said = Q(problems__contains=[{"code": kinds.UNKNOWN_USER.code, "column": column}])
        lost |= Q(**{f"{field}__isnull": False}) & ~said & ~Q(Exists(seen))
    return rows.filter(lost).exists()


@dataclass(frozen=True)
class ErrorGroup:
    """One kind of error: how many rows have it, the first of them, and what is said of the first."""

    count: int
    rows: Sequence[int]
    problem: Problem

    @property
    def more(self) -> int:
        return self.count - len(self.rows)


ROWS_NAMED = 10

# The errors of a draft by their code, the most frequent first, each with its first rows and the first one's words.
# Reads transfers_draftrow by its unique index on (transfer_id, number).
ERROR_GROUPS = """
SELECT count(DISTINCT number),
       (array_agg(DISTINCT number))[1:%s],
       (array_agg(problem ORDER BY number))[1]
FROM transfers_draftrow, jsonb_array_elements(problems) problem
WHERE transfer_id = %s AND status = 'error' AND problem->>'severity' = %s
GROUP BY problem->>'code'
ORDER BY count(DISTINCT number) DESC, min(number)
"""


def error_groups(draft: Transfer) -> list[ErrorGroup]:
    with connection.cursor() as cursor:
        cursor.execute(ERROR_GROUPS, [ROWS_NAMED, draft.pk, Severity.ERROR.value])
        return [
            ErrorGroup(count, rows, Problem.from_json(json.loads(first)))
            for count, rows, first in cursor.fetchall()
        ]


def first_ready(draft: Transfer, person: User) -> Line | None:
    """The row whose direction is said in words for the whole file: the first that could run."""
    rows = DraftRow.objects.filter(transfer=draft, status__in=(Status.READY, Status.WARNING))[:1]
    return next(iter(lines_of(person, rows)), None)
