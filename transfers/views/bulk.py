"""The page of bulk transfers: the unfinished previews, and the three steps that start a new transfer."""

from io import BytesIO
from typing import Any, BinaryIO, cast

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.access import Request, requires
from accounts.models import User
from accounts.permissions import Permission
from spreadsheets.problem_kinds import NO_FILE
from spreadsheets.rejection import FileRejected
from transfers import actions
from transfers.access import visible_transfers
from transfers.models import OPEN, DraftRow, Kind, State, Transfer
from transfers.people_csv import PEOPLE_CSV
from transfers.people_csv.pasting import FILE_NAME, of_paste, pasted_file
from web.client_address import address_of
from web.uploads import limit_uploads
from wording.problems import Problem

LISTED_DRAFTS = 20


@csrf_exempt  # `receive` checks CSRF, because it must read the body only after the access and size checks
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.TRANSFER_BULK)
def bulk(request: Request) -> HttpResponse:
    if request.method == "POST":
        limit_uploads(request)
        return receive(request)
    return render(request, "transfers/bulk.html", overview(request.user) | {"pasted": None})


@csrf_protect
def receive(request: Request) -> HttpResponse:
    """Store the file or pasted rows of step 3 and redirect to the preview, or show the page again with the problem."""
    pasted = request.POST.get("pasted")
    try:
        name, stream = chosen(request.FILES.get("file"), pasted)
        draft = actions.upload(
            by=request.user,
            file_name=name,
            stream=stream,
            address=address_of(request),
            is_pasted=pasted is not None,
        )
    except FileRejected as rejected:
        return refuse(request, rejected.problem, pasted)
    return redirect_to(request, reverse("transfers:preview", args=[draft.number]))


def chosen(file: UploadedFile | None, pasted: str | None) -> tuple[str, BinaryIO]:
    """Return the name and content of the file or of the pasted rows. Raises FileRejected if there are none."""
    if pasted is not None:
        return FILE_NAME, BytesIO(pasted_file(pasted))
    if file is None:
        raise FileRejected(NO_FILE(choose=PEOPLE_CSV.choose))
    return file.name or "", cast(BinaryIO, file)


def refuse(request: Request, problem: Problem, pasted: str | None = None) -> HttpResponse:
    """Show the page with the problem, and with what was pasted, or None for a file.

    The status is 200 for htmx, which ignores the body of an error response.
    """
    problems = [problem if pasted is None else of_paste(problem)]
    context = overview(request.user) | {"problems": problems, "pasted": pasted}
    return render(request, "transfers/bulk.html", context, status=200 if request.htmx else 422)


def redirect_to(request: Request, address: str) -> HttpResponse:
    """Redirect the entire page, even if htmx requested only a part of it."""
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def overview(person: User) -> dict[str, Any]:
    return {
        "drafts": drafts_of(person, Kind.BULK)[:LISTED_DRAFTS],
        "running": running_bulk(person),
        "allows_identifiers": person.tenant.allows_identifiers,
    }


def drafts_of(person: User, *kinds: Kind) -> QuerySet[Transfer]:
    """Return the person's previews, each with the numbers of its rows that are `selected` and have `errors`."""
    drafts = visible_transfers(person).filter(kind__in=kinds, state=State.DRAFT)
    return drafts.annotate(
        selected=Count("rows", filter=~Q(rows__status=DraftRow.Status.CLEARED)),
        errors=Count("rows", filter=Q(rows__status=DraftRow.Status.ERROR)),
    )


def running_bulk(person: User) -> dict[str, Any] | None:
    """Return the tenant's open bulk transfer and whether the person may see it, or None if there is none."""
    running = Transfer.objects.filter(tenant_id=person.tenant_id, kind=Kind.BULK, state__in=OPEN).first()
    if running is None:
        return None
    return {"transfer": running, "may_see": visible_transfers(person).filter(pk=running.pk).exists()}
