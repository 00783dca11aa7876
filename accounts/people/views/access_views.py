"""Pages that list, create, change, delete and assign views.

"View" is the product's name for `AccessView`; Django's views are called pages here.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Request, access_view, requires
from accounts.models import AccessView, AccessViewAssignment, AccessViewTeam, AccessViewUser, User
from accounts.people import actions
from accounts.people.actions.access_views import reason_not_to_change_view
from accounts.people.changes import fingerprint, state_of_view
from accounts.people.filters import ViewFilter
from accounts.people.forms import ViewForm
from accounts.people.search import as_id, find_users
from accounts.people.views.storing import store
from accounts.permissions import Permission
from accounts.scope import views_within_reach, visible_users
from web.client_address import address_of
from web.filtering import in_use, render_list
from web.paging import page_of, query_without, rows_per_page
from web.post_only import post_only

MAX_LISTED = 50  # users shown per list; the search finds the others
MAX_FOUND = 20


@require_safe
@requires(Permission.MANAGE_VIEWS)
def view_list(request: Request) -> HttpResponse:
    views = views_within_reach(request.user).order_by("-is_enterprise", "name")
    chosen = ViewFilter(request.GET, queryset=views, request=request)
    page = page_of(request, chosen.qs)
    context = {
        "filter": chosen,
        "page": page,
        "views": with_counts(request.user, page.object_list),
        "in_use": in_use(chosen),
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows"),
    }
    return render_list(request, "accounts/view_list.html", context)


def with_counts(person: User, views: Iterable[AccessView]) -> list[AccessView]:
    """Return each view with its number of teams, of single users, and of the assigned people whom `person` can see."""
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
    """Return a subquery that counts the links of each view. Joins would multiply the rows of a large view."""
    of_view = links.filter(view=OuterRef("pk")).order_by().values("view").annotate(n=Count("pk"))
    return Coalesce(Subquery(of_view.values("n")), 0)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_VIEWS)
def view_new(request: Request) -> HttpResponse:
    form = ViewForm(request.POST if request.method == "POST" else None, person=request.user)
    if form.is_valid() and (view := store(request, form, actions.create_view, **form.values)):
        messages.success(request, f"{view.name} was created. Now add users to it and assign it.")
        return redirect("accounts:view-edit", view.pk)
    return render_view_form(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_VIEWS)
def view_edit(request: Request, view_id: int) -> HttpResponse:
    view = access_view(request.user, view_id)
    if request.method == "POST":
        return save_view(request, view)
    initial = {
        "name": view.name,
        "is_active": view.is_active,
        "teams": [team.pk for team in view.teams.all()],
        "was": fingerprint(state_of_view(view)),
    }
    return render_view_form(request, ViewForm(initial=initial, person=request.user), view)


def save_view(request: Request, view: AccessView) -> HttpResponse:
    form = ViewForm(request.POST, person=request.user)
    if form.is_valid():
        facts = {"view_id": view.pk, "was": form.cleaned_data["was"], **form.values}
        if saved := store(request, form, actions.change_view, **facts):
            messages.success(request, f"{saved.name} was saved. The change takes effect immediately.")
            return redirect("accounts:view-edit", view.pk)
    return render_view_form(request, form, view)


def render_view_form(request: Request, form: ViewForm, view: AccessView | None = None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "view": view}
    if view is not None:
        context["reason"] = reason_not_to_change_view(request.user, view)
        context["parts"] = [
            member_list(request, view, "users", "Users added to this view individually", view.users.all()),
            member_list(request, view, "people", "Users this view is assigned to", view.people.all()),
        ]
    return render(request, "accounts/view_form.html", context, status=422 if form.errors else 200)


def member_list(
    request: Request, view: AccessView, name: str, title: str, members: QuerySet[User]
) -> dict[str, Any]:
    """Return the template context for one of the view's two lists, "users" or "people".

    `found` has a pair for each search result: the user, and whether they are already in the list.
    """
    inside = members.filter(pk__in=visible_users(request.user).values("id")).select_related("team")
    text = request.GET.get(name, "").replace("\0", "").strip()[:200]
    found = find_users(request.user, text, inactive=True, limit=MAX_FOUND) if text else []
    already = set(inside.filter(pk__in=[user.pk for user in found]).values_list("pk", flat=True))
    number = inside.count()
    return {
        "name": name,
        "title": title,
        "address": reverse(f"accounts:view-{name}", args=[view.pk]),
        "members": inside.order_by("sort_name", "id")[:MAX_LISTED],
        "number": number,
        "more": max(0, number - MAX_LISTED),
        "search": text,
        "found": [(user, user.pk in already) for user in found],
        "fixed": reason_not_to_change_view(request.user, view) if name == "users" else "",
    }


MemberAction = Callable[..., User]


@post_only
@requires(Permission.MANAGE_VIEWS)
def view_users(request: Request, view_id: int) -> HttpResponse:
    """Add a single user to the view, or remove one."""
    return change_members(request, view_id, "users", actions.add_to_view, actions.remove_from_view)


@post_only
@requires(Permission.MANAGE_VIEWS)
def view_people(request: Request, view_id: int) -> HttpResponse:
    """Assign the view to a person, or unassign it."""
    return change_members(request, view_id, "people", actions.assign_view, actions.unassign_view)


def change_members(
    request: Request, view_id: int, name: str, add: MemberAction, take: MemberAction
) -> HttpResponse:
    act = add if "add" in request.POST else take
    user_id = as_id(request.POST.get("add") or request.POST.get("take") or "") or 0
    try:
        user = act(by=request.user, view_id=view_id, user_id=user_id, address=address_of(request))
    except actions.Refused as refused:
        messages.error(request, str(refused))
    else:
        done = "added" if act is add else "removed"
        sentence = '<span translate="no">{}</span> was {}. The change takes effect immediately.'
        messages.success(request, format_html(sentence, user.name, done))
    return redirect(f"{reverse('accounts:view-edit', args=[view_id])}#{name}")


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_VIEWS)
def view_delete(request: Request, view_id: int) -> HttpResponse:
    """Ask for confirmation on GET, delete on POST."""
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
    (view,) = with_counts(request.user, [view])
    context = {"view": view, "reason": reason_not_to_change_view(request.user, view)}
    return render(request, "accounts/view_delete.html", context)
