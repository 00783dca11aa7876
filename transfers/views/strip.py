"""The strip that announces an open transfer on every page, and says on the open page when the transfer has ended."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from accounts.access import Request, signed_in
from accounts.models import User
from accounts.people.search import LARGEST_ID
from accounts.signing_in.sessions.lifetime import polled
from transfers.access import visible_transfers
from transfers.models import OPEN, PairState, State, Transfer
from transfers.results.progress import numbers_in_words, progress_of
from transfers.views.confirmation import detail_url


def running(request: HttpRequest) -> dict[str, Any]:
    """Return the context variable `strip`: one open transfer of the tenant, or None.

    The query runs only if the page renders the strip. The page of the transfer itself has no strip, and the start page
    has none of a transfer that it lists.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or getattr(request, "htmx", False):
        return {}
    return {"strip": SimpleLazyObject(lambda: elsewhere(strip_of(user), request.path))}


def elsewhere(strip: dict[str, Any] | None, path: str) -> dict[str, Any] | None:
    shows_it = strip and strip.get("url") and path in (strip["url"], reverse("transfers:transfer-home"))
    return None if shows_it else strip


@polled
@require_safe
@signed_in
def running_strip(request: Request) -> HttpResponse:
    """Show the strip again. `of` is the transfer that the page showed: if it has ended, say how."""
    if not request.htmx:
        return redirect("transfers:transfer-home")
    strip = strip_of(request.user)
    shown = request.GET.get("of", "")
    if (
        shown.isdecimal()
        and int(shown) <= LARGEST_ID
        and (strip is None or strip.get("number") != int(shown))
    ):
        strip = ended_strip(request.user, int(shown)) or strip
    return render(request, "components/strip.html", {"strip": strip})


def strip_of(person: User) -> dict[str, Any] | None:
    """Return an open transfer of the tenant.

    Transfers that the person may see take precedence, then bulk transfers, then newer ones. People who may not see the
    transfer learn only its kind and state.
    """
    open_ones = Transfer.objects.filter(tenant_id=person.tenant_id, state__in=OPEN)
    # Mostly no transfer is open, and Django takes longer to build the query below than most pages to render.
    if not open_ones.exists():
        return None
    transfer = (
        open_ones.annotate(
            total=Count("pairs"),
            done=Count("pairs", filter=~Q(pairs__state=PairState.PENDING)),
            mine=Q(pk__in=visible_transfers(person).values("pk")),
        )
        .order_by("-mine", "kind", "-id")  # "bulk" sorts before "single" and "undo"
        .first()
    )
    if transfer is None:
        return None
    strip = {
        "label": "Undo" if transfer.is_undo else f"{transfer.get_kind_display()} transfer",
        "verb": "running" if transfer.state == State.RUNNING else "waiting",
    }
    if not transfer.mine:
        return strip
    return strip | {
        "number": transfer.number,
        "done": transfer.done,
        "total": transfer.total,
        "url": detail_url(transfer.number),
    }


def ended_strip(person: User, number: int) -> dict[str, Any] | None:
    transfer = visible_transfers(person).filter(number=number).first()
    if transfer is None or not transfer.is_final:
        return None
    result = numbers_in_words(progress_of(transfer), transfer.done_word)
    return {"ended": f"Transfer {transfer.number} ended: {result}", "url": detail_url(transfer.number)}
