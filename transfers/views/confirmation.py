"""The last question before a transfer runs, in a window over the page or as a page of its own; single and bulk."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from accounts.client import address_of
from accounts.doors import Request, requires
from accounts.permissions import Permission
from accounts.sessions import recent_sign_in
from transfers import actions
from transfers.counting import plan_to_show
from transfers.doors import access_transfer_to_run, visible_busy
from transfers.forms import ConfirmForm
from transfers.models import State, Transfer
from transfers.plan import Plan
from transfers.problems import Problem
from transfers.validation import kinds
from transfers.views.bulk import lead_to
from transfers.views.single import without_rows

FIRST_PAIRS = 5


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.TRANSFER_ONE, Permission.TRANSFER_BULK)
@recent_sign_in
def transfer_confirmation(request: Request, transfer_id: int) -> HttpResponse:
    transfer = access_transfer_to_run(request.user, transfer_id)
    if transfer.state == State.DISCARDED:
        raise Http404("No such preview.")
    if transfer.state != State.DRAFT:
        return lead_to(request, detail(transfer))
    if request.method == "POST":
        return confirm(request, transfer)
    return ask(request, transfer, plan_to_show(transfer, request.user))


def confirm(request: Request, transfer: Transfer) -> HttpResponse:
    """Starts it and leads to its page; whatever stands in the way is said in the window, which stays."""
    form = ConfirmForm(request.POST, bulk=transfer.is_bulk)
    if not form.is_valid():
        return ask(request, transfer, plan_to_show(transfer, request.user), sentences=form.sentences)
    try:
        actions.confirm(
            by=request.user,
            transfer=transfer,
            plan_hash=form.cleaned_data["plan_hash"],
            typed_count=form.cleaned_data.get("typed_count"),
            address=address_of(request),
        )
    except actions.PlanChanged as changed:
        return ask(request, transfer, changed.plan, changes=what_changed(form.cleaned_data, changed.plan))
    except actions.CannotConfirm as cannot:
        plan = cannot.plan or plan_to_show(transfer, request.user)
        return ask(request, transfer, plan, problems=cannot.problems)
    return lead_to(request, detail(transfer))


def ask(request: Request, transfer: Transfer, plan: Plan, **trouble: Any) -> HttpResponse:
    """The question; `trouble`: `sentences`, `problems` or `changes` to show with it."""
    posted = request.method == "POST"
    in_window = "window" in request.POST if posted else bool(request.htmx)
    if not plan.ready and not trouble.get("problems"):
        trouble["problems"] = plan.errors or [kinds.NOTHING_SELECTED()]
    if "problems" in trouble:
        trouble["busy"] = busy_in(request, trouble["problems"])
        trouble["problems"] = told(transfer, trouble["problems"])
    context = contents(transfer, plan) | trouble | {"in_window": in_window}
    part = "" if not request.htmx else "#body" if posted else "#window"
    return render(request, f"transfers/transfer_confirmation.html{part}", context)


def busy_in(request: Request, problems: Sequence[Problem]) -> dict[str, int]:
    return visible_busy(request.user, [int(p.value) for p in problems if p.code == kinds.BUSY.code])


@dataclass(frozen=True)
class Told:
    """A problem that is shown, and how many more rows have one of the same kind; 2,000 rows need not say it each."""

    problem: Problem
    more: int


def told(transfer: Transfer, problems: Sequence[Problem]) -> list[Told]:
    kinds_of = Counter(problem.code for problem in problems)
    first = {problem.code: problem for problem in reversed(problems)}
    shown = [first[code] for code in kinds_of]
    return [
        Told(problem, kinds_of[problem.code] - 1)
        for problem in (shown if transfer.is_bulk else without_rows(shown))
    ]


def contents(transfer: Transfer, plan: Plan) -> dict[str, Any]:
    pairs = [pair for pair in plan.pairs if pair.source and pair.target]
    return {
        "place": back(transfer, plan),
        "transfer": transfer,
        "plan": plan,
        "pair": pairs[0] if pairs else None,
        "pairs": pairs,
        "first_pairs": pairs[:FIRST_PAIRS],
        "warnings": told(transfer, plan.warnings),
        "number_of_warnings": len(plan.warnings),
        "back": back(transfer, plan),
    }


def detail(transfer: Transfer) -> str:
    return detail_of(transfer.pk)


def detail_of(transfer_id: int) -> str:
    return reverse("transfers:transfer-detail", args=[transfer_id])


def back(transfer: Transfer, plan: Plan) -> str:
    """Where Cancel leads when there is no window to close."""
    if transfer.is_bulk:
        return reverse("transfers:preview", args=[transfer.pk])
    if transfer.keeps_target:
        earlier = transfer.file_summary.get("late_of") or transfer.file_summary.get("retry_of")
        return detail_of(earlier) if earlier else reverse("transfers:transfer-list")
    users = [("source", pair.source.id) for pair in plan.pairs if pair.source]
    users += [("target", pair.target.id) for pair in plan.pairs if pair.target]
    return f"{reverse('transfers:single')}?{urlencode(users)}"


def what_changed(shown: dict[str, Any], plan: Plan) -> list[str]:
    """The numbers that were shown, beside those of now."""
    now = {"combined": plan.totals.combined, "deleted": plan.totals.deleted}
    names = {"combined": "Records combined", "deleted": "Records deleted from the target"}
    changed = [
        f"{names[name]}: was {shown[name]:,}, is now {number:,}."
        for name, number in now.items()
        if shown.get(name) is not None and shown[name] != number
    ]
    return changed or ["The totals are the same. A user, a warning or the records behind a number changed."]
