"""The polled part of a preview: how far the counting is. At the end it has the preview loaded once more."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.doors import Request, requires
from accounts.paging import query_without
from accounts.permissions import Permission
from accounts.sessions import by_itself
from transfers.counting import count_draft, counted_of
from transfers.models import Transfer
from transfers.views.preview import of_draft

# So many looks in a row at a number that stands still, and the page counts a portion itself: no worker has come.
PATIENCE = 2


@by_itself
@require_safe
@requires(Permission.TRANSFER_BULK)
@of_draft
def preview_counting(request: Request, draft: Transfer) -> HttpResponse:
    """Without scripts, who follows the link has waited already."""
    waited = number_in(request, "Times-Waited") if request.htmx else PATIENCE
    counted_here = waited >= PATIENCE and count_draft(draft.pk, portions=1)
    if not request.htmx:
        return redirect(f"{reverse('transfers:preview', args=[draft.pk])}?{request.GET.urlencode()}")
    counted = counted_of(draft)
    stands_still = counted.counted == number_in(request, "Counted-Before")
    waited = PATIENCE if counted_here else waited + 1 if stands_still else 0
    part = {"draft": draft, "counted": counted, "waited": waited, "here": query_without(request, "row")}
    return render(request, "transfers/preview.html#counting", part)


def number_in(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0
