"""Pagination from the URL parameters `page` and `rows`; invalid values fall back to defaults."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

ROWS_PER_PAGE = (10, 25, 50, 100)
ROWS = 25


def rows_per_page(request: HttpRequest) -> int:
    wanted = request.GET.get("rows", "")
    return next((rows for rows in ROWS_PER_PAGE if str(rows) == wanted), ROWS)


def page_of(request: HttpRequest, rows: "QuerySet[Any] | Sequence[Any]", number: int | None = None) -> Page:
    """Return page `number` or, if it is None, the page that the URL requests.

    If neither gives a number, return the first page. If the number is out of range, return the last page.
    """
    return Paginator(rows, rows_per_page(request)).get_page(number or request.GET.get("page"))


def query_without(request: HttpRequest, *names: str) -> str:
    """Return the URL's query string without these parameters, for example "state=failed", or ""."""
    query = request.GET.copy()
    for name in names:
        query.pop(name, None)
    return query.urlencode()


def search_text(request: HttpRequest) -> str:
    """Return the search text from the URL, cut to 200 characters, and without NUL, which PostgreSQL cannot store."""
    return request.GET.get("q", "").replace("\0", "").strip()[:200]
