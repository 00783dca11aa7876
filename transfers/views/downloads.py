"""The downloads, as CSV or with `?format=xlsx` as workbooks. Their contents come from `results.exports`."""

from django.http import Http404
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.access import Request, requires
from accounts.permissions import Permission
from audit import log as audit_log
from transfers.access import access_draft, access_rehearsal, access_transfer
from transfers.models import Transfer
from transfers.results import exports
from transfers.results.rehearsal import report_table
from transfers.views.preview import recheck_if_out_of_view
from transfers.views.transfer_detail import VIEW_PERMISSIONS
from web.client_address import address_of
from web.downloads import table_download


@require_safe
@requires(Permission.TRANSFER_BULK)
def people_export(request: Request) -> HttpResponseBase:
    """Download people.csv with all active and inactive users in the person's views and an empty To User ID."""
    users = exports.export_people(by=request.user, address=address_of(request))
    return table_download(request, "people", users)


@require_safe
@requires(Permission.TRANSFER_BULK)
def preview_errors(request: Request, transfer_number: int) -> HttpResponseBase:
    """Download the rows that have errors, with the columns of people.csv and Result. The file can be uploaded."""
    draft = recheck_if_out_of_view(request.user, access_draft(request.user, transfer_number))
    return table_download(
        request, f"people-errors-{draft.number}", exports.draft_errors_table(request.user, draft)
    )


@require_safe
@requires(Permission.TRANSFER_ONE, Permission.TRANSFER_BULK)
def rehearsal_report(request: Request, transfer_number: int) -> HttpResponseBase:
    """Download all pairs of a rehearsal, each with what a transfer would do, or why it would fail."""
    rehearsal = access_rehearsal(request.user, transfer_number)
    record_download(request, rehearsal.transfer, "rehearsal report")
    return table_download(
        request, f"rehearsal-{rehearsal.transfer.number}", report_table(request.user, rehearsal)
    )


@require_safe
@requires(*VIEW_PERMISSIONS)
def transfer_errors(request: Request, transfer_number: int) -> HttpResponseBase:
    """Download the audit log of errors: each pair that was not transferred, with the reason and the remedy."""
    transfer = access_transfer(request.user, transfer_number)
    record_download(request, transfer, "audit log of errors")
    return table_download(request, f"transfer-{transfer.number}-errors", exports.errors_table(transfer))


@require_safe
@requires(*VIEW_PERMISSIONS)
def transfer_log(request: Request, transfer_number: int) -> HttpResponseBase:
    """Download all pairs, with the numbers of records moved, dropped, merged and deleted by data type."""
    transfer = access_transfer(request.user, transfer_number)
    record_download(request, transfer, "full log")
    return table_download(request, f"transfer-{transfer.number}-log", exports.log_table(transfer))


@require_safe
@requires(*VIEW_PERMISSIONS)
def transfer_retry_file(request: Request, transfer_number: int) -> HttpResponseBase:
    """Download the pairs that were not transferred as a people.csv, which can be edited and uploaded."""
    transfer = access_transfer(request.user, transfer_number)
    if (
        transfer.keeps_target or transfer.is_undo
    ):  # the uploaded file would start an ordinary transfer, which overwrites
        raise Http404("Only ordinary transfers can be retried by uploading a file.")
    record_download(request, transfer, "file of the failed transfers")
    return table_download(
        request, f"people-transfer-{transfer.number}", exports.retry_table(request.user, transfer)
    )


@require_safe
@requires(*VIEW_PERMISSIONS)
def undo_left(request: Request, transfer_number: int) -> HttpResponseBase:
    """Download the records that an undo left as they are."""
    transfer = access_transfer(request.user, transfer_number)
    record_download(request, transfer, "records that were left")
    table = exports.left_table(request.user, transfer)
    return table_download(request, f"transfer-{transfer.number}-left", table)


def record_download(request: Request, transfer: Transfer, what: str) -> None:
    audit_log.record(
        "audit-downloaded",
        tenant_id=transfer.tenant_id,
        by=request.user,
        address=address_of(request),
        transfer_number=transfer.number,
        what=what,
    )
