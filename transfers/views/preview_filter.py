"""Which rows of a preview the URL requests, and the query strings of other lists of rows."""

import re
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page

from accounts.access import Request
from transfers.planning.preview import ALL, FILTERS, Status, Summary
from web.paging import search_text
from wording.phrases import counted

PROBLEM_CODE = re.compile(r"[a-z0-9-]{1,50}")


@dataclass(frozen=True)
class RowFilter:
    """What the listed rows have in common: the status ("all": any), the code of a problem, and the search text."""

    status: str = ALL
    problem: str = ""
    search: str = ""


def row_filter(request: Request, summary: Summary) -> RowFilter:
    """Return the requested filter. Without one, rows with errors are listed, or all rows if there are no errors.

    A request for one row lists all rows around it.
    """
    if requested_row(request):
        return RowFilter()
    code, search = request.GET.get("problem", ""), search_text(request)
    problem = code if PROBLEM_CODE.fullmatch(code) else ""
    status = request.GET.get("filter", "")
    if status not in FILTERS:
        status = Status.ERROR if summary.errors and not (problem or search) else ALL
    return RowFilter(status, problem, search)


def requested_row(request: Request) -> int:
    """Return the row number in the URL, or 0 if it is missing or invalid."""
    number = request.GET.get("row", "")
    return int(number) if number.isdecimal() and len(number) < 10 else 0


def filter_query(request: Request, chosen: RowFilter, *without: str) -> str:
    """Return the query string of the request without these parameters, with the filter that applies."""
    query = request.GET.copy()
    dropped = ("row", "q", "problem") if requested_row(request) else ()
    for name in (*without, *dropped):
        query.pop(name, None)
    query["filter"] = chosen.status
    return query.urlencode()


def current_query(request: Request, chosen: RowFilter, page: Page) -> str:
    """Return the query string that shows this page of the list again."""
    query = filter_query(request, chosen)
    return f"{query}&page={page.number}" if requested_row(request) else query


def count_words(summary: Summary) -> list[str]:
    """Return the number of rows for each status that rows have, such as "2 rows with errors"."""
    counts = (
        (summary.ready, "without warnings"),
        (summary.warnings, "with warnings"),
        (summary.errors, "with errors"),
        (summary.cleared, "cleared"),
    )
    return [f"{counted(count, 'row')} {words}" for count, words in counts if count]


def tabs(summary: Summary, chosen: RowFilter) -> list[dict[str, Any]]:
    """Return the links to the lists of rows by status. There is one for cleared rows only if there are any."""
    counts = [
        (Status.ERROR.value, "Errors", summary.errors),
        (Status.WARNING.value, "Warnings", summary.warnings),
        (Status.READY.value, "No warnings", summary.ready),
        (ALL, "All", summary.selected),
    ]
    if summary.cleared or chosen.status == Status.CLEARED:
        counts.append((Status.CLEARED.value, "Cleared", summary.cleared))
    current = "" if chosen.problem else chosen.status
    return [
        {"status": status, "word": word, "count": count, "is_current": status == current}
        for status, word, count in counts
    ]
