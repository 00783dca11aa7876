"""What happens to rows that were corrected in a file downloaded from another preview."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.access import Request, requires
from accounts.permissions import Permission
from transfers import actions
from transfers.models import Transfer
from transfers.planning.corrections import Correction
from transfers.views.preview import draft_view
from web.client_address import address_of
from web.post_only import post_only
from wording.phrases import counted

NOT_THERE = (
    "Nothing was changed: the preview that these rows came from has been changed, confirmed or discarded."
)


@post_only
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


def what_was_done(draft: Transfer, found: Correction) -> SafeString:
    file, sentences = format_html('<span translate="no">{}</span>', draft.file_name), []
    if found.rows:
        the_same = "the same row" if len(found.rows) == 1 else "the same rows"
        rows = counted(len(found.rows), "row")
        sentences.append(format_html("{} of {} replaced {} of this preview.", rows, file, the_same))
    if found.added:
        rows = counted(len(found.added), "row")
        sentences.append(format_html("{} of {} added, which had no To User ID here.", rows, file))
    if found.changed:
        stayed = "stayed as it is" if found.changed == 1 else "stayed as they are"
        had = f"{counted(found.changed, 'row')} had no error here, or {'was' if found.changed == 1 else 'were'} cleared"
        sentences.append(format_html("{}, and {}.", had, stayed))
    if found.unmatched:
        matched = "matches" if found.unmatched == 1 else "match"
        rows = counted(found.unmatched, "row")
        sentences.append(format_html("{} {} no row here: see Unfinished previews.", rows, matched))
    return format_html_join(" ", "{}", ((sentence,) for sentence in sentences))


@post_only
@requires(Permission.TRANSFER_BULK)
@draft_view
def preview_kept_apart(request: Request, draft: Transfer) -> HttpResponse:
    actions.keep_apart(transfer=draft)
    return redirect("transfers:preview", draft.number)
