"""The page of a single transfer: choose two users, see what will happen to each data type, and start it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.access import Request, requires
from accounts.models import User
from accounts.people.search import find_users
from accounts.permissions import Permission
from accounts.scope import visible_users
from transfers import actions
from transfers.access import visible_busy
from transfers.planning.plan import plan_for_pair
from transfers.validation import problem_kinds
from transfers.views.forms import PairForm
from web.client_address import address_of
from web.post_only import post_only
from wording.phrases import counted
from wording.problems import Problem

OPTIONS = 20
HINTS = {
    "target": "Keeps their account. Their data is combined with the Source User's or overwritten.",
    "source": "This user's data moves to the Target User.",
}
REMEDIES = {
    problem_kinds.UNKNOWN_USER.code: "Choose another user. Users outside your views cannot be transferred.",
    problem_kinds.NOTHING_TO_MOVE.code: "Check that this is the right user.",
}


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.TRANSFER_ONE)
def single(request: Request) -> HttpResponse:
    form = PairForm(request.POST if request.method == "POST" else request.GET)
    form.is_valid()  # invalid values count as not chosen
    if request.method == "POST":
        return start_draft(request, form.cleaned_data)
    return show_pair(request, form.cleaned_data)


def start_draft(request: Request, chosen: dict[str, Any]) -> HttpResponse:
    """Create the draft and redirect to its confirmation, or back to the page if a user is not chosen."""
    source, target = chosen.get("source"), chosen.get("target")
    if source is None or target is None:
        return redirect(single_url(chosen))
    draft = actions.start_single(
        by=request.user, source_id=source, target_id=target, address=address_of(request)
    )
    return redirect("transfers:transfer-confirmation", draft.number, permanent=False)


def show_pair(request: Request, chosen: dict[str, Any]) -> HttpResponse:
    if chosen.get("swap"):
        swapped = chosen | {"source": chosen.get("target"), "target": chosen.get("source")}
        return redirect(single_url(swapped))
    part = {"outcome": "#outcome", "single": "#single"}.get(request.htmx.target or "", "")
    context = single_context(request.user, chosen)
    # These buttons disappear with the reason for them, and the focus moves to the result.
    context["checked"] = request.htmx.trigger == "swap-back" or (
        request.htmx.trigger == "check-again" and not context.get("is_busy")
    )
    response = render(request, f"transfers/single.html{part}", context)
    if part:
        response["HX-Push-Url"] = single_url(chosen)
    return response


def single_url(chosen: dict[str, Any]) -> str:
    """Return the URL of the page with the chosen users, which can be bookmarked and shared."""
    state = [(name, chosen[name]) for name in ("source", "target") if chosen.get(name) is not None]
    if chosen.get("inactive"):
        state.append(("inactive", "on"))
    return reverse("transfers:single") + (f"?{urlencode(state)}" if state else "")


@dataclass(frozen=True)
class Picker:
    """A field for choosing one of the users. `unknown` is the chosen ID if the person can see no user with that ID."""

    role: str
    label: str
    hint: str
    chosen: User | None
    unknown: int | None
    query: str
    found: list[User]


def single_context(person: User, chosen: dict[str, Any]) -> dict[str, Any]:
    source, target = chosen.get("source"), chosen.get("target")
    ids = [number for number in (source, target) if number is not None]
    users = visible_users(person).select_related("team").in_bulk(ids)
    return {
        "pickers": [picker(person, role, chosen, users) for role in ("target", "source")],
        "inactive": chosen.get("inactive", False),
        "here": single_url(chosen),
        "source": users.get(source) if source else None,
        "target": users.get(target) if target else None,
        "source_id": source,
        "target_id": target,
        **pair_context(person, source, target),
    }


def pair_context(person: User, source: int | None, target: int | None) -> dict[str, Any]:
    if source is None or target is None:
        return {}
    plan = plan_for_pair(person, source, target)
    errors, warnings = without_rows(plan.errors), without_rows(plan.warnings)
    is_busy = any(problem.code == problem_kinds.BUSY.code for problem in errors)
    busy = visible_busy(person, (source, target)) if is_busy else {}
    return {
        "plan": plan,
        "errors": errors,
        "warnings": warnings,
        "looks_backwards": any(pair.looks_backwards for pair in plan.pairs),
        "warnings_in_words": counted(len(warnings), "warning") if warnings else "",
        "is_busy": is_busy,
        "busy": busy,
    }


def without_rows(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems without row numbers and with remedies that do not mention rows or people.csv."""
    return [
        replace(problem, row=None, remedy=REMEDIES.get(problem.code, problem.remedy)) for problem in problems
    ]


def picker(person: User, role: str, chosen: dict[str, Any], users: dict[int, User]) -> Picker:
    number, query = chosen.get(role), chosen.get(f"{role}_q") or ""
    found = find_users(person, query, inactive=chosen.get("inactive", False), limit=OPTIONS) if query else []
    return Picker(
        role=role,
        label=f"{role.capitalize()} User",
        hint=HINTS[role],
        chosen=users.get(number) if number else None,
        unknown=number if number not in users else None,
        query=query,
        found=[user for user in found if user.pk != number],
    )


@csrf_exempt  # CSRF is checked after access, so that an expired session redirects to sign-in
@requires(Permission.TRANSFER_ONE)
@post_only
@csrf_protect
def single_users(request: Request) -> HttpResponse:
    """Show the options of a picker: at most 20 users who match the search.

    The method is POST, although nothing is changed, because proxies may log URLs, which would contain the typed names.
    """
    query = request.POST.get("q", "")[:200]
    inactive = "inactive" in request.POST
    found = find_users(request.user, query, inactive=inactive, limit=OPTIONS + 1)
    context = {
        "users": found[:OPTIONS],
        "more": len(found) > OPTIONS,
        "exact": exact_match(query, found[:OPTIONS]),
        "query": query.strip(),
        "inactive": inactive,
        "role": "source" if request.POST.get("role") == "source" else "target",
    }
    return render(request, "transfers/single.html#options", context)


def exact_match(query: str, found: list[User]) -> User | None:
    """Return the only user found whose ID, user name or email is the query, or the only one found at all."""
    typed = query.strip().lower()
    if not typed:
        return None
    exact = [user for user in found if typed in (str(user.pk), user.username.lower(), user.email.lower())]
    by_id = [user for user in exact if typed == str(user.pk)]
    candidates = by_id or exact or found
    return candidates[0] if len(candidates) == 1 else None
