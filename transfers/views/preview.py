"""The preview of an uploaded file, which shows what each row would do and allows corrections before the transfer."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.paginator import Page
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import Request, requires
from accounts.models import User
from accounts.permissions import Permission
from transfers import actions
from transfers.access import access_transfer, visible_busy
from transfers.models import State, Transfer
from transfers.planning.background_counts import CountingProgress, counting_progress, has_old_counts
from transfers.planning.corrections import correction_of
from transfers.planning.preview import (
    Line,
    Summary,
    first_ready,
    lines_of,
    names_hidden_users,
    selected_rows,
    summary_of,
)
from transfers.planning.problem_groups import ProblemGroup, marks_of, problem_groups
from transfers.results.rehearsal import rehearsed
from transfers.views.bulk import redirect_to, running_bulk
from transfers.views.preview_filter import (
    RowFilter,
    current_query,
    filter_query,
    requested_row,
    row_filter,
    tabs,
)
from web.client_address import address_of
from web.paging import page_of, query_without, rows_per_page
from web.post_only import post_only
from wording.phrases import counted as counted_phrase
from wording.problems import Severity

RECOUNTED = (
    "Some of these users were in another transfer after the numbers were counted, so they are counted again."
)
STILL_COUNTING = "The records are still being counted."


def draft_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view to receive a bulk draft of the person instead of its ID.

    If it was discarded, redirect to the page of bulk transfers. If it was confirmed, redirect to its own page.
    """

    @wraps(view)
    def page(request: Request, transfer_number: int, **kwargs: Any) -> HttpResponse:
        transfer = access_transfer(request.user, transfer_number)
        if transfer.state == State.DISCARDED:
            return redirect_to(request, reverse("transfers:bulk"))
        if transfer.state != State.DRAFT or not transfer.is_bulk:
            return redirect_to(request, reverse("transfers:transfer-detail", args=[transfer_number]))
        draft = recheck_if_out_of_view(request.user, transfer)
        return view(request, recount_if_old(request, draft), **kwargs)

    return page


def recheck_if_out_of_view(person: User, draft: Transfer) -> Transfer:
    """Return the draft, rechecked if its stored results may name users who have left the person's views."""
    if names_hidden_users(draft, person):
        actions.check_again(by=person, transfer=draft)
        draft.refresh_from_db()
    return draft


def recount_if_old(request: Request, draft: Transfer) -> Transfer:
    """Return the draft. If its users were in another transfer since, its records are counted again."""
    if has_old_counts(draft):
        actions.count_again(by=request.user, transfer=draft)
        draft.refresh_from_db()
        if not request.htmx:
            messages.info(request, RECOUNTED)
    return draft


@require_safe
@requires(Permission.TRANSFER_BULK)
@draft_view
def preview(request: Request, draft: Transfer) -> HttpResponse:
    return render(request, "transfers/preview.html", preview_context(request, draft))


@post_only
@requires(Permission.TRANSFER_BULK)
@draft_view
def preview_direction(request: Request, draft: Transfer) -> HttpResponse:
    """Swap source and target in every row."""
    actions.swap_direction(by=request.user, transfer=draft, address=address_of(request))
    return redirect("transfers:preview", draft.number)


@post_only
@requires(Permission.TRANSFER_BULK)
@draft_view
def preview_counts(request: Request, draft: Transfer) -> HttpResponse:
    """Count the records of all rows again, on the person's request, unless they are being counted already."""
    if counting_progress(draft).is_complete:
        actions.count_again(by=request.user, transfer=draft)
    if not request.htmx:
        return redirect(
            f"{reverse('transfers:preview', args=[draft.number])}?{request.GET.urlencode()}#totals"
        )
    draft.refresh_from_db()
    context = preview_context(request, draft)
    context["announce"] = (
        "Counted again." if context["counted"].is_complete else "Counting the records again."
    )
    return render(request, "transfers/preview.html#preview", context)


def preview_context(request: Request, draft: Transfer, edited: int | None = None) -> dict[str, Any]:
    """Return the context of the page in a constant number of queries. The filter does not apply to row `edited`."""
    summary, running = summary_of(draft), running_bulk(request.user)
    counted = counting_progress(draft)
    chosen = row_filter(request, summary)
    page = page_of_rows(request, draft, chosen, edited)
    groups = problem_groups(draft)
    lines = lines_of(request.user, page.object_list, "team", shared=marks_of(groups))
    return {
        "draft": draft,
        "summary": summary,
        "counted": counted,
        "lines": lines,
        "busy": busy_in(request.user, lines),
        "correction": correction_of(draft),
        "first": first_ready(draft, request.user),
        "running": running,
        "blocked": reason_not_to_run(summary, running, counted),
        "rehearsed": rehearsed(draft),
        **group_context(groups, chosen),
        **list_context(request, summary, chosen, page),
    }


def group_context(groups: Sequence[ProblemGroup], chosen: RowFilter) -> dict[str, Any]:
    """Return the groups of errors, the shared warnings, and the group whose rows are listed.

    An error of one row is said only there. `single_errors` are the numbers of these rows.
    """
    errors = [group for group in groups if group.is_error]
    return {
        "errors": [group for group in errors if group.is_shared],
        "said_above": {group.code for group in errors if group.is_shared},
        "single_errors": sorted({row for group in errors if not group.is_shared for row in group.rows}),
        "shared": [group for group in groups if group.mark and not group.is_error],
        "listed_group": next((group for group in groups if group.code == chosen.problem), None),
    }


def list_context(request: Request, summary: Summary, chosen: RowFilter, page: Page) -> dict[str, Any]:
    """Return what the list of rows shows beside the rows, and the query strings of its links."""
    return {
        "chosen": chosen,
        "tabs": tabs(summary, chosen),
        "page": page,
        "rows": rows_per_page(request),
        "query": filter_query(request, chosen, "page", "rows"),
        "unfiltered": query_without(request, "page", "row", "filter", "problem"),
        "here": current_query(request, chosen, page),
        "page_turned": bool(request.htmx) and str(request.htmx.trigger).startswith("pager-"),
    }


def busy_in(person: User, lines: list[Line]) -> dict[str, int]:
    """Map the busy users of these lines to their open transfers, in the form that `visible_busy` returns."""
    users = {user for line in lines if line.is_busy for user in (line.row.from_id, line.row.to_id)}
    return visible_busy(person, users) if users else {}


def page_of_rows(request: Request, draft: Transfer, chosen: RowFilter, edited: int | None) -> Page:
    """Return the requested page of rows. With `row` in the URL, it is the page that contains the row."""
    rows = selected_rows(
        draft,
        request.user,
        status=chosen.status,
        problem=chosen.problem,
        search=chosen.search,
        also=edited,
    )
    if number := requested_row(request):
        before = rows.filter(number__lt=number).count()
        return page_of(request, rows, number=before // rows_per_page(request) + 1)
    return page_of(request, rows)


def reason_not_to_run(summary: Summary, running: Any, counted: CountingProgress) -> str:
    """Return why Run Transfer is disabled and what the person can do, or "" if it is enabled."""
    for problem in summary.problems:
        if problem.severity is Severity.ERROR:
            return "There is an error above that concerns all rows."
    if summary.errors:
        return f"{counted_phrase(summary.errors, 'row')} with errors."
    if not summary.selected:
        return "No users are selected. Fill in To User ID for each user whose data should move, then start again."
    if running:
        return (
            "A bulk transfer is running. You can prepare this transfer now and start it when the running transfer has"
            " ended."
        )
    return "" if counted.is_complete else STILL_COUNTING
