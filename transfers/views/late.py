"""Late arrivals on the page of a transfer: how many there are, looked for beside the page; and moving them.

They are rows of now, so they are shown to those alone who see every user of the transfer now; what the page says of
the transfer itself is of then, and stays with whoever started it.
"""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.client import address_of
from accounts.doors import Request, requires
from transfers import actions, tasks
from transfers.doors import access_transfer, access_transfer_to_run, sees_all_of
from transfers.late import count_late, late_of
from transfers.models import Transfer
from transfers.models.transfer import RESULTS
from transfers.views.transfer import LOOK_AROUND, draft_page, is_fresh, may_run

FEW_PAIRS = 100  # are looked through in a few hundredths of a second; more of them by a worker
PATIENCE = 3  # so many looks without an answer, and the page looks itself: no worker has come


@require_http_methods(["GET", "HEAD", "POST"])
@requires(*LOOK_AROUND)
def late_arrivals(request: Request, transfer_id: int) -> HttpResponse:
    transfer = access_transfer(request.user, transfer_id)
    if transfer.state not in RESULTS or not sees_all_of(request.user, transfer):
        return redirect("transfers:transfer-detail", transfer_id)
    if request.method == "POST":
        return move(request, transfer_id)
    waited = look(request, transfer)
    if not request.htmx:
        return redirect("transfers:transfer-detail", transfer_id)
    return render(request, "transfers/transfer_detail.html#late", part(request, transfer_id, waited))


def move(request: Request, transfer_id: int) -> HttpResponse:
    """A draft of just the pairs with late arrivals; pressed twice, the same draft."""
    transfer = access_transfer_to_run(request.user, transfer_id)
    draft = actions.move_late_arrivals(by=request.user, transfer=transfer, address=address_of(request))
    return (
        redirect("transfers:transfer-detail", transfer_id)
        if draft == transfer
        else redirect(*draft_page(draft))
    )


def look(request: Request, transfer: Transfer) -> int | None:
    """None once the stored numbers are of now; else how often the page has waited for them, this time included.

    Without scripts, who follows the link waits for the page itself.
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


def part(request: Request, transfer_id: int, waited: int | None) -> dict[str, Any]:
    transfer = Transfer.objects.get(pk=transfer_id)
    return {
        "transfer": transfer,
        "late": late_of(transfer),
        "looking": waited is not None,
        "waited": waited or 0,
        "may_run": may_run(request, transfer),
    }
