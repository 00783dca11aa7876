"""Actions that create tenants and teams. Only commands on the server call them."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import AccessView, AccessViewAssignment, Role, RoleAssignment, Team, User
from accounts.models.view import ENTERPRISE_VIEW
from accounts.people.actions.administering import Refused, record_server_changes
from accounts.people.actions.users import UserFields, taken
from accounts.people.changes import (
    Change,
    Difference,
    differences,
    state_of_role,
    state_of_user,
    state_of_view,
)
from accounts.permissions import STANDARD_ROLES, TENANT_ADMINISTRATOR
from tenancy.context import all_tenants_context
from tenancy.models import Tenant

EXISTS = "A {what} named {name} already exists. Choose another name."
IDENTIFIERS = "Identifiers in ID columns"
NO_TENANT = "There is no tenant named {name}. Tenants: {known}."


def create_tenant(*, name: str, administrator: UserFields, password: str) -> User:
    """Create a tenant with its standard roles and EnterpriseView, and return its administrator. Raises `Refused`."""
    with all_tenants_context(), transaction.atomic():
        if existing := Tenant.objects.filter(name__iexact=name).first():
            raise Refused({"name": EXISTS.format(what="tenant", name=existing.name)})
        tenant = Tenant.objects.create(name=name)
        roles = [
            Role.objects.create(
                tenant=tenant, name=role.name, permissions=[p.value for p in role.permissions]
            )
            for role in STANDARD_ROLES
        ]
        view = AccessView.objects.create(tenant=tenant, name=ENTERPRISE_VIEW, is_enterprise=True)
        user = create_administrator(tenant, administrator, password)
        RoleAssignment.objects.create(user=user, role=roles[STANDARD_ROLES.index(TENANT_ADMINISTRATOR)])
        AccessViewAssignment.objects.create(user=user, view=view)
        record_server_changes(tenant.pk, creations(tenant, roles, view, user))
        return user


def create_administrator(tenant: Tenant, fields: UserFields, password: str) -> User:
    user = User(tenant=tenant, username=fields.username, email=fields.email)
    user.first_name, user.last_name = fields.first_name, fields.last_name
    user.set_password(password)
    if wrong := taken(user, fields):
        raise Refused(wrong)
    user.save()
    return user


def creations(tenant: Tenant, roles: Sequence[Role], view: AccessView, user: User) -> list[Change]:
    return [
        Change("tenant-created", tenant.pk, tenant.name),
        *(Change("role-created", r.pk, r.name, differences({}, state_of_role(r))) for r in roles),
        Change("view-created", view.pk, view.name, differences({}, state_of_view(view))),
        Change("user-created", user.pk, user.name, differences({}, state_of_user(user))),
    ]


def create_teams(*, of: str, names: Sequence[str]) -> Tenant:
    """Create all of the teams, or none, in the tenant named `of`, and return the tenant. Raises `Refused`."""
    with all_tenants_context(), transaction.atomic():
        tenant = tenant_named(of)
        wanted = {name.casefold() for name in names}  # user imports compare team names in the same way
        for team in tenant.teams.all():
            if team.name.casefold() in wanted:
                raise Refused({"name": EXISTS.format(what="team", name=team.name)})
        teams = [Team.objects.create(tenant=tenant, name=name) for name in names]
        record_server_changes(tenant.pk, [Change("team-created", team.pk, team.name) for team in teams])
        return tenant


def allow_identifiers(*, of: str, allowed: bool) -> Tenant:
    """Set whether files of the tenant named `of` may hold identifiers instead of user IDs. Raises `Refused`."""
    with all_tenants_context(), transaction.atomic():
        tenant = tenant_named(of)
        if tenant.allows_identifiers != allowed:
            words = {False: "no", True: "yes"}
            changed = Difference(IDENTIFIERS, words[tenant.allows_identifiers], words[allowed])
            tenant.allows_identifiers = allowed
            tenant.save(update_fields=["allows_identifiers"])
            record_server_changes(tenant.pk, [Change("tenant-changed", tenant.pk, tenant.name, [changed])])
        return tenant


def tenant_named(name: str) -> Tenant:
    """Return the tenant with this name, ignoring case, or raise a `Refused` that lists all tenants.

    Must run within `all_tenants_context()`.
    """
    tenant = Tenant.objects.filter(name__iexact=name).first()
    if tenant is None:
        known = ", ".join(Tenant.objects.order_by("name").values_list("name", flat=True)) or "none"
        raise Refused({"tenant": NO_TENANT.format(name=name, known=known)})
    return tenant
