"""The page of a rehearsal: how it starts, its progress, and its report."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Request, requires
from accounts.permissions import Permission
from accounts.signing_in.sessions.lifetime import polled, recent_sign_in
from transfers import actions
from transfers.access import access_own_transfer_to_run, access_rehearsal
from transfers.models import Rehearsal, State, Transfer
from transfers.rehearsal.report import report_from
from transfers.rehearsal.worker import gives_way
from transfers.results.rehearsal import (
    chunks_of,
    failed_pairs,
    has_changed,
    impact_of_rehearsal,
    locks_of,
    numbers_of,
    outcome_of,
    seconds_in_words,
    with_users,
)
from transfers.views.bulk import redirect_to
from transfers.views.confirmation import busy_in, group_by_kind
from transfers.views.transfer_detail import FAST, FAST_FOR, SLOW, draft_page
from web.client_address import address_of
from web.paging import page_of, query_without, rows_per_page
from web.post_only import post_only

SHOWN_ROWS = 20  # rows with other numbers than in the preview that are named on the page


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.TRANSFER_ONE, Permission.TRANSFER_BULK)
@recent_sign_in
def rehearsal(request: Request, transfer_number: int) -> HttpResponse:
    transfer = access_own_transfer_to_run(request.user, transfer_number)
    if request.method == "POST":
        return start(request, transfer)
    found = Rehearsal.objects.select_related("transfer").filter(transfer=transfer).first()
    if found is None and transfer.state != State.DRAFT:
        raise Http404("No such rehearsal.")
    return show(request, transfer, found)


def start(request: Request, transfer: Transfer) -> HttpResponse:
    """Start the rehearsal and redirect to its page, or show the page with the reason why it cannot start."""
    try:
        actions.rehearse(by=request.user, transfer=transfer, address=address_of(request))
    except actions.CannotConfirm as cannot:
        if request.htmx:  # the page itself says it, because htmx ignores the body of an error response
            for said in group_by_kind(transfer, cannot.problems):
                messages.error(request, f"{said.problem.sentence} {said.problem.remedy}".strip())
            return redirect_to(request, reverse("transfers:rehearsal", args=[transfer.number]))
        problems = {
            "problems": group_by_kind(transfer, cannot.problems),
            "busy": busy_in(request, cannot.problems),
        }
        found = Rehearsal.objects.select_related("transfer").filter(transfer=transfer).first()
        return show(request, transfer, found, status=422, **problems)
    return redirect_to(request, reverse("transfers:rehearsal", args=[transfer.number]))


def show(
    request: Request, transfer: Transfer, found: Rehearsal | None, *, status: int = 200, **problems: Any
) -> HttpResponse:
    context: dict[str, Any] = {
        "transfer": transfer,
        "rehearsal": found,
        "back": draft_page(transfer)[0],
    } | problems
    if transfer.state == State.DRAFT:
        context["place"] = reverse("transfers:transfer-home")
    if found:
        context |= progress_context(found) if found.is_open else report_context(request, found)
    return render(request, "transfers/rehearsal.html", context, status=status)


def progress_context(found: Rehearsal) -> dict[str, Any]:
    """Return the context that the page shares with its polled part."""
    return {
        "rehearsal": found,
        "transfer": found.transfer,
        "numbers": numbers_of(found),
        "waits": gives_way(found),
        "pause": FAST if timezone.now() - found.requested_at < FAST_FOR else SLOW,
    }


def report_context(request: Request, found: Rehearsal) -> dict[str, Any]:
    report = report_from(found.report)
    page = page_of(request, failed_pairs(found))
    page.object_list = with_users(request.user, found, list(page.object_list))
    return {
        "outcome": outcome_of(found),
        "numbers": numbers_of(found),
        "impact": impact_of_rehearsal(found),
        "differing": report.differing[:SHOWN_ROWS],
        "number_of_differing": len(report.differing),
        "changed": found.transfer.state == State.DRAFT and has_changed(found),
        "chunks": chunks_of(report),
        "locks": locks_of(report),
        "took": seconds_in_words(report.seconds),
        "page": page,
        "query": query_without(request, "page", "rows"),
        "rows": rows_per_page(request),
    }


@polled
@require_safe
@requires(Permission.TRANSFER_ONE, Permission.TRANSFER_BULK)
def rehearsal_progress(request: Request, transfer_number: int) -> HttpResponse:
    """Show the polled part of the page. When the rehearsal has ended, make htmx reload the page to end the polling."""
    found = access_rehearsal(request.user, transfer_number)
    if not request.htmx:
        return redirect("transfers:rehearsal", transfer_number)
    if not found.is_open:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "transfers/rehearsal.html#progress", progress_context(found))


@post_only
@requires(Permission.TRANSFER_ONE, Permission.TRANSFER_BULK)
def rehearsal_stop(request: Request, transfer_number: int) -> HttpResponse:
    found = access_rehearsal(request.user, transfer_number)
    actions.stop_rehearsal(by=request.user, transfer=found.transfer, address=address_of(request))
    return redirect("transfers:rehearsal", transfer_number)
