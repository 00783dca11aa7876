"""The page of one transfer: running, ended, stopped; and what can be done with it there."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.client import address_of
from accounts.doors import Request, requires
from accounts.models import User
from accounts.paging import page_of, query_without, rows_per_page
from accounts.permissions import Permission
from accounts.sessions import by_itself
from transfers import actions
from transfers.doors import access_transfer, access_transfer_to_run, sees_all_of, visible_transfers
from transfers.late import late_of
from transfers.models import Kind, PairState, State, Transfer, TransferPair
from transfers.models.pair import NOT_TRANSFERRED
from transfers.models.transfer import PERMISSION_TO_RUN
from transfers.results import (
    Progress,
    impact_so_far,
    in_words,
    length,
    numbers_in_words,
    pace_in_words,
    progress_of,
    waits_for_a_worker,
)

LOOK_AROUND = (Permission.SEE_TRANSFERS, Permission.TRANSFER_ONE, Permission.TRANSFER_BULK)
FAST, SLOW, FAST_FOR = 2, 5, timedelta(minutes=1)  # seconds between two looks: short at first, longer later
LATELY = timedelta(seconds=30)
SHOWN = {
    "not-transferred": NOT_TRANSFERRED,
    "transferred": (PairState.SUCCEEDED,),
    "all": tuple(PairState),
}


@require_safe
@requires(*LOOK_AROUND)
def transfer_detail(request: Request, transfer_id: int) -> HttpResponse:
    transfer = access_transfer(request.user, transfer_id)
    if transfer.state == State.DRAFT:
        return redirect(*draft_page(transfer))
    context = facts_of(request, transfer)
    if transfer.is_final:
        context |= result_of(request, transfer, context["progress"])
    return render(request, "transfers/transfer_detail.html", context)


def draft_page(transfer: Transfer) -> tuple[str, int]:
    """Where a transfer that was not confirmed yet is looked at."""
    page = "preview" if transfer.is_bulk else "transfer-confirmation"
    return f"transfers:{page}", transfer.pk


def facts_of(request: Request, transfer: Transfer) -> dict[str, Any]:
    """What the page and its polled part show, while it runs and afterwards."""
    progress = progress_of(transfer)
    now = timezone.now()
    return {
        "transfer": transfer,
        "progress": progress,
        "left": in_words(progress.left(now)),
        "pace": pace_in_words(progress.pace(now)),
        "waiting": waits_for_a_worker(transfer, progress),
        "pause": FAST if now - (transfer.confirmed_at or now) < FAST_FOR else SLOW,
        "may_run": may_run(request, transfer),
        "pair": None if transfer.is_bulk else transfer.pairs.first(),
    }


def may_run(request: Request, transfer: Transfer) -> bool:
    return request.user.may(PERMISSION_TO_RUN[Kind(transfer.kind)])


def is_fresh(transfer: Transfer) -> bool:
    """Were late arrivals looked for just now, so that the page need not look again?"""
    counted = transfer.late_counted_at
    return counted is not None and timezone.now() - counted < LATELY


def result_of(request: Request, transfer: Transfer, progress: Progress) -> dict[str, Any]:
    pairs = TransferPair.objects.filter(transfer=transfer)
    shown = shown_of(request, pairs)
    return {
        "outcome": outcome(transfer, progress),
        "impact": impact_so_far(transfer),
        "late": late_of(transfer) if progress.succeeded and sees_all_of(request.user, transfer) else None,
        "looking": not is_fresh(transfer),
        "waited": 0,
        "shown": shown,
        "page": page_of(request, pairs.filter(state__in=SHOWN[shown])),
        "query": query_without(request, "page", "rows"),
        "rows": rows_per_page(request),
        "took": took(transfer),
    }


ERRORS_OCCURRED = "Errors occurred during data transfer. The user IDs listed below were not transferred."


def outcome(transfer: Transfer, progress: Progress) -> dict[str, str]:
    """How it ended: the notice's kind, its title, and the numbers in words."""
    kind, title = {
        State.SUCCEEDED: ("success", "Data Transfer Successful"),
        State.FINISHED_WITH_ERRORS: ("error", ERRORS_OCCURRED),
        State.FAILED: ("error", ERRORS_OCCURRED),
        State.STOPPED: (
            "warning",
            "The transfer was stopped. The user IDs listed below were not transferred.",
        ),
        State.DISCARDED: ("info", "This preview was discarded."),
    }[State(transfer.state)]
    if transfer.state == State.STOPPED and not progress.not_transferred:
        title = "The transfer was asked to stop, and all users had been transferred by then."
    return {"kind": kind, "title": title, "text": numbers_in_words(progress)}


def took(transfer: Transfer) -> str:
    begun, ended = transfer.started_at, transfer.finished_at
    return length(ended - begun) if begun and ended else ""


def shown_of(request: Request, pairs: Any) -> str:
    """Which pairs are listed: those wanted; else, where some were not transferred, only these."""
    wanted = request.GET.get("show", "")
    if wanted in SHOWN:
        return wanted
    return "not-transferred" if pairs.filter(state__in=NOT_TRANSFERRED).exists() else "all"


@by_itself
@require_safe
@requires(*LOOK_AROUND)
def transfer_progress(request: Request, transfer_id: int) -> HttpResponse:
    """The polled part. At the end it has the whole page loaded once more, and that one polls no longer."""
    transfer = access_transfer(request.user, transfer_id)
    if not request.htmx:
        return redirect("transfers:transfer-detail", transfer_id)
    if not transfer.is_open:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "transfers/transfer_detail.html#progress", facts_of(request, transfer))


@require_POST
@requires(Permission.TRANSFER_ONE, Permission.TRANSFER_BULK)
def transfer_stop(request: Request, transfer_id: int) -> HttpResponse:
    transfer = access_transfer_to_run(request.user, transfer_id)
    actions.stop(by=request.user, transfer=transfer, address=address_of(request))
    return redirect("transfers:transfer-detail", transfer_id)


@require_POST
@requires(Permission.TRANSFER_ONE, Permission.TRANSFER_BULK)
def transfer_retry(request: Request, transfer_id: int) -> HttpResponse:
    """A draft of just the pairs that were not transferred; pressed twice, the same draft."""
    transfer = access_transfer_to_run(request.user, transfer_id)
    left = TransferPair.objects.filter(transfer=transfer, state__in=NOT_TRANSFERRED)
    if not transfer.is_final or not left.exists():
        return redirect("transfers:transfer-detail", transfer_id)
    draft = retry_of(request.user, transfer) or actions.retry(
        by=request.user, transfer=transfer, address=address_of(request)
    )
    return redirect(*draft_page(draft))


def retry_of(person: User, transfer: Transfer) -> Transfer | None:
    """The retry that the person has in preparation already."""
    mine = visible_transfers(person).filter(requested_by=person, state=State.DRAFT)
    return mine.filter(file_summary__retry_of=transfer.pk).first()
