"""The views: their list, making and changing them, what is in them and to whom they are assigned.

"View" is the product's word for `AccessView`; the functions that answer requests are pages here.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions
from accounts.actions.access_views import reason_not_to_change_view
from accounts.changes import fingerprint, state_of_view
from accounts.client import address_of
from accounts.doors import Request, access_view, requires
from accounts.forms_people import ViewForm
from accounts.models import AccessView, AccessViewAssignment, AccessViewTeam, AccessViewUser, User
from accounts.paging import page_of, query_without, rows_per_page, search_text
from accounts.permissions import Permission
from accounts.scope import views_within_reach, visible_users
from accounts.search import as_id, find_users
from accounts.views.storing import store

LISTED = 50  # users of a view that are shown; the others are found by the search
FOUND = 20


@require_safe
@requires(Permission.MANAGE_VIEWS)
def view_list(request: Request) -> HttpResponse:
    text = search_text(request)
    views = views_within_reach(request.user).order_by("-is_enterprise", "name")
    page = page_of(request, views.filter(name__icontains=text) if text else views)
    context = {
        "page": page,
        "views": counted(request.user, page.object_list),
        "search": text,
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows"),
    }
    return render(request, "accounts/view_list.html", context)


def counted(person: User, views: Iterable[AccessView]) -> list[AccessView]:
    """With their numbers of teams, of single users, and of people they are assigned to as far as `person` sees them."""
    shown = [view.pk for view in views]
    assigned = AccessViewAssignment.objects.filter(user__in=visible_users(person).values("id"))
    found = AccessView.objects.filter(pk__in=shown).annotate(
        number_of_teams=number_of(AccessViewTeam.objects.all()),
        number_of_users=number_of(AccessViewUser.objects.all()),
        number_of_people=number_of(assigned),
    )
    by_id = found.in_bulk()
    return [by_id[pk] for pk in shown]


def number_of(links: QuerySet[Any]) -> Coalesce:
    """Counted apart: joined to each other, the members of a large view would be multiplied."""
    of_view = links.filter(view=OuterRef("pk")).order_by().values("view").annotate(n=Count("pk"))
    return Coalesce(Subquery(of_view.values("n")), 0)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_VIEWS)
def view_new(request: Request) -> HttpResponse:
    form = ViewForm(request.POST if request.method == "POST" else None, person=request.user)
    if form.is_valid() and (view := store(request, form, actions.create_view, **form.values)):
        messages.success(
            request, f"{view.name} was created. Now say who is in it and to whom it is assigned."
        )
        return redirect("accounts:view-edit", view.pk)
    return show(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_VIEWS)
def view_edit(request: Request, view_id: int) -> HttpResponse:
    view = access_view(request.user, view_id)
    if request.method == "POST":
        return change(request, view)
    initial = {
        "name": view.name,
        "is_active": view.is_active,
        "teams": [team.pk for team in view.teams.all()],
        "was": fingerprint(state_of_view(view)),
    }
    return show(request, ViewForm(initial=initial, person=request.user), view)


def change(request: Request, view: AccessView) -> HttpResponse:
    form = ViewForm(request.POST, person=request.user)
    if form.is_valid():
        facts = {"view_id": view.pk, "was": form.cleaned_data["was"], **form.values}
        if saved := store(request, form, actions.change_view, **facts):
            messages.success(request, f"{saved.name} was saved. It holds from the next request on.")
            return redirect("accounts:view-edit", view.pk)
    return show(request, form, view)


def show(request: Request, form: ViewForm, view: AccessView | None = None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "view": view}
    if view is not None:
        context["reason"] = reason_not_to_change_view(request.user, view)
        context["parts"] = [
            part(request, view, "users", "In this view besides the teams", view.users.all()),
            part(request, view, "people", "People it is assigned to", view.people.all()),
        ]
    return render(request, "accounts/view_form.html", context, status=422 if form.errors else 200)


def part(
    request: Request, view: AccessView, name: str, title: str, members: QuerySet[User]
) -> dict[str, Any]:
    """One of the two lists of a view; `found`: whom the search has brought, with whether they are in already."""
    inside = members.filter(pk__in=visible_users(request.user).values("id")).select_related("team")
    text = request.GET.get(name, "").replace("\0", "").strip()[:200]
    found = find_users(request.user, text, inactive=True, limit=FOUND) if text else []
    already = set(inside.filter(pk__in=[user.pk for user in found]).values_list("pk", flat=True))
    number = inside.count()
    return {
        "name": name,
        "title": title,
        "address": reverse(f"accounts:view-{name}", args=[view.pk]),
        "members": inside.order_by("sort_name", "id")[:LISTED],
        "number": number,
        "more": max(0, number - LISTED),
        "search": text,
        "found": [(user, user.pk in already) for user in found],
        "fixed": reason_not_to_change_view(request.user, view) if name == "users" else "",
    }


Switch = Callable[..., User]


@require_POST
@requires(Permission.MANAGE_VIEWS)
def view_users(request: Request, view_id: int) -> HttpResponse:
    """Puts a single user into the view, or takes one out."""
    return switch(request, view_id, "users", actions.put_into_view, actions.take_out_of_view)


@require_POST
@requires(Permission.MANAGE_VIEWS)
def view_people(request: Request, view_id: int) -> HttpResponse:
    """Assigns the view to a person, or takes it away from one."""
    return switch(request, view_id, "people", actions.assign_view, actions.unassign_view)


def switch(request: Request, view_id: int, name: str, add: Switch, take: Switch) -> HttpResponse:
    act = add if "add" in request.POST else take
    user_id = as_id(request.POST.get("add") or request.POST.get("take") or "") or 0
    try:
        user = act(by=request.user, view_id=view_id, user_id=user_id, address=address_of(request))
    except actions.Refused as refused:
        messages.error(request, str(refused))
    else:
        done = "is in the list now" if act is add else "is not in the list any more"
        messages.success(request, f"{user.name} {done}. It holds from the next request on.")
    return redirect(f"{reverse('accounts:view-edit', args=[view_id])}#{name}")


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_VIEWS)
def view_delete(request: Request, view_id: int) -> HttpResponse:
    """Asks, and deletes it when asked by the form."""
    view = access_view(request.user, view_id)
    if request.method != "POST":
        return ask_to_delete(request, view)
    try:
        actions.delete_view(by=request.user, view_id=view_id, address=address_of(request))
    except actions.Refused as refused:
        messages.error(request, str(refused))
        return redirect("accounts:view-edit", view_id)
    messages.success(request, f"{view.name} was deleted.")
    return redirect("accounts:view-list")


def ask_to_delete(request: Request, view: AccessView) -> HttpResponse:
    (view,) = counted(request.user, [view])
    context = {"view": view, "reason": reason_not_to_change_view(request.user, view)}
    return render(request, "accounts/view_delete.html", context)
