"""Pages that list, create, change and delete roles."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Request, access_role, requires
from accounts.models import Role
from accounts.people import actions
from accounts.people.actions.roles import reason_not_to_change_role, reason_not_to_delete
from accounts.people.changes import fingerprint, state_of_role
from accounts.people.forms import RoleForm, labels_of
from accounts.people.views.storing import store
from accounts.permissions import STANDARD_ROLES, Permission
from accounts.scope import visible_users
from web.client_address import address_of
from web.post_only import post_only

PLACE = "/users/"  # the navigation entry to highlight


@require_safe
@requires(Permission.ADMINISTER_TENANT)
def role_list(request: Request) -> HttpResponse:
    """List the tenant's roles, with the number of visible users who hold each role."""
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
        messages.success(request, f"{role.name} was created. Assign it to users on the Users page.")
        return redirect("accounts:role-list")
    return render_role_form(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.ADMINISTER_TENANT)
def role_edit(request: Request, role_id: int) -> HttpResponse:
    role = access_role(request.user, role_id)
    if request.method == "POST":
        return save_role(request, role)
    initial = {
        "name": role.name,
        "permissions": role.permissions,
        "was": fingerprint(state_of_role(role)),
    }
    return render_role_form(request, RoleForm(initial=initial, person=request.user), role)


def save_role(request: Request, role: Role) -> HttpResponse:
    form = RoleForm(request.POST, person=request.user)
    if form.is_valid():
        facts = {"role_id": role.pk, "was": form.cleaned_data["was"], **form.values}
        if saved := store(request, form, actions.change_role, **facts):
            messages.success(request, f"{saved.name} was saved. The change takes effect immediately.")
            return redirect("accounts:role-list")
    return render_role_form(request, form, role)


@post_only
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


def render_role_form(request: Request, form: RoleForm, role: Role | None = None) -> HttpResponse:
    context = {"form": form, "role": role, "place": PLACE}
    if role is not None:
        context["reason"] = reason_not_to_change_role(request.user, role)
        context["permissions"] = labels_of(role.permissions)
        context["kept_by"] = reason_not_to_delete(request.user, role)
    return render(request, "accounts/role_form.html", context, status=422 if form.errors else 200)
