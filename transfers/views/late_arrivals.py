"""The part of a transfer's page about late arrivals, loaded separately: their count, and the button that moves them.

Late arrivals are records that were added for a source after the transfer. As they are current records, only people who
can now see every user of the transfer may see them. The result of the transfer itself is history and remains visible to
the person who started it.
"""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import Request, requires
from transfers import actions, tasks
from transfers.access import access_transfer, access_transfer_to_run, sees_all_of
from transfers.models import Transfer
from transfers.models.transfer import RESULTS
from transfers.results.late_arrivals import count_late, late_of
from transfers.results.progress import progress_of
from transfers.views.transfer_detail import VIEW_PERMISSIONS, draft_page, is_fresh, may_run
from web.client_address import address_of

FEW_PAIRS = 100  # up to this many pairs are counted during the request, within a few hundredths of a second
PATIENCE = 3  # polls without a result before the request itself counts, as no worker seems to be running


@require_http_methods(["GET", "HEAD", "POST"])
@requires(*VIEW_PERMISSIONS)
def late_arrivals(request: Request, transfer_number: int) -> HttpResponse:
    transfer = access_transfer(request.user, transfer_number)
    if transfer.state not in RESULTS or transfer.is_undo or not sees_all_of(request.user, transfer):
        return redirect("transfers:transfer-detail", transfer_number)
    if request.method == "POST":
        return move_to_draft(request, transfer)
    waited = count_or_wait(request, transfer)
    if not request.htmx:
        return redirect("transfers:transfer-detail", transfer_number)
    return render(request, "transfers/transfer_detail.html#late", late_context(request, transfer, waited))


def move_to_draft(request: Request, transfer: Transfer) -> HttpResponse:
    """Redirect to the draft of the pairs with late arrivals, creating it on the first request only."""
    transfer = access_transfer_to_run(request.user, transfer.number)
    draft = actions.move_late_arrivals(by=request.user, transfer=transfer, address=address_of(request))
    if draft == transfer:  # no late arrivals
        return redirect("transfers:transfer-detail", transfer.number)
    return redirect(*draft_page(draft))


def count_or_wait(request: Request, transfer: Transfer) -> int | None:
    """Return None if the stored counts are fresh, otherwise the number of polls so far, including this one.

    Count during the request if there are few pairs, if no worker can be expected to count, or if scripts are disabled.
    """
    if is_fresh(transfer):
        return None
    waited = times_waited(request)
    few = not transfer.pairs.all()[FEW_PAIRS : FEW_PAIRS + 1]
    if (
        few
        or waited >= PATIENCE
        or not request.htmx
        or (not waited and not tasks.ask_for_late_arrivals(transfer.pk))
    ):
        count_late(transfer.pk)
        return None
    return waited + 1


def times_waited(request: Request) -> int:
    text = request.headers.get("Times-Waited", "")
    return int(text) if text.isdecimal() and len(text) < 5 else 0


def late_context(request: Request, transfer: Transfer, waited: int | None) -> dict[str, Any]:
    transfer.refresh_from_db()
    return {
        "transfer": transfer,
        "late": late_of(transfer),
        "progress": progress_of(transfer),
        "looking": waited is not None,
        "waited": waited or 0,
        "may_run": may_run(request, transfer),
    }
