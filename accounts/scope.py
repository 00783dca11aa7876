"""Whom a person may see: one SQL predicate, used by every query that names a user.

A person sees the union of the active access views assigned to them, and never beyond their tenant.
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


def active_views(person: User) -> QuerySet[AccessView]:
    return AccessView.objects.filter(tenant_id=person.tenant_id, is_active=True, assignments__user=person)


def in_scope(person: User) -> Q:
    """The predicate over `User` rows: in the person's tenant and in the union of their active views."""
    views = active_views(person)
    return Q(tenant_id=person.tenant_id) & (
        Q(Exists(views.filter(is_enterprise=True)))
        | Q(team_id__in=AccessViewTeam.objects.filter(view__in=views).values("team_id"))
        | Q(id__in=AccessViewUser.objects.filter(view__in=views).values("user_id"))
    )


def visible_users(person: User) -> QuerySet[User]:
    return User.objects.filter(in_scope(person))


def is_tenant_administrator() -> Exists:
    """For `User` rows: does the user hold a role with the permission to administer the tenant?"""
    return Exists(
        User.roles.through.objects.filter(
            user_id=OuterRef("pk"), role__permissions__contains=[Permission.ADMINISTER_TENANT.value]
        )
    )


def reaches_beyond(person: User) -> Exists:
    """For `User` rows: is the user assigned a view that holds anybody `person` cannot see?

    Such a user cannot be a source: their views would be transferred and hand out scope (design.md 3, row 11). A view
    that is not active counts as if it were: whoever has it sees through it as soon as it is switched on.
    """
    theirs = AccessViewAssignment.objects.filter(user_id=OuterRef("pk"))
    return Exists(theirs.filter(beyond(person, view="view_id", enterprise="view__is_enterprise")))


def beyond(person: User, *, view: str = "pk", enterprise: str = "is_enterprise") -> Q:
    """Over rows with a view in the columns named: does it hold anybody `person` cannot see?

    EnterpriseView reaches beyond everybody who is not assigned it too; a team reaches beyond those who do not
    see the team, also while it is empty, because its members of tomorrow count.
    """
    mine = active_views(person)
    foreign_team = AccessViewTeam.objects.filter(view_id=OuterRef(view)).exclude(
        team_id__in=AccessViewTeam.objects.filter(view__in=mine).values("team_id")
    )
    foreign_user = AccessViewUser.objects.filter(view_id=OuterRef(view)).exclude(
        user_id__in=visible_users(person).values("id")
    )
    further = Q(**{enterprise: True}) | Q(Exists(foreign_team)) | Q(Exists(foreign_user))
    return further & ~Q(Exists(mine.filter(is_enterprise=True)))


# --- What a person may hand on ---------------------------------------------------------------------------------------


def sees_everything(person: User) -> bool:
    return active_views(person).filter(is_enterprise=True).exists()


def visible_teams(person: User) -> QuerySet[Team]:
    """The teams a person sees as a whole: those of their views, or all of the tenant with EnterpriseView."""
    teams = Team.objects.filter(tenant_id=person.tenant_id)
    views = active_views(person)
    return teams.filter(
        Q(Exists(views.filter(is_enterprise=True)))
        | Q(id__in=AccessViewTeam.objects.filter(view__in=views).values("team_id"))
    )


def views_within_reach(person: User) -> QuerySet[AccessView]:
    """The views, active or not, that hold nobody `person` cannot see: those they may change and hand on."""
    return AccessView.objects.filter(tenant_id=person.tenant_id).exclude(beyond(person))


def roles_within_reach(person: User) -> QuerySet[Role]:
    """The roles without a permission that `person` lacks: nobody gives what they do not have."""
    return Role.objects.filter(
        tenant_id=person.tenant_id, permissions__contained_by=sorted(person.permissions)
    )


_above: list[Callable[[], Exists]] = []


def stands_above(rows: Callable[[], Exists]) -> None:
    """For apps whose people no role of a tenant may change: `rows` says of `User` rows who they are."""
    _above.append(rows)


def is_above_roles() -> Q:
    """For `User` rows: does the user stand above every role of a tenant?"""
    found = Q(pk__in=())
    for rows in _above:
        found |= Q(rows())
    return found


def holds_more(person: User) -> Q:
    """For `User` rows: does the user hold a permission that `person` lacks, or stand above every role?"""
    theirs = RoleAssignment.objects.filter(user_id=OuterRef("pk"))
    more = theirs.exclude(role__permissions__contained_by=sorted(person.permissions))
    return Q(Exists(more)) | is_above_roles()


def is_above(person: User) -> Q:
    """For `User` rows: does the user have more permissions, or see more, than `person`? Then `person` changes nothing
    of what they hold."""
    return Q(holds_more(person)) | Q(reaches_beyond(person))


def loses_views_to(person: User) -> Q:
    """For `User` rows: would a transfer that `person` starts take views from somebody who holds more than they do?

    A transfer moves the views of its source. By one, somebody with few permissions could blind whoever watches them.
    """
    assigned = AccessViewAssignment.objects.filter(user_id=OuterRef("pk"))
    return Q(Exists(assigned)) & holds_more(person)
