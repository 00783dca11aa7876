"""The start page: what is going on, and the choice between a single and a bulk transfer."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import Request, public, signed_in
from accounts.models import User
from accounts.permissions import Permission
from transfers.access import visible_transfers
from transfers.views.bulk import drafts_of
from transfers.views.transfer_list import Entry, list_entries

LATEST = 5
MAY_START = (Permission.TRANSFER_ONE, Permission.TRANSFER_BULK)


@require_safe
@public
def root(request: HttpRequest) -> HttpResponse:
    return redirect("transfers:transfer-home")


@require_safe
@signed_in
def transfer_home(request: Request) -> HttpResponse:
    """Show the start page. People who may only see transfers are redirected to the list of them."""
    person = request.user
    may_start = any(person.may(permission) for permission in MAY_START)
    if not may_start and person.may(Permission.SEE_TRANSFERS):
        return redirect("transfers:transfer-list")
    drafts = drafts_of(person)[:LATEST] if person.may(Permission.TRANSFER_BULK) else ()
    context = {"drafts": drafts, "latest": latest_of(person)}
    return render(request, "transfers/transfer_home.html", context)


def latest_of(person: User) -> list[Entry]:
    """Return the last transfers that the person may see, running ones included."""
    confirmed = visible_transfers(person).filter(confirmed_at__isnull=False)
    return list_entries(confirmed.order_by("-confirmed_at", "-pk")[:LATEST])
