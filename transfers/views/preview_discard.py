"""Discard a preview, after a question if the person has changed something in it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.access import Request, requires
from accounts.permissions import Permission
from audit.models import AuditEvent
from transfers import actions
from transfers.models import Transfer
from transfers.views.bulk import redirect_to
from transfers.views.preview import draft_view
from web.client_address import address_of
from web.post_only import post_only

CHANGES = (
    "row-changed",
    "row-cleared",
    "row-restored",
    "row-confirmed",
    "rows-corrected",
    "direction-swapped",
)


@post_only
@requires(Permission.TRANSFER_BULK)
@draft_view
def preview_discard(request: Request, draft: Transfer) -> HttpResponse:
    """Discard the preview. If the person made changes in it, ask first: they would have to be made again."""
    changes = AuditEvent.objects.filter(
        tenant_id=draft.tenant_id, transfer_number=draft.number, kind__in=CHANGES
    ).count()
    if changes and "sure" not in request.POST:
        part = "#window" if request.htmx else ""
        return render(request, f"transfers/preview_discard.html{part}", {"draft": draft, "changes": changes})
    actions.discard(by=request.user, transfer=draft, address=address_of(request))
    messages.success(request, "The preview was discarded. Nothing was transferred.")
    return redirect_to(request, reverse("transfers:bulk"))
