"""What happens to rows that were corrected in a file downloaded from another preview."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts.access import Request, requires
from accounts.permissions import Permission
from transfers import actions
from transfers.models import Transfer
from transfers.planning.corrections import Correction
from transfers.views.preview import draft_view
from web.client_address import address_of
from wording.phrases import counted

NOT_THERE = (
    "Nothing was changed: the preview that these rows came from has been changed, confirmed or discarded."
)


@require_POST
@requires(Permission.TRANSFER_BULK)
@draft_view
def preview_corrections(request: Request, draft: Transfer) -> HttpResponse:
    """Put the rows into the preview they came from, and show that one."""
    found = actions.put_into_original(by=request.user, transfer=draft, address=address_of(request))
    if found is None:
        messages.warning(request, NOT_THERE)
        return redirect("transfers:preview", draft.number)
    messages.success(request, what_was_done(draft, found))
    return redirect("transfers:preview", found.original.number)


def what_was_done(draft: Transfer, found: Correction) -> str:
    done = "{} of <span translate='no'>{}</span> replaced the same rows of this preview."
    if not found.changed:
        return format_html(done, counted(len(found.rows), "row"), draft.file_name)
    rest = " {} of the file had been corrected or cleared here already and stayed as they are."
    return format_html(
        done + rest, counted(len(found.rows), "row"), draft.file_name, counted(found.changed, "row")
    )


@require_POST
@requires(Permission.TRANSFER_BULK)
@draft_view
def preview_kept_apart(request: Request, draft: Transfer) -> HttpResponse:
    actions.keep_apart(transfer=draft)
    return redirect("transfers:preview", draft.number)
