"""The preview of an uploaded file: what each row would do, and putting rows right before anything runs."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.paginator import Page
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.client import address_of
from accounts.doors import Request, requires
from accounts.models import User
from accounts.paging import page_of, query_without, rows_per_page, search_text
from accounts.permissions import Permission
from transfers import actions
from transfers.counting import counted_of
from transfers.doors import access_transfer, visible_busy
from transfers.models import DraftRow, State, Transfer
from transfers.preview import (
    FILTERS,
    Line,
    Status,
    Summary,
    error_groups,
    first_ready,
    lines_of,
    selected_rows,
    summary_of,
    tells_too_much,
)
from transfers.problems import Severity
from transfers.views.bulk import lead_to, running_bulk

LONGEST_CELL = 200


def of_draft(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hands the person's draft to the page. One that has run meanwhile leads to its own page, from every tab."""

    @wraps(view)
    def page(request: Request, transfer_id: int, **kwargs: Any) -> HttpResponse:
        transfer = access_transfer(request.user, transfer_id)
        if transfer.state == State.DISCARDED:
            return lead_to(request, reverse("transfers:bulk"))
        if transfer.state != State.DRAFT or not transfer.is_bulk:
            return lead_to(request, reverse("transfers:transfer-detail", args=[transfer_id]))
        return view(request, as_judged_now(request.user, transfer), **kwargs)

    return page


def as_judged_now(person: User, draft: Transfer) -> Transfer:
    """The draft, judged again if it would tell of somebody who has left the person's view since it was judged."""
    if tells_too_much(draft, person):
        actions.check_again(by=person, transfer=draft)
        draft.refresh_from_db()
    return draft


@require_safe
@requires(Permission.TRANSFER_BULK)
@of_draft
def preview(request: Request, draft: Transfer) -> HttpResponse:
    return render(request, "transfers/preview.html", contents(request, draft))


@require_POST
@requires(Permission.TRANSFER_BULK)
@of_draft
def preview_row(request: Request, draft: Transfer, number: int) -> HttpResponse:
    """Puts a row right, clears it, takes it back or checks it again. Every row of the file is judged again."""
    if not DraftRow.objects.filter(transfer=draft, number=number).exists():
        raise Http404("No such row.")
    if "clear" in request.POST:
        actions.clear_row(by=request.user, transfer=draft, number=number, address=address_of(request))
    elif "restore" in request.POST:
        actions.restore_row(by=request.user, transfer=draft, number=number, address=address_of(request))
    elif "check" in request.POST:
        actions.check_again(by=request.user, transfer=draft)
    else:
        fix(request, draft, number)
    return show_again(request, draft, number)


def fix(request: Request, draft: Transfer, number: int) -> None:
    cells = {name: typed(request.POST, name) for name in ("to_text", "from_text") if name in request.POST}
    if "to_text" not in cells:
        cells["to_text"] = DraftRow.objects.get(transfer=draft, number=number).to_text
    actions.fix_row(by=request.user, transfer=draft, number=number, address=address_of(request), **cells)


def typed(post: QueryDict, name: str) -> str:
    """What was typed into a cell, as much of it as is kept; PostgreSQL knows no text with NUL in it."""
    return str(post[name]).replace("\0", "")[:LONGEST_CELL]


def show_again(request: Request, draft: Transfer, number: int) -> HttpResponse:
    """The same page of the same list, with the row that was worked on still in it."""
    if not request.htmx:
        query = request.GET.urlencode()
        return redirect(f"{reverse('transfers:preview', args=[draft.pk])}?{query}#row-{number}")
    draft.refresh_from_db()
    context = contents(request, draft, worked_on=number)
    row = DraftRow.objects.get(transfer=draft, number=number)
    context["announce"] = announcement(context["summary"], row)
    if row.status == Status.CLEARED:
        context["focus"] = neighbour(context["lines"], number)
    elif "swap" in request.POST or ("check" in request.POST and not is_still_busy(context["lines"], number)):
        context["focus"] = number  # the button that was pressed has gone
    return render(request, "transfers/preview.html#preview", context)


def is_still_busy(lines: list[Line], number: int) -> bool:
    return any(line.is_busy for line in lines if line.row.number == number)


def neighbour(lines: list[Line], number: int) -> int:
    """The row that takes the focus when its neighbour has gone; 0 when no row is left, for the heading."""
    after = (line.row.number for line in lines if line.row.number > number)
    return next(after, lines[-1].row.number if lines else 0)


def announcement(summary: Summary, row: DraftRow) -> str:
    """For those who listen: what became of the row, and where the file stands."""
    rest = ", ".join(f"{link['count']:,} {link['word']}" for link in filter_links(summary))
    return f"Row {row.number}: {row.get_status_display()}. {rest or 'No rows selected'}."


@require_POST
@requires(Permission.TRANSFER_BULK)
@of_draft
def preview_direction(request: Request, draft: Transfer) -> HttpResponse:
    """Source and target change places in every row."""
    actions.swap_direction(by=request.user, transfer=draft, address=address_of(request))
    return redirect("transfers:preview", draft.pk)


@require_POST
@requires(Permission.TRANSFER_BULK)
@of_draft
def preview_discard(request: Request, draft: Transfer) -> HttpResponse:
    actions.discard(by=request.user, transfer=draft, address=address_of(request))
    return redirect("transfers:bulk")


def contents(request: Request, draft: Transfer, worked_on: int | None = None) -> dict[str, Any]:
    """Everything the page shows; the number of queries does not depend on the number of rows."""
    summary, running = summary_of(draft), running_bulk(request.user)
    page = page_of_rows(request, draft, worked_on)
    lines = lines_of(request.user, page.object_list)
    return {
        "draft": draft,
        "summary": summary,
        "counted": counted_of(draft),
        "filter": chosen_filter(request),
        "filters": filter_links(summary),
        "search": search_text(request),
        "page": page,
        "lines": lines,
        "busy": busy_in(request.user, lines),
        "groups": error_groups(draft) if summary.errors else (),
        "first": first_ready(draft, request.user),
        "running": running,
        "blocked": reason_not_to_run(summary, running),
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows", "row"),
        "unfiltered": query_without(request, "page", "row", "filter"),
        "here": here(request, page),
    }


def busy_in(person: User, lines: list[Line]) -> dict[str, int]:
    """The open transfers in which users of these lines are busy, as far as the person may see them."""
    users = {user for line in lines if line.is_busy for user in (line.row.from_id, line.row.to_id)}
    return visible_busy(person, users) if users else {}


def page_of_rows(request: Request, draft: Transfer, worked_on: int | None) -> Page:
    """`row` of the URL asks for the page that holds that row, among all rows."""
    if number := wanted_row(request):
        rows = selected_rows(draft, request.user)
        before = rows.filter(number__lt=number).count()
        return page_of(request, rows, number=before // rows_per_page(request) + 1)
    chosen = {"status": chosen_filter(request), "search": search_text(request)}
    return page_of(request, selected_rows(draft, request.user, **chosen, also=worked_on))


def wanted_row(request: Request) -> int:
    """0 where the URL asks for none, or for what is no number of a row."""
    number = request.GET.get("row", "")
    return int(number) if number.isdecimal() and len(number) < 10 else 0


def here(request: Request, page: Page) -> str:
    """The query that shows this page of this list again."""
    if not wanted_row(request):
        return query_without(request, "row")
    others = query_without(request, "row", "page", "filter", "q")
    return "&".join(filter(None, (others, f"page={page.number}")))


def chosen_filter(request: Request) -> str:
    wanted = request.GET.get("filter", "")
    return wanted if wanted in FILTERS and not wanted_row(request) else ""


def filter_links(summary: Summary) -> list[dict[str, Any]]:
    """The counts that are links to just those rows."""
    counts = {
        Status.READY: summary.ready,
        Status.WARNING: summary.warnings,
        Status.ERROR: summary.errors,
        Status.CLEARED: summary.cleared,
    }
    return [
        {"status": status.value, "count": count, "word": word_of(status, count)}
        for status, count in counts.items()
        if count
    ]


def word_of(status: DraftRow.Status, count: int) -> str:
    word = status.label.lower()
    return f"{word}s" if count != 1 and status in (Status.WARNING, Status.ERROR) else word


def reason_not_to_run(summary: Summary, running: Any) -> str:
    """Why Run Transfer is off, and what to do; "" when it can be pressed."""
    for problem in summary.problems:
        if problem.severity is Severity.ERROR:
            return f"{problem.sentence} {problem.remedy}"
    if summary.errors:
        if summary.errors == 1:
            return "1 row has an error. Fix or clear it first."
        return f"{summary.errors:,} rows have errors. Fix or clear them first."
    if not summary.selected:
        return "No users are selected. Fill in To User ID in people.csv, then upload it again."
    if running:
        return "A bulk transfer is running. You can prepare this one and start it when that one has ended."
    return ""
