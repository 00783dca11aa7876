"""Making tenants and their teams, which nobody who belongs to a tenant may do: by commands on the server."""

from collections.abc import Sequence

from django.db import transaction

from accounts import wall
from accounts.actions.administering import Refused, tell_of_server
from accounts.actions.users import UserFields, taken
from accounts.changes import Change, differences, state_of_role, state_of_user, state_of_view
from accounts.models import AccessView, AccessViewAssignment, Role, RoleAssignment, Team, Tenant, User
from accounts.models.view import ENTERPRISE_VIEW
from accounts.permissions import STANDARD_ROLES, TENANT_ADMINISTRATOR

THERE = "There is a {what} called {name} already. Choose another name."
NO_TENANT = "There is no tenant called {name}. The tenants: {known}."


def create_tenant(*, name: str, administrator: UserFields, password: str) -> User:
    """With the roles that a tenant starts with, the view that holds everybody, and its administrator, who is returned.

    Raises `Refused`.
    """
    with wall.every_tenant(), transaction.atomic():
        if there := Tenant.objects.filter(name__iexact=name).first():
            raise Refused({"name": THERE.format(what="tenant", name=there.name)})
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
        tell_of_server(tenant.pk, made(tenant, roles, view, user))
        return user


def create_administrator(tenant: Tenant, fields: UserFields, password: str) -> User:
    user = User(tenant=tenant, username=fields.username, email=fields.email)
    user.first_name, user.last_name = fields.first_name, fields.last_name
    user.set_password(password)
    if wrong := taken(user, fields):
        raise Refused(wrong)
    user.save()
    return user


def made(tenant: Tenant, roles: Sequence[Role], view: AccessView, user: User) -> list[Change]:
    return [
        Change("tenant-created", tenant.pk, tenant.name),
        *(Change("role-created", r.pk, r.name, differences({}, state_of_role(r))) for r in roles),
        Change("view-created", view.pk, view.name, differences({}, state_of_view(view))),
        Change("user-created", user.pk, user.name, differences({}, state_of_user(user))),
    ]


def create_teams(*, of: str, names: Sequence[str]) -> Tenant:
    """All of them or none; `of` is the name of the tenant. Raises `Refused`."""
    with wall.every_tenant(), transaction.atomic():
        tenant = tenant_called(of)
        wanted = {name.casefold() for name in names}  # as a file of users names them
        for team in tenant.teams.all():
            if team.name.casefold() in wanted:
                raise Refused({"name": THERE.format(what="team", name=team.name)})
        teams = [Team.objects.create(tenant=tenant, name=name) for name in names]
        tell_of_server(tenant.pk, [Change("team-created", team.pk, team.name) for team in teams])
        return tenant


def tenant_called(name: str) -> Tenant:
    """In whatever case; within `wall.every_tenant()`. Raises `Refused`, which names those there are."""
    tenant = Tenant.objects.filter(name__iexact=name).first()
    if tenant is None:
        known = ", ".join(Tenant.objects.order_by("name").values_list("name", flat=True)) or "none"
        raise Refused({"tenant": NO_TENANT.format(name=name, known=known)})
    return tenant
