"""The content of the preview of an uploaded file: counts, and rows with the users they name.

It is read from the results that were stored when the file or one of its rows last changed. Names of users come from the
database, never from the file, and only of users in the person's views.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.people.search import matching
from accounts.scope import visible_users
from transfers.models import DraftRow, Transfer
from transfers.people_csv import FROM_USER_ID, IDENTITY, TO_USER_ID
from transfers.planning.background_counts import CAN_RUN
from transfers.planning.planned import is_repeated
from transfers.planning.problem_groups import with_problem
from transfers.validation import problem_kinds
from wording.problems import Problem, Severity

Status = DraftRow.Status
ALL = "all"
FILTERS = (ALL, *Status)  # all selected rows, or those with this status


@dataclass(frozen=True)
class Summary:
    """Numbers of rows: `read` = `blank` + `cleared` + `selected`, and `selected` = `ready` + `warnings` + `errors`.

    `repeated` of the rows with warnings repeat the pair of an earlier row, so that `pairs` are transferred.
    A draft without a file was created from an earlier transfer. `retry_of` is the number of that transfer if the draft
    retries its pairs, `late_of` if the draft moves its late arrivals.
    """

    read: int
    blank: int
    cleared: int
    ready: int
    warnings: int
    errors: int
    repeated: int
    encoding: str
    delimiter: str
    retry_of: int | None
    late_of: int | None
    pasted: bool
    problems: tuple[Problem, ...]

    @property
    def made_of(self) -> int | None:
        return self.retry_of or self.late_of

    @property
    def selected(self) -> int:
        return self.ready + self.warnings + self.errors

    @property
    def pairs(self) -> int:
        return self.ready + self.warnings - self.repeated


def summary_of(draft: Transfer) -> Summary:
    repeated = with_problem(problem_kinds.REPEATED.code) & Q(status=Status.WARNING)
    rows = DraftRow.objects.filter(transfer=draft).aggregate(
        repeated=Count("id", filter=repeated),
        cleared=Count("id", filter=Q(status=Status.CLEARED)),
        ready=Count("id", filter=Q(status=Status.READY)),
        warnings=Count("id", filter=Q(status=Status.WARNING)),
        errors=Count("id", filter=Q(status=Status.ERROR)),
    )
    file = draft.file_summary
    return Summary(
        **rows,
        read=file.get("read", sum(rows.values()) - rows["repeated"]),
        blank=file.get("blank", 0),
        encoding=file.get("encoding", ""),
        delimiter=file.get("delimiter", ""),
        retry_of=file.get("retry_of"),
        late_of=file.get("late_of"),
        pasted=file.get("pasted", False),
        problems=tuple(about_file(file.get("problems", ()))),
    )


def about_file(problems: Iterable[dict[str, Any]]) -> Iterable[Problem]:
    """Return the problems of the file without duplicates: the reader and the validation may report the same one."""
    by_sentence = {problem["sentence"]: problem for problem in problems}
    return map(Problem.from_json, by_sentence.values())


def selected_rows(
    draft: Transfer,
    person: User,
    *,
    status: str = ALL,
    problem: str = "",
    search: str = "",
    also: int | None = None,
) -> QuerySet[DraftRow]:
    """Return the selected rows in the order of the file, filtered by status, by the code of a problem that they show,
    and by a user's ID or name.

    Cleared rows are not selected and are listed only with the status "cleared". `also` is the number of a row that was
    just edited: it stays in the list even if the filter no longer matches it.
    """
    wanted = ~Q(status=Status.CLEARED) if status == ALL else Q(status=status)
    if problem:
        wanted &= with_problem(problem)
    if search:
        wanted &= names(person, search)
    if also is not None:
        wanted |= Q(number=also) & (Q() if status == Status.CLEARED else ~Q(status=Status.CLEARED))
    return DraftRow.objects.filter(wanted, transfer=draft)


def names(person: User, search: str) -> Q:
    """Return a filter for rows with a cell that contains the search text or the ID of a visible user who matches it."""
    users = matching(visible_users(person), search.split()).order_by().values("id")
    cells = Q(from_text__icontains=search) | Q(to_text__icontains=search)
    return cells | Q(from_id__in=users) | Q(to_id__in=users)


@dataclass(frozen=True)
class Line:
    """A row of the table. `source` or `target` is None if the person can see no user with that ID.

    `shared` maps the codes of the problems that are said once for all rows to the marks that stand in the rows.
    """

    row: DraftRow
    source: User | None
    target: User | None
    problems: tuple[Problem, ...]
    shared: Mapping[str, str]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def shown_problems(self) -> tuple[Problem, ...]:
        """The errors if there are any, otherwise all problems."""
        return self.errors or self.problems

    @property
    def marks(self) -> tuple[Problem, ...]:
        """The shown problems that the row only marks."""
        return tuple(problem for problem in self.shown_problems if problem.code in self.shared)

    @property
    def said(self) -> tuple[Problem, ...]:
        """The shown problems that the row says in full."""
        return tuple(problem for problem in self.shown_problems if problem.code not in self.shared)

    @property
    def is_cleared(self) -> bool:
        return self.row.status == Status.CLEARED

    @property
    def is_busy(self) -> bool:
        """True if one of the users was in an open transfer when the row was checked."""
        return any(problem.code == problem_kinds.BUSY.code for problem in self.problems)

    @property
    def misnamed(self) -> User | None:
        """The user whose ID is in the row although its texts are those of another. The person may confirm the ID."""
        for problem in self.errors:
            if problem.code == problem_kinds.MISSORTED.code:
                return self.source if problem.column == FROM_USER_ID else self.target
        return None

    @property
    def suggestions(self) -> tuple[Problem, ...]:
        """The errors whose suggested user can replace the one in the row. A row is not given the same user twice."""
        return tuple(
            problem
            for problem in self.errors
            if problem.suggestion and problem.suggestion not in (self.row.from_id, self.row.to_id)
        )

    @property
    def swap_helps(self) -> bool:
        """True if the names in the row are those of the user in its other ID column, so that swapping makes them fit.

        Also if the row has no names, no error, and only its target is inactive: users who have left are usually
        sources.
        """
        for problem in self.errors:
            if problem.code == problem_kinds.MISSORTED.code:
                other = self.row.to_id if problem.column == FROM_USER_ID else self.row.from_id
                return problem.suggestion is not None and problem.suggestion == other
        if self.errors or any(getattr(self.row, field) for field in IDENTITY.values()):
            return False
        return bool(self.source and self.target and self.source.is_active and not self.target.is_active)

    @property
    def can_run(self) -> bool:
        """True unless the row is cleared, has an error or repeats an earlier row."""
        return self.row.status in CAN_RUN and not is_repeated(self.problems)

    @property
    def edits_source(self) -> bool:
        """True if the From User ID has to be corrected."""
        return self.row.from_id is None or any(problem.column == FROM_USER_ID for problem in self.errors)


def lines_of(
    person: User, rows: Iterable[DraftRow], *related: str, shared: Mapping[str, str] | None = None
) -> list[Line]:
    """Return the rows with their users. The users and their `related` objects are loaded in one query."""
    rows = list(rows)
    ids = {number for row in rows for number in (row.from_id, row.to_id) if number is not None}
    users = visible_users(person).select_related(*related).in_bulk(ids)
    return [
        Line(
            row,
            users.get(row.from_id),
            users.get(row.to_id),
            tuple(map(Problem.from_json, row.problems)),
            shared or {},
        )
        for row in rows
    ]


def names_hidden_users(draft: Transfer, person: User) -> bool:
    """Return whether a user has left the person's views since the check. The stored problems may name that user.

    Each ID that is not reported as unknown is looked up by primary key.
    """
    rows = DraftRow.objects.filter(transfer=draft).exclude(status=Status.CLEARED)
    lost = Q()
    for field, column in (("from_id", FROM_USER_ID), ("to_id", TO_USER_ID)):
        seen = visible_users(person).filter(pk=OuterRef(field))
        reported = Q(problems__contains=[{"code": problem_kinds.UNKNOWN_USER.code, "column": column}])
        lost |= Q(**{f"{field}__isnull": False}) & ~reported & ~Q(Exists(seen))
    return rows.filter(lost).exists()


def first_ready(draft: Transfer, person: User) -> Line | None:
    """Return the first row without an error, or None. Its direction is shown in words as an example."""
    rows = DraftRow.objects.filter(transfer=draft, status__in=(Status.READY, Status.WARNING))[:1]
    return next(iter(lines_of(person, rows)), None)
