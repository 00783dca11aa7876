"""The list of confirmed transfers that the person may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import Request, requires
from transfers.access import visible_transfers
from transfers.models import PairState, Transfer, TransferPair
from transfers.results.progress import duration_of
from transfers.results.undo import undone_word
from transfers.views.filters import TransferFilter, in_use
from transfers.views.transfer_detail import VIEW_PERMISSIONS
from web.paging import page_of, query_without, rows_per_page


@require_safe
@requires(*VIEW_PERMISSIONS)
def transfer_list(request: Request) -> HttpResponse:
    transfers = visible_transfers(request.user).filter(confirmed_at__isnull=False)
    chosen = TransferFilter(request.GET, queryset=transfers, request=request)
    page = page_of(request, chosen.qs)
    context = {
        "filter": chosen,
        "page": page,
        "entries": list_entries(page.object_list),
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows"),
        "in_use": in_use(chosen),
    }
    return render(request, "transfers/transfer_list.html", context)


@dataclass(frozen=True)
class Entry:
    """A transfer and its numbers of pairs by result. User names and IDs are shown only if it has a single pair."""

    transfer: Transfer
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    not_started: int = 0
    undone: int = 0
    source_id: int = 0
    target_id: int = 0
    source_name: str = ""
    target_name: str = ""

    @property
    def undone_word(self) -> str:
        return undone_word(self.undone, self.succeeded)

    @property
    def took(self) -> str:
        return duration_of(self.transfer)


def list_entries(transfers: Iterable[Transfer]) -> list[Entry]:
    """Return the transfers with the numbers of their pairs, counted for all transfers in one query."""
    shown = list(transfers)
    numbers = {row.pop("transfer_id"): row for row in pair_numbers(shown)}
    return [Entry(transfer, **numbers.get(transfer.pk, {})) for transfer in shown]


def pair_numbers(transfers: list[Transfer]) -> Iterable[Any]:
    states = {
        "succeeded": PairState.SUCCEEDED,
        "failed": PairState.FAILED,
        "not_started": PairState.NOT_STARTED,
    }
    any_of = {name: Min(name) for name in ("source_id", "target_id", "source_name", "target_name")}
    return (
        TransferPair.objects.filter(transfer__in=transfers)
        .values("transfer_id")
        .order_by()
        .annotate(total=Count("id"))
        .annotate(**{name: Count("id", filter=Q(state=state)) for name, state in states.items()})
        .annotate(undone=Count("undone_by"), **any_of)
    )
