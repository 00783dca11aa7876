"""Whom a person may see, as one SQL condition that is used wherever users are listed for a person.

A person sees all users in the active access views assigned to them, and nobody in other tenants.
"""

from collections.abc import Callable

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import (
    AccessView,
    AccessViewAssignment,
    AccessViewTeam,
    AccessViewUser,
    Role,
    RoleAssignment,
    Team,
    User,
)
from accounts.permissions import Permission


def in_scope(person: User) -> Q:
    """Return the condition that a `User` is in the tenant of `person` and in an active view assigned to `person`."""
    in_tenant, views = Q(tenant_id=person.tenant_id), person.active_views
    if sees_everything(person):
        return in_tenant
    return in_tenant & (
        Q(team_id__in=AccessViewTeam.objects.filter(view__in=views).values("team_id"))
        | Q(id__in=AccessViewUser.objects.filter(view__in=views).values("user_id"))
    )


def visible_users(person: User) -> QuerySet[User]:
    return User.objects.filter(in_scope(person))


def is_tenant_administrator() -> Exists:
    """Return the condition that a `User` may administer the tenant."""
    return Exists(
        User.roles.through.objects.filter(
            user_id=OuterRef("pk"), role__permissions__contains=[Permission.ADMINISTER_TENANT.value]
        )
    )


def reaches_beyond(person: User) -> Exists:
    """Return the condition that a `User` is assigned a view with users whom `person` cannot see.

    Such a user cannot be the source of a transfer, because the transfer would hand over their views (docs/rules.md,
    decision 11). Inactive views count too, because they can be activated at any time.
    """
    theirs = AccessViewAssignment.objects.filter(user_id=OuterRef("pk"))
    return Exists(theirs.filter(beyond(person, view="view_id", enterprise="view__is_enterprise")))


def beyond(person: User, *, view: str = "pk", enterprise: str = "is_enterprise") -> Q:
    """Return the condition that a view has users whom `person` cannot see.

    `view` and `enterprise` name the columns that hold the view's id and its `is_enterprise` in the queried rows. The
    condition is true for EnterpriseView unless `person` has that view too. It is also true for a view with a team that
    `person` cannot see, even if the team is empty, because members may be added later.
    """
    if sees_everything(person):
        return Q(pk__in=())
    foreign_team = AccessViewTeam.objects.filter(view_id=OuterRef(view)).exclude(
        team_id__in=AccessViewTeam.objects.filter(view__in=person.active_views).values("team_id")
    )
    foreign_user = AccessViewUser.objects.filter(view_id=OuterRef(view)).exclude(
        user_id__in=visible_users(person).values("id")
    )
    return Q(**{enterprise: True}) | Q(Exists(foreign_team)) | Q(Exists(foreign_user))


# --- What a person may give to others ----------------------------------------------------------------------------


def sees_everything(person: User) -> bool:
    return any(person.active_views.values())


def visible_teams(person: User) -> QuerySet[Team]:
    """Return the teams in the active views of `person`, or all teams if one of these views is EnterpriseView."""
    teams = Team.objects.filter(tenant_id=person.tenant_id)
    if sees_everything(person):
        return teams
    return teams.filter(id__in=AccessViewTeam.objects.filter(view__in=person.active_views).values("team_id"))


def views_within_reach(person: User) -> QuerySet[AccessView]:
    """Return the views, active or not, that contain only users whom `person` can see.

    `person` may assign and edit no other views.
    """
    return AccessView.objects.filter(tenant_id=person.tenant_id).exclude(beyond(person))


def roles_within_reach(person: User) -> QuerySet[Role]:
    """Return the roles that `person` may assign, which are those without any permission that `person` lacks."""
    return Role.objects.filter(
        tenant_id=person.tenant_id, permissions__contained_by=sorted(person.permissions)
    )


_above: list[Callable[[], Exists]] = []


def ranks_above_everyone(rows: Callable[[], Exists]) -> None:
    """Register a condition on `User` that selects users, such as operators, who rank above every role of a tenant.

    No role of a tenant, whatever its permissions, allows anyone to change such a user.
    """
    _above.append(rows)


def is_above_roles() -> Q:
    """Return the condition that a `User` ranks above every role, as registered with `ranks_above_everyone`."""
    found = Q(pk__in=())
    for rows in _above:
        found |= Q(rows())
    return found


def holds_more(person: User) -> Q:
    """Return the condition that a `User` has a permission that `person` lacks, or ranks above every role."""
    theirs = RoleAssignment.objects.filter(user_id=OuterRef("pk"))
    more = theirs.exclude(role__permissions__contained_by=sorted(person.permissions))
    return Q(Exists(more)) | is_above_roles()


def is_above(person: User) -> Q:
    """Return the condition that `person` may not change a `User`, because that user may do more or see more."""
    return Q(holds_more(person)) | Q(reaches_beyond(person))


def loses_views_to(person: User) -> Q:
    """Return the condition that a `User` has views and also has permissions that `person` lacks.

    Such a user may not be the source of a transfer by `person`. The transfer would take away their views, so a person
    with few permissions could take away the views of those who supervise them.
    """
    assigned = AccessViewAssignment.objects.filter(user_id=OuterRef("pk"))
    return Q(Exists(assigned)) & holds_more(person)
