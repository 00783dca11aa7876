"""The part of a preview that is polled: the progress of the counting. At the end, the entire preview is reloaded."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import Request, requires
from accounts.permissions import Permission
from accounts.signing_in.sessions.lifetime import polled
from transfers.models import Transfer
from transfers.planning.background_counts import count_draft, counting_progress
from transfers.views.preview import draft_view
from web.paging import query_without

# Polls without progress before the request itself counts a portion, as no worker seems to be running.
PATIENCE = 2


@polled
@require_safe
@requires(Permission.TRANSFER_BULK)
@draft_view
def preview_counting(request: Request, draft: Transfer) -> HttpResponse:
    """Show the counting progress. If there was none for a while or scripts are disabled, count a portion first."""
    waited = number_in(request, "Times-Waited") if request.htmx else PATIENCE
    counted_here = waited >= PATIENCE and count_draft(draft.pk, portions=1)
    if not request.htmx:
        return redirect(f"{reverse('transfers:preview', args=[draft.number])}?{request.GET.urlencode()}")
    counted = counting_progress(draft)
    no_progress = counted.counted == number_in(request, "Counted-Before")
    waited = PATIENCE if counted_here else waited + 1 if no_progress else 0
    part = {"draft": draft, "counted": counted, "waited": waited, "here": query_without(request, "row")}
    template = "confirmation_counting.html" if "window" in request.GET else "preview.html"
    return render(request, f"transfers/{template}#counting", part)


def number_in(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0
