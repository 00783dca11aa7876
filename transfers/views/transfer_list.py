"""The list of confirmed transfers that the person may see."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import Request, requires
from transfers.access import visible_transfers
from transfers.results.entries import list_entries
from transfers.views.filters import TransferFilter, names_user
from transfers.views.transfer_detail import VIEW_PERMISSIONS
from web.filtering import in_use, render_list
from web.paging import page_of, query_without, rows_per_page


@require_safe
@requires(*VIEW_PERMISSIONS)
def transfer_list(request: Request) -> HttpResponse:
    transfers = visible_transfers(request.user).filter(confirmed_at__isnull=False)
    chosen = TransferFilter(request.GET, queryset=transfers, request=request)
    page = page_of(request, chosen.qs)
    searched = chosen.form.cleaned_data.get("user")
    context = {
        "filter": chosen,
        "page": page,
        "entries": list_entries(request.user, page.object_list, names_user(searched) if searched else None),
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows"),
        "in_use": in_use(chosen),
    }
    return render_list(request, "transfers/transfer_list.html", context)
