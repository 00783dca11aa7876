"""Context processor for the strip that announces an open transfer on every page."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from transfers.access import visible_transfers
from transfers.models import OPEN, PairState, State, Transfer


def running(request: HttpRequest) -> dict[str, Any]:
    """Return the context variable `strip`: one open transfer of the tenant, or None.

    Transfers that the person may see take precedence, then bulk transfers, then newer ones. The query runs only if the
    page renders the strip. People who may not see the transfer learn only its kind and state.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or getattr(request, "htmx", False):
        return {}
    return {"strip": SimpleLazyObject(lambda: strip_of(user))}


def strip_of(person: User) -> dict[str, Any] | None:
    transfer = (
        Transfer.objects.filter(tenant_id=person.tenant_id, state__in=OPEN)
        .annotate(
            total=Count("pairs"),
            done=Count("pairs", filter=~Q(pairs__state=PairState.PENDING)),
            mine=Q(pk__in=visible_transfers(person).values("pk")),
        )
        .order_by("-mine", "kind", "-id")  # "bulk" sorts before "single"
        .first()
    )
    if transfer is None:
        return None
    strip = {
        "label": f"{transfer.get_kind_display()} transfer",
        "verb": "running" if transfer.state == State.RUNNING else "waiting",
    }
    if not transfer.mine:
        return strip
    page = reverse("transfers:transfer-detail", args=[transfer.pk])
    return strip | {"done": transfer.done, "total": transfer.total, "url": page}
