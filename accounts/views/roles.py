"""The roles of a tenant: their list, making, changing and deleting them."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions
from accounts.actions.roles import reason_not_to_change_role, reason_not_to_delete
from accounts.changes import fingerprint, state_of_role
from accounts.client import address_of
from accounts.doors import Request, access_role, requires
from accounts.forms_people import RoleForm, labels_of
from accounts.models import Role
from accounts.permissions import STANDARD_ROLES, Permission
from accounts.scope import visible_users
from accounts.views.storing import store

PLACE = "/users/"  # the entry of the navigation under which roles are found


@require_safe
@requires(Permission.ADMINISTER_TENANT)
def role_list(request: Request) -> HttpResponse:
    """All of the tenant, with how many of the people in view hold each."""
    seen = Q(people__in=visible_users(request.user).values("id"))
    roles = Role.objects.filter(tenant_id=request.user.tenant_id).order_by("name")
    sentences = {role.name: role.sentence for role in STANDARD_ROLES}
    entries = [
        {"role": role, "sentence": sentences.get(role.name, ""), "permissions": labels_of(role.permissions)}
        for role in roles.annotate(holders=Count("people", filter=seen, distinct=True))
    ]
    return render(request, "accounts/role_list.html", {"entries": entries, "place": PLACE})


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.ADMINISTER_TENANT)
def role_new(request: Request) -> HttpResponse:
    form = RoleForm(request.POST if request.method == "POST" else None, person=request.user)
    if form.is_valid() and (role := store(request, form, actions.create_role, **form.values)):
        messages.success(request, f"{role.name} was created. Give it to people on the Users page.")
        return redirect("accounts:role-list")
    return show(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.ADMINISTER_TENANT)
def role_edit(request: Request, role_id: int) -> HttpResponse:
    role = access_role(request.user, role_id)
    if request.method == "POST":
        return change(request, role)
    initial = {
        "name": role.name,
        "permissions": role.permissions,
        "was": fingerprint(state_of_role(role)),
    }
    return show(request, RoleForm(initial=initial, person=request.user), role)


def change(request: Request, role: Role) -> HttpResponse:
    form = RoleForm(request.POST, person=request.user)
    if form.is_valid():
        facts = {"role_id": role.pk, "was": form.cleaned_data["was"], **form.values}
        if saved := store(request, form, actions.change_role, **facts):
            messages.success(request, f"{saved.name} was saved. It holds from the next request on.")
            return redirect("accounts:role-list")
    return show(request, form, role)


@require_POST
@requires(Permission.ADMINISTER_TENANT)
def role_delete(request: Request, role_id: int) -> HttpResponse:
    role = access_role(request.user, role_id)
    try:
        actions.delete_role(by=request.user, role_id=role_id, address=address_of(request))
    except actions.Refused as refused:
        messages.error(request, str(refused))
        return redirect("accounts:role-edit", role_id)
    messages.success(request, f"{role.name} was deleted.")
    return redirect("accounts:role-list")


def show(request: Request, form: RoleForm, role: Role | None = None) -> HttpResponse:
    context = {"form": form, "role": role, "place": PLACE}
    if role is not None:
        context["reason"] = reason_not_to_change_role(request.user, role)
        context["permissions"] = labels_of(role.permissions)
        context["kept_by"] = reason_not_to_delete(request.user, role)
    return render(request, "accounts/role_form.html", context, status=422 if form.errors else 200)
