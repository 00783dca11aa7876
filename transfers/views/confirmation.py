"""The confirmation of a single or bulk transfer, shown in a window over the page or as a separate page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from accounts.access import Request, requires
from accounts.signing_in.sessions.lifetime import recent_sign_in
from transfers import actions
from transfers.access import access_transfer_to_run, visible_busy
from transfers.actions.confirming import asks_for_number
from transfers.models import State, Transfer
from transfers.models.transfer import PERMISSION_TO_RUN
from transfers.planning.background_counts import (
    counted_recently,
    counting_progress,
    is_large,
    plan_to_show,
)
from transfers.planning.plan import Plan
from transfers.planning.undo.plan import UndoPlan
from transfers.validation import problem_kinds
from transfers.validation.undo import problem_kinds as undo_kinds
from transfers.views.bulk import redirect_to
from transfers.views.forms import ConfirmForm
from transfers.views.preview import STILL_COUNTING
from transfers.views.single import without_rows
from web.client_address import address_of
from wording.phrases import counted
from wording.problems import Problem, Severity


@require_http_methods(["GET", "HEAD", "POST"])
@requires(*PERMISSION_TO_RUN.values())
@recent_sign_in
def transfer_confirmation(request: Request, transfer_number: int) -> HttpResponse:
    transfer = access_transfer_to_run(request.user, transfer_number)
    if transfer.state == State.DISCARDED:
        raise Http404("No such preview.")
    if transfer.state != State.DRAFT:
        return redirect_to(request, detail_url(transfer.number))
    if request.method == "POST":
        return confirm(request, transfer)
    if has_to_count_first(request, transfer):
        return wait_for_counts(request, transfer)
    stored = "counted" in request.GET  # the window has just waited for these counts
    return ask(request, transfer, plan_to_show(transfer, request.user, stored=stored))


def has_to_count_first(request: Request, transfer: Transfer) -> bool:
    """Return whether the records of a large draft are being counted, after starting it if the numbers are old.

    Without scripts no progress can be shown, so that old numbers are counted again by `plan_to_show`.
    """
    if not transfer.is_bulk or not is_large(transfer):
        return False
    if request.htmx and "counted" not in request.GET and not counted_recently(transfer):
        actions.count_again(by=request.user, transfer=transfer)
        transfer.refresh_from_db()
    return not counting_progress(transfer).is_complete


def wait_for_counts(request: Request, transfer: Transfer) -> HttpResponse:
    """Show the progress in the window, or return to the preview, which shows it."""
    if not request.htmx:
        messages.warning(request, f"{STILL_COUNTING} You can run the transfer when all numbers are known.")
        return redirect("transfers:preview", transfer.number)
    part = {"draft": transfer, "counted": counting_progress(transfer)}
    return render(request, "transfers/confirmation_counting.html", part)


def confirm(request: Request, transfer: Transfer) -> HttpResponse:
    """Start the transfer and redirect to its page, or show the confirmation again with the reason it cannot start."""
    form = ConfirmForm(request.POST, bulk=asks_for_number(transfer))
    if not form.is_valid():
        return ask(request, transfer, plan_to_show(transfer, request.user), sentences=form.sentences)
    try:
        actions.confirm(
            by=request.user,
            transfer=transfer,
            plan_hash=form.cleaned_data["plan_hash"],
            typed_count=form.cleaned_data.get("typed_count"),
            ticked=request.POST.getlist("ticked"),
            address=address_of(request),
        )
    except actions.PlanChanged as changed:
        return ask(request, transfer, changed.plan, changes=changed_totals(form.cleaned_data, changed.plan))
    except actions.CannotConfirm as cannot:
        plan = cannot.plan or plan_to_show(transfer, request.user)
        return ask(request, transfer, plan, problems=cannot.problems)
    return redirect_to(request, detail_url(transfer.number))


def ask(request: Request, transfer: Transfer, plan: Plan, **errors: Any) -> HttpResponse:
    """Show the confirmation with the `sentences`, `problems` or `changes` in `errors`, if there are any."""
    posted = request.method == "POST"
    in_window = "window" in request.POST if posted else bool(request.htmx)
    if not plan.ready and not errors.get("problems"):
        nothing = undo_kinds.NOBODY_SELECTED if transfer.is_undo else problem_kinds.NOTHING_SELECTED
        errors["problems"] = plan.errors or [nothing()]
    if "problems" in errors:
        errors["busy"] = busy_in(request, errors["problems"])
        errors["problems"] = group_by_kind(transfer, errors["problems"])
    context = confirmation_context(transfer, plan) | errors | {"in_window": in_window}
    part = "" if not request.htmx else "#body" if posted else "#window"
    return render(request, f"transfers/transfer_confirmation.html{part}", context)


def busy_in(request: Request, problems: Sequence[Problem]) -> dict[str, int]:
    return visible_busy(request.user, [int(p.value) for p in problems if p.code == problem_kinds.BUSY.code])


@dataclass(frozen=True)
class ProblemGroup:
    """The first problem of a kind and the number of further ones. Up to 2,000 rows may have problems of one kind."""

    problem: Problem
    more: int


def group_by_kind(transfer: Transfer, problems: Sequence[Problem]) -> list[ProblemGroup]:
    rows_by_code = Counter(problem.code for problem in problems)
    first = {problem.code: problem for problem in reversed(problems)}
    shown = [first[code] for code in rows_by_code]
    return [
        ProblemGroup(problem, rows_by_code[problem.code] - 1)
        for problem in (shown if names_rows(transfer) else without_rows(shown))
    ]


def names_rows(transfer: Transfer) -> bool:
    return (transfer.undoes or transfer).is_bulk


def confirmation_context(transfer: Transfer, plan: Plan) -> dict[str, Any]:
    pairs = [pair for pair in plan.pairs if pair.source and pair.target]
    back = cancel_url(transfer, plan)
    return {
        "place": detail_url(transfer.undone_number) if transfer.undone_number else back,
        "transfer": transfer,
        "several": asks_for_number(transfer),
        "plan": plan,
        "pair": pairs[0] if pairs else None,
        "pairs": pairs,
        "warnings": group_by_kind(transfer, plan.warnings),
        "warnings_in_words": warnings_in_words(transfer, plan),
        "back": back,
    }


def warnings_in_words(transfer: Transfer, plan: Plan) -> str:
    """Return how many warnings there are: rows that have some, as in the preview, or the warnings of the only pair."""
    if not names_rows(transfer):
        return counted(len(plan.warnings), "warning") if plan.warnings else ""
    rows = sum(any(problem.severity is Severity.WARNING for problem in row.problems) for row in plan.rows)
    of_file = sum(problem.severity is Severity.WARNING for problem in plan.problems)
    words = [f"{counted(rows, 'row')} with warnings"] * bool(rows)
    words += [f"{counted(of_file, 'warning')} about the file"] * bool(of_file)
    return ", ".join(words)


def detail_url(transfer_number: int) -> str:
    return reverse("transfers:transfer-detail", args=[transfer_number])


def cancel_url(transfer: Transfer, plan: Plan) -> str:
    """Return the URL to which Cancel leads if the confirmation is a separate page."""
    if transfer.is_undo:
        return reverse("transfers:undo-preview", args=[transfer.number])
    if transfer.is_bulk:
        return reverse("transfers:preview", args=[transfer.number])
    if transfer.keeps_target:
        earlier = transfer.file_summary.get("late_of") or transfer.file_summary.get("retry_of")
        return detail_url(earlier) if earlier else reverse("transfers:transfer-list")
    users = [("source", pair.source.id) for pair in plan.pairs if pair.source]
    users += [("target", pair.target.id) for pair in plan.pairs if pair.target]
    return f"{reverse('transfers:single')}?{urlencode(users)}"


def changed_totals(shown: dict[str, Any], plan: Plan) -> list[str]:
    """Describe each total that differs from the one shown to the person, with its old and new value."""
    now = {"transferred": plan.totals.transferred, "deleted": plan.totals.deleted}
    names = {"transferred": "Records to move", "deleted": "Records to delete from the target"}
    if isinstance(plan, UndoPlan):
        names["transferred"] = "Records to give back"
    changed = [
        f"{names[name]}: was {shown[name]:,}, is now {number:,}."
        for name, number in now.items()
        if shown.get(name) is not None and shown[name] != number
    ]
    return changed or [
        "The totals are the same, but a user, a warning or the records behind a number have changed."
    ]
