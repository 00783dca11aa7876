"""Who manages users in the tests of accounts, and the forms they send.

Tess may do everything in Abacus and sees everybody. Mia manages users and views, and sees the team Support only.
"""

from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.changes import fingerprint, state_of_role, state_of_user, state_of_view
from accounts.models import AccessView, Role, RoleAssignment, User
from accounts.permissions import TENANT_ADMINISTRATOR, Permission, StandardRole
from tests.transfers.cast import Cast, person, signed_in, without_tokens
from transfers.audit import ABOUT_ACCOUNTS, sentence
from transfers.models import AuditEvent

MANAGER = StandardRole("Team manager", "", (Permission.MANAGE_USERS, Permission.MANAGE_VIEWS))


def boss(cast: Cast, name: str = "Tess Boss") -> User:
    return person(cast.abacus, name, TENANT_ADMINISTRATOR, enterprise(cast))


def manager(cast: Cast, name: str = "Mia Manager") -> User:
    return person(cast.abacus, name, MANAGER, narrow(cast))


def enterprise(cast: Cast) -> AccessView:
    return AccessView.objects.get(tenant=cast.abacus, is_enterprise=True)


def narrow(cast: Cast) -> AccessView:
    return AccessView.objects.get(name="Support only")


def role(cast: Cast, name: str, *permissions: Permission) -> Role:
    return Role.objects.create(tenant=cast.abacus, name=name, permissions=[p.value for p in permissions])


def give(user: User, *roles: Role) -> None:
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role=role) for role in roles)


def form_of(user: User, **changed: Any) -> dict[str, Any]:
    """What the user's page would send if nothing was changed in it, with these changes."""
    user = User.objects.get(pk=user.pk)
    sent: dict[str, Any] = {
        **{
            name: getattr(user, name)
            for name in ("username", "first_name", "last_name", "email", "employee_id")
        },
        "team": user.team_id or "",
        "roles": list(user.roles.values_list("pk", flat=True)),
        "views": list(user.access_views.values_list("pk", flat=True)),
        "was": fingerprint(state_of_user(user)),
    }
    if user.is_active:
        sent["is_active"] = "on"
    return without_none(sent | changed)


def form_of_view(view: AccessView, **changed: Any) -> dict[str, Any]:
    view = AccessView.objects.get(pk=view.pk)
    sent: dict[str, Any] = {
        "name": view.name,
        "teams": list(view.teams.values_list("pk", flat=True)),
        "was": fingerprint(state_of_view(view)),
    }
    if view.is_active:
        sent["is_active"] = "on"
    return without_none(sent | changed)


def form_of_role(held: Role, **changed: Any) -> dict[str, Any]:
    held = Role.objects.get(pk=held.pk)
    sent = {"name": held.name, "permissions": held.permissions, "was": fingerprint(state_of_role(held))}
    return without_none(sent | changed)


def without_none(sent: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in sent.items() if value is not None}


def post(by: User | Client, page: str, sent: dict[str, Any], *numbers: int) -> HttpResponse:
    client = by if isinstance(by, Client) else signed_in(by)
    return client.post(reverse(f"accounts:{page}", args=numbers), sent)


def get(by: User, name: str, /, *numbers: int, **query: Any) -> HttpResponse:
    return signed_in(by).get(reverse(f"accounts:{name}", args=numbers), query)


def text(response: HttpResponse) -> str:
    return response.content.decode()


def content(response: HttpResponse) -> str:
    """The page, byte for byte but for the token against forged forms, which is another each time."""
    return without_tokens(text(response))


def told() -> list[str]:
    """The sentences of the audit log about users, views and roles, the first first."""
    return [sentence(event) for event in AuditEvent.objects.filter(kind__in=ABOUT_ACCOUNTS).order_by("id")]
