"""Everything that can be downloaded: always CSV, streamed, by the one writer whose cells no spreadsheet runs."""

from collections.abc import Iterator

from django.http import Http404, StreamingHttpResponse
from django.views.decorators.http import require_safe

from accounts.client import address_of
from accounts.doors import Request, requires
from accounts.permissions import Permission
from transfers import audit, sheets
from transfers.doors import access_draft, access_transfer
from transfers.models import Transfer
from transfers.views.preview import as_judged_now
from transfers.views.transfer import LOOK_AROUND


def csv_download(name: str, content: Iterator[bytes]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


@require_safe
@requires(Permission.TRANSFER_BULK)
def people_export(request: Request) -> StreamingHttpResponse:
    """people.csv: all active and inactive users of the person's view, To User ID left empty."""
    content = sheets.export_people(by=request.user, address=address_of(request))
    return csv_download("people.csv", content)


@require_safe
@requires(Permission.TRANSFER_BULK)
def preview_errors(request: Request, transfer_id: int) -> StreamingHttpResponse:
    """The rows that cannot run as they are, with the columns of people.csv and Result; may be uploaded again."""
    draft = as_judged_now(request.user, access_draft(request.user, transfer_id))
    return csv_download(f"people-errors-{draft.pk}.csv", sheets.draft_errors_csv(request.user, draft))


@require_safe
@requires(*LOOK_AROUND)
def transfer_errors(request: Request, transfer_id: int) -> StreamingHttpResponse:
    """The audit log of errors: every pair that was not transferred, why, and what to do."""
    transfer = access_transfer(request.user, transfer_id)
    record_download(request, transfer, "audit log of errors")
    return csv_download(f"transfer-{transfer.pk}-errors.csv", sheets.errors_csv(transfer))


@require_safe
@requires(*LOOK_AROUND)
def transfer_log(request: Request, transfer_id: int) -> StreamingHttpResponse:
    """Every pair, and for every data type how many rows were moved, dropped, merged and deleted."""
    transfer = access_transfer(request.user, transfer_id)
    record_download(request, transfer, "full log")
    return csv_download(f"transfer-{transfer.pk}-log.csv", sheets.log_csv(transfer))


@require_safe
@requires(*LOOK_AROUND)
def transfer_retry_file(request: Request, transfer_id: int) -> StreamingHttpResponse:
    """What was not transferred, in the shape of people.csv: to be edited and uploaded."""
    transfer = access_transfer(request.user, transfer_id)
    if transfer.keeps_target:  # as a file it would be an ordinary transfer, and overwrite
        raise Http404("Late arrivals are not moved by a file.")
    record_download(request, transfer, "file of the failed transfers")
    return csv_download(f"people-transfer-{transfer.pk}.csv", sheets.retry_csv(request.user, transfer))


def record_download(request: Request, transfer: Transfer, what: str) -> None:
    audit.record(
        "audit-downloaded",
        tenant_id=transfer.tenant_id,
        by=request.user,
        address=address_of(request),
        transfer_id=transfer.pk,
        what=what,
    )
