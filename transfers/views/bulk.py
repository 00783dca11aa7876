"""Bulk transfers: previews that are not finished yet, and the three steps to a new one."""

from typing import Any, BinaryIO, cast

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.client import address_of
from accounts.doors import Request, requires
from accounts.models import User
from accounts.permissions import Permission
from transfers import actions
from transfers.doors import visible_transfers
from transfers.models import OPEN, DraftRow, Kind, State, Transfer
from transfers.people_csv import FileRejected
from transfers.people_csv.kinds import NO_FILE
from transfers.problems import Problem
from transfers.views.uploads import limit_uploads

LISTED_DRAFTS = 20


@csrf_exempt  # the check reads the body, so it has to come after the door and the limit, in `receive`
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.TRANSFER_BULK)
def bulk(request: Request) -> HttpResponse:
    if request.method == "POST":
        limit_uploads(request)
        return receive(request)
    return render(request, "transfers/bulk.html", overview(request.user) | {"steps": "new" in request.GET})


@csrf_protect
def receive(request: Request) -> HttpResponse:
    """Step 3: a good file leads to its preview, any other back here with what is wrong in words."""
    file = request.FILES.get("file")
    if file is None:
        return refuse(request, NO_FILE())
    try:
        draft = actions.upload(
            by=request.user,
            file_name=file.name or "",
            stream=cast(BinaryIO, file),
            address=address_of(request),
        )
    except FileRejected as rejected:
        return refuse(request, rejected.problem)
    return lead_to(request, reverse("transfers:preview", args=[draft.pk]))


def refuse(request: Request, problem: Problem) -> HttpResponse:
    """htmx drops the body of any answer but 200; plain browsers and scripts are told that it went wrong."""
    context = overview(request.user) | {"steps": True, "problems": [problem]}
    return render(request, "transfers/bulk.html", context, status=200 if request.htmx else 422)


def lead_to(request: Request, address: str) -> HttpResponse:
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def overview(person: User) -> dict[str, Any]:
    drafts = visible_transfers(person).filter(kind=Kind.BULK, state=State.DRAFT)
    drafts = drafts.annotate(selected=Count("rows", filter=~Q(rows__status=DraftRow.Status.CLEARED)))
    return {"drafts": drafts[:LISTED_DRAFTS], "running": running_bulk(person)}


def running_bulk(person: User) -> dict[str, Any] | None:
    """The bulk transfer of the tenant that is running; with its address only for those who may see it."""
    running = Transfer.objects.filter(tenant_id=person.tenant_id, kind=Kind.BULK, state__in=OPEN).first()
    if running is None:
        return None
    return {"transfer": running, "may_see": visible_transfers(person).filter(pk=running.pk).exists()}
