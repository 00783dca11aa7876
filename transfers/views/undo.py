"""The undo of a transfer: preparing it, and its preview, in which users can be left out before it is confirmed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db.models import Case, Value, When
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import Request, requires
from accounts.permissions import Permission
from accounts.signing_in.sessions.lifetime import polled
from transfers import actions
from transfers.access import access_transfer
from transfers.models import DraftRow, State, Transfer, UndoConflict
from transfers.planning.background_counts import CountingProgress, count_draft, counting_progress
from transfers.planning.impact import add_up
from transfers.planning.preview import Line, Status, Summary, lines_of, summary_of
from transfers.planning.undo.impact import UndoImpact, undo_impact_of
from transfers.planning.undo.plan import left_in_words
from transfers.results.undo import records_in_words, refusal_of
from transfers.results.undo_deadline import undo_sentence
from transfers.views.bulk import redirect_to
from transfers.views.preview import STILL_COUNTING, recheck_if_out_of_view, recount_if_old
from transfers.views.preview_counting import PATIENCE, number_in
from transfers.views.transfer_detail import VIEW_PERMISSIONS
from web.client_address import address_of
from web.paging import page_of, query_without, rows_per_page
from web.post_only import post_only
from wording.problems import Problem


@post_only
@requires(*VIEW_PERMISSIONS)
def transfer_undo(request: Request, transfer_number: int) -> HttpResponse:
    """Redirect to the undo of a transfer, or of the users selected on its page. It is created on the first request."""
    transfer = access_transfer(request.user, transfer_number, Permission.UNDO)
    chosen = chosen_rows(request) if "selected" in request.POST else None
    try:
        draft = actions.undo(by=request.user, transfer=transfer, rows=chosen, address=address_of(request))
    except actions.CannotUndo as cannot:
        for problem in cannot.problems:
            messages.error(request, f"{problem.sentence} {problem.remedy}")
        return redirect("transfers:transfer-detail", transfer_number)
    return redirect("transfers:undo-preview", draft.number)


def chosen_rows(request: Request) -> list[int]:
    texts = [str(text) for text in request.POST.getlist("row")]
    return [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 10]


def undo_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view to receive the person's draft of an undo instead of its ID.

    If it was confirmed, redirect to its own page; if it was discarded, to that of the transfer.
    """

    @wraps(view)
    def page(request: Request, transfer_number: int, **kwargs: Any) -> HttpResponse:
        transfer = access_transfer(request.user, transfer_number)
        if transfer.state != State.DRAFT or not transfer.is_undo:
            is_discarded = transfer.state == State.DISCARDED
            shown = transfer.undoes if is_discarded and transfer.undoes else transfer
            return redirect_to(request, reverse("transfers:transfer-detail", args=[shown.number]))
        return view(request, transfer, **kwargs)

    return page


@require_safe
@requires(Permission.UNDO)
@undo_view
def undo_preview(request: Request, draft: Transfer) -> HttpResponse:
    draft = recount_if_old(request, recheck_if_out_of_view(request.user, draft))
    return render(request, "transfers/undo_preview.html", preview_context(request, draft))


@dataclass(frozen=True)
class UndoneLine:
    """A row of the table, with what was changed since: numbers by data type, and some of the records."""

    line: Line

    @property
    def changed(self) -> str:
        return left_in_words(self.line.row.counts or {})

    @property
    def records(self) -> list[str]:
        """What is said of each record, such as "CCRs 18: was changed"."""
        conflicts = (self.line.row.impact or {}).get("conflicts", ())
        return [
            f"{record.data_type} {record.name}: {record.why}"
            for record in records_in_words(
                UndoConflict(data_type=data_type, table=table, key=key, n=n, why=why)
                for data_type, table, key, n, why in conflicts
            )
        ]


def preview_context(request: Request, draft: Transfer) -> dict[str, Any]:
    """Return the context of the page in a constant number of queries."""
    summary, counted = summary_of(draft), counting_progress(draft)
    errors_first = Case(When(status=Status.ERROR, then=0), default=Value(1))
    page = page_of(request, DraftRow.objects.filter(transfer=draft).order_by(errors_first, "number"))
    lines = lines_of(request.user, page.object_list, "team")
    return {
        "place": reverse("transfers:transfer-detail", args=[draft.undone_number]),
        "draft": draft,
        "of": draft.undoes,
        "until": undo_sentence(draft.undoes, request.user),
        "summary": summary,
        "counted": counted,
        "impact": totals_of(draft),
        "page": page,
        "lines": [UndoneLine(line) for line in lines],
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows"),
        "blocked": reason_not_to_run(draft, summary, counted),
        "waited": 0,
    }


def totals_of(draft: Transfer) -> UndoImpact:
    """Return the sums of all rows that were counted, also of those that cannot be undone as the draft is."""
    selected = draft.rows.exclude(status=Status.CLEARED)
    return undo_impact_of(add_up(counts for counts in selected.values_list("counts", flat=True) if counts))


def reason_not_to_run(draft: Transfer, summary: Summary, counted: CountingProgress) -> str:
    """Return why the undo cannot run and what the person can do, or "" if it can."""
    refusal: Problem | None = refusal_of(draft.undoes) if draft.undoes else None
    if refusal:
        return f"{refusal.sentence} {refusal.remedy}"
    if summary.errors:
        users = "1 user has" if summary.errors == 1 else f"{summary.errors:,} users have"
        others = ", or leave them out" if draft.undoes and draft.undoes.is_bulk else ""
        return f"{users} an error. Follow the advice in the list{others}."
    if not summary.selected:
        return "No users are selected. Take at least one in."
    return "" if counted.is_complete else STILL_COUNTING


@polled
@require_safe
@requires(Permission.UNDO)
@undo_view
def undo_counting(request: Request, draft: Transfer) -> HttpResponse:
    """Show the counting progress. If there was none for a while or scripts are disabled, count during the request."""
    waited = number_in(request, "Times-Waited") if request.htmx else PATIENCE
    if waited >= PATIENCE:
        count_draft(draft.pk, portions=1)
    counted = counting_progress(draft)
    if counted.is_complete or not request.htmx:
        return redirect_to(request, preview_url(draft))
    part = {"draft": draft, "counted": counted, "waited": waited + 1}
    return render(request, "transfers/undo_preview.html#counting", part)


@post_only
@requires(Permission.UNDO)
@undo_view
def undo_changed(request: Request, draft: Transfer) -> HttpResponse:
    """Leave what was changed since as it is, or not, and count again."""
    leaves = "leaves" in request.POST
    actions.leave_changed(by=request.user, transfer=draft, leaves=leaves, address=address_of(request))
    return redirect_to(request, preview_url(draft))


@post_only
@requires(Permission.UNDO)
@undo_view
def undo_rows(request: Request, draft: Transfer) -> HttpResponse:
    """Leave out one row or all rows with errors, or take a row in again."""
    about: dict[str, Any] = {"by": request.user, "transfer": draft, "address": address_of(request)}
    number = 0
    if "errors" in request.POST:
        actions.leave_out(**about)
    elif number := row_in(request, "leave_out"):
        actions.leave_out(**about, number=number)
    elif number := row_in(request, "take_in"):
        actions.take_in(**about, number=number)
    shown = f"#row-{number}" if number else ""
    return redirect(f"{preview_url(draft)}?{request.GET.urlencode()}{shown}")


def row_in(request: Request, name: str) -> int:
    text = str(request.POST.get(name, ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


@post_only
@requires(Permission.UNDO)
@undo_view
def undo_counts(request: Request, draft: Transfer) -> HttpResponse:
    """Count the records of all rows again, on the person's request."""
    actions.count_again(by=request.user, transfer=draft)
    return redirect(preview_url(draft))


@post_only
@requires(Permission.UNDO)
@undo_view
def undo_discard(request: Request, draft: Transfer) -> HttpResponse:
    actions.discard(by=request.user, transfer=draft, address=address_of(request))
    messages.success(request, "The preview was discarded. Nothing was undone.")
    return redirect("transfers:transfer-detail", draft.undone_number)


def preview_url(draft: Transfer) -> str:
    return reverse("transfers:undo-preview", args=[draft.number])
