"""The page of one transfer during and after its run, with the actions Stop and Retry."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Request, requires
from accounts.models import User
from accounts.permissions import Permission
from accounts.scope import visible_users
from accounts.signing_in.sessions.lifetime import polled
from transfers import actions
from transfers.access import access_transfer, access_transfer_to_run, sees_all_of, visible_transfers
from transfers.models import Kind, PairState, State, Transfer, TransferPair
from transfers.models.pair import NOT_TRANSFERRED
from transfers.models.transfer import PERMISSION_TO_RUN
from transfers.results.late_arrivals import Late, late_of
from transfers.results.progress import (
    Progress,
    duration_of,
    impact_so_far,
    pace_in_words,
    progress_of,
    time_left_in_words,
    undone_so_far,
    waits_for_a_worker,
)
from transfers.results.undo import left_records, records_in_words, undone_numbers
from transfers.results.undo_deadline import in_time, undo_sentence
from transfers.views.outcome import outcome_notice, retries_of, undos_of
from web.client_address import address_of
from web.paging import page_of, query_without, rows_per_page
from web.post_only import post_only

VIEW_PERMISSIONS = (
    Permission.SEE_TRANSFERS,
    Permission.TRANSFER_ONE,
    Permission.TRANSFER_BULK,
    Permission.UNDO,
)
LEFT_SHOWN = 100  # the download lists all
FAST, SLOW, FAST_FOR = 2, 5, timedelta(minutes=1)  # seconds between polls; FAST during the first minute
FRESH_FOR = timedelta(seconds=30)
PAIR_FILTERS = {
    "not-transferred": NOT_TRANSFERRED,
    "transferred": (PairState.SUCCEEDED,),
    "all": tuple(PairState),
}


@require_safe
@requires(*VIEW_PERMISSIONS)
def transfer_detail(request: Request, transfer_number: int) -> HttpResponse:
    transfer = access_transfer(request.user, transfer_number)
    if transfer.state == State.DRAFT:
        return redirect(*draft_page(transfer))
    context = progress_context(request, transfer)
    context["origin"] = origin_of(request.user, transfer)
    context["undoes"] = visible_number(request.user, transfer.undone_number)
    if transfer.is_final:
        context |= result_context(request, transfer, context["progress"])
    context |= people_context(request, transfer, context)
    return render(request, "transfers/transfer_detail.html", context)


def draft_page(transfer: Transfer) -> tuple[str, int]:
    """Return the page of a draft, as arguments for `redirect`."""
    page = "undo-preview" if transfer.is_undo else "preview" if transfer.is_bulk else "transfer-confirmation"
    return f"transfers:{page}", transfer.number


def progress_context(request: Request, transfer: Transfer) -> dict[str, Any]:
    """Return the context that the page shares with its polled part."""
    progress = progress_of(transfer)
    now = timezone.now()
    return {
        "transfer": transfer,
        "progress": progress,
        "left": time_left_in_words(progress.left(now)),
        "pace": pace_in_words(progress.pace(now)),
        "waiting": waits_for_a_worker(transfer, progress),
        "pause": FAST if now - (transfer.confirmed_at or now) < FAST_FOR else SLOW,
        "may_run": may_run(request, transfer),
        "pair": only_pair(transfer, progress),
    }


def only_pair(transfer: Transfer, progress: Progress) -> TransferPair | None:
    """Return the pair of a single transfer, or of the undo of a single pair."""
    is_single = progress.total == 1 if transfer.is_undo else not transfer.is_bulk
    return transfer.pairs.first() if is_single else None


def people_context(request: Request, transfer: Transfer, context: dict[str, Any]) -> dict[str, Any]:
    """Return the users whom the page names and the person may see, and the source that could now be deactivated."""
    pairs = [context["pair"]] if context["pair"] else context.get("page", ())
    ids = {user for pair in pairs for user in (pair.source_id, pair.target_id)}
    people = visible_users(request.user).select_related("team").in_bulk(ids)
    source = people.get(context["pair"].source_id) if context["pair"] else None
    is_done = (
        transfer.state == State.SUCCEEDED
        and not transfer.is_undo
        and request.user.may(Permission.MANAGE_USERS)
    )
    return {"people": people, "to_deactivate": source if source and source.is_active and is_done else None}


def origin_of(person: User, transfer: Transfer) -> int | None:
    """Return the number of the visible transfer whose pairs this one retries or whose late arrivals it moves."""
    origin = transfer.file_summary.get("retry_of") or transfer.file_summary.get("late_of")
    return visible_number(person, origin)


def visible_number(person: User, number: int | None) -> int | None:
    if number is None or not visible_transfers(person).filter(number=number).exists():
        return None
    return number


def may_run(request: Request, transfer: Transfer) -> bool:
    return request.user.may(PERMISSION_TO_RUN[Kind(transfer.kind)])


def is_fresh(transfer: Transfer) -> bool:
    """Return whether late arrivals were counted moments ago, so that they need not be counted again for the page."""
    counted = transfer.late_counted_at
    return counted is not None and timezone.now() - counted < FRESH_FOR


def result_context(request: Request, transfer: Transfer, progress: Progress) -> dict[str, Any]:
    pairs = TransferPair.objects.filter(transfer=transfer)
    shown = pair_filter(request, pairs)
    retries = retries_of(request.user, transfer) if progress.not_transferred else []
    undo = (left_context if transfer.is_undo else undo_context)(request, transfer)
    return {
        **undo,
        "outcome": outcome_notice(transfer, progress, undo.get("undone"), retries),
        "retries": retries,
        "selectable": transfer.is_bulk and shown != "not-transferred" and undo.get("may_undo"),
        "impact": undone_so_far(transfer) if transfer.is_undo else impact_so_far(transfer),
        "late": late_context(request, transfer, progress),
        "looking": not is_fresh(transfer),
        "waited": 0,
        "shown": shown,
        "page": page_of(request, pairs.filter(state__in=PAIR_FILTERS[shown])),
        "query": query_without(request, "page", "rows"),
        "rows": rows_per_page(request),
        "took": duration_of(transfer),
    }


def late_context(request: Request, transfer: Transfer, progress: Progress) -> Late | None:
    if transfer.is_undo or not progress.succeeded or not sees_all_of(request.user, transfer):
        return None
    return late_of(transfer)


def undo_context(request: Request, transfer: Transfer) -> dict[str, Any]:
    """Return what the page says about the undo of a transfer, and whether the person may start one."""
    numbers = undone_numbers(transfer)
    may_undo = request.user.may(Permission.UNDO) and numbers.left > 0 and in_time(transfer)
    return {
        "undone": numbers,
        "undos": undos_of(request.user, transfer),
        "may_undo": may_undo,
        "until": undo_sentence(transfer, request.user) if numbers.left else "",
    }


def left_context(request: Request, transfer: Transfer) -> dict[str, Any]:
    """Return the records that an undo left as they are: the first ones, and their number."""
    conflicts = left_records(transfer)
    shown = list(records_in_words(conflicts[:LEFT_SHOWN], request.user))
    return {"left": shown, "left_number": conflicts.count()}


def pair_filter(request: Request, pairs: Any) -> str:
    """Return the requested filter of pairs. By default, list those not transferred, or all if there are none."""
    requested = request.GET.get("show", "")
    if requested in PAIR_FILTERS:
        return requested
    return "not-transferred" if pairs.filter(state__in=NOT_TRANSFERRED).exists() else "all"


@polled
@require_safe
@requires(*VIEW_PERMISSIONS)
def transfer_progress(request: Request, transfer_number: int) -> HttpResponse:
    """Show the polled part of the page. When the transfer has ended, make htmx reload the page to end the polling."""
    transfer = access_transfer(request.user, transfer_number)
    if not request.htmx:
        return redirect("transfers:transfer-detail", transfer_number)
    if not transfer.is_open:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "transfers/transfer_detail.html#progress", progress_context(request, transfer))


@post_only
@requires(*PERMISSION_TO_RUN.values())
def transfer_stop(request: Request, transfer_number: int) -> HttpResponse:
    transfer = access_transfer_to_run(request.user, transfer_number)
    actions.stop(by=request.user, transfer=transfer, address=address_of(request))
    return redirect("transfers:transfer-detail", transfer_number)


@post_only
@requires(*PERMISSION_TO_RUN.values())
def transfer_retry(request: Request, transfer_number: int) -> HttpResponse:
    """Redirect to the draft of the pairs that were not transferred, creating it on the first request only."""
    transfer = access_transfer_to_run(request.user, transfer_number)
    draft = actions.retry(by=request.user, transfer=transfer, address=address_of(request))
    if draft == transfer:  # nothing to retry
        return redirect("transfers:transfer-detail", transfer_number)
    return redirect(*draft_page(draft))
