"""The start page: what is going on, and the choice between a single and a bulk transfer."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import Request, public, signed_in
from accounts.models import User
from accounts.permissions import Permission
from accounts.signing_in.sessions.lifetime import polled
from transfers.access import visible_transfers
from transfers.models import OPEN, Kind
from transfers.models.transfer import PERMISSION_TO_RUN
from transfers.results.entries import list_entries
from transfers.views.bulk import drafts_of

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
    return render(request, "transfers/transfer_home.html", work_of(person))


@polled
@require_safe
@signed_in
def home_work(request: Request) -> HttpResponse:
    """Show what runs and what ran last again. The start page polls this while a transfer runs."""
    if not request.htmx:
        return redirect("transfers:transfer-home")
    return render(request, "transfers/transfer_home.html#work", work_of(request.user))


def work_of(person: User) -> dict[str, Any]:
    """Return the open transfers that the person may see, the person's previews, and the last transfers that ended."""
    kinds = [kind for kind in (Kind.BULK, Kind.UNDO) if person.may(PERMISSION_TO_RUN[kind])]
    drafts = drafts_of(person, *kinds)[:LATEST]
    confirmed = visible_transfers(person).filter(confirmed_at__isnull=False)
    newest = confirmed.order_by("-confirmed_at", "-pk")
    running = list(newest.filter(state__in=OPEN)[:LATEST])
    entries = list_entries(person, [*running, *newest.exclude(state__in=OPEN)[:LATEST]])
    return {"running": entries[: len(running)], "drafts": drafts, "latest": entries[len(running) :]}
