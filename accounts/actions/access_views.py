"""Making and changing views: what is in them, and to whom they are assigned."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from accounts.actions.administering import Refused, Stale, administering, tell, unique_keys
from accounts.actions.users import OWN, reason_not_to_change
from accounts.changes import Change, Difference, differences, fingerprint, numbered, state_of_view
from accounts.doors import access_user, access_view
from accounts.models import AccessView, AccessViewAssignment, AccessViewTeam, AccessViewUser, User
from accounts.permissions import Permission
from accounts.scope import is_tenant_administrator, sees_everything, visible_teams

SYSTEM = "EnterpriseView is the system's: it holds everybody and cannot be renamed, deactivated or deleted."
YOURS = "This view is assigned to you, so you cannot change or delete it. Ask somebody with EnterpriseView."
ABOVE_YOU = (
    "This view says whom a tenant administrator sees, so only a tenant administrator can change or delete it."
)
TEAM_NOT_YOURS = "Choose teams of your own view."
OWN_SIGHT = "Nobody decides whether others see them. Ask another administrator to put you in or take you out."


def create_view(
    *, by: User, name: str, is_active: bool, teams: Iterable[int], address: str | None = None
) -> AccessView:
    """Raises `Refused`."""
    with administering(by, Permission.MANAGE_VIEWS) as person:
        view = AccessView(tenant_id=person.tenant_id, name=name, is_active=is_active)
        write(person, view, frozenset(teams))
        tell(person, address, [Change("view-created", view.pk, name, differences({}, state_of_view(view)))])
        return view


def change_view(
    *,
    by: User,
    view_id: int,
    name: str,
    is_active: bool,
    teams: Iterable[int],
    was: str,
    address: str | None = None,
) -> AccessView:
    """was: the fingerprint of what the page showed. Raises Http404, `Refused`, or `Stale` when it is not so now."""
    with administering(by, Permission.MANAGE_VIEWS) as person:
        view = changeable(person, view_id)
        before, old_name = state_of_view(view), view.name
        if fingerprint(before) != was:
            raise Stale(before)
        view.name, view.is_active = name, is_active
        write(person, view, frozenset(teams))
        if changed := differences(before, state_of_view(view)):
            tell(person, address, [Change("view-changed", view.pk, old_name, changed)])
        return view


def delete_view(*, by: User, view_id: int, address: str | None = None) -> None:
    """Whoever it was assigned to sees what their other views hold, from the next request on."""
    with administering(by, Permission.MANAGE_VIEWS) as person:
        view = changeable(person, view_id)
        before = state_of_view(view) | {
            "Users": tuple(map(numbered, view.users.order_by("pk"))),
            "People": tuple(map(numbered, view.people.order_by("pk"))),
        }
        tell(person, address, [Change("view-deleted", view.pk, view.name, differences(before, {}))])
        view.delete()


def put_into_view(*, by: User, view_id: int, user_id: int, address: str | None = None) -> User:
    return switch(AccessViewUser, True, by=by, view_id=view_id, user_id=user_id, address=address)


def take_out_of_view(*, by: User, view_id: int, user_id: int, address: str | None = None) -> User:
    return switch(AccessViewUser, False, by=by, view_id=view_id, user_id=user_id, address=address)


def assign_view(*, by: User, view_id: int, user_id: int, address: str | None = None) -> User:
    return switch(AccessViewAssignment, True, by=by, view_id=view_id, user_id=user_id, address=address)


def unassign_view(*, by: User, view_id: int, user_id: int, address: str | None = None) -> User:
    return switch(AccessViewAssignment, False, by=by, view_id=view_id, user_id=user_id, address=address)


def switch(
    link: type[AccessViewUser] | type[AccessViewAssignment],
    on: bool,
    *,
    by: User,
    view_id: int,
    user_id: int,
    address: str | None,
) -> User:
    """Add or take away one user of a view; what is so already stays so. Raises Http404 or `Refused`."""
    with administering(by, Permission.MANAGE_VIEWS) as person:
        view = access_view(person, view_id) if link is AccessViewAssignment else changeable(person, view_id)
        user = access_user(person, user_id)
        if link is AccessViewAssignment:
            refuse_assignment(person, user)
        elif user.pk == person.pk:
            raise Refused({"": OWN_SIGHT})
        if on:
            _, moved = link._default_manager.get_or_create(view=view, user=user)
        else:
            moved = bool(link._default_manager.filter(view=view, user=user).delete()[0])
        if moved:
            field = "People" if link is AccessViewAssignment else "Users"
            tell(person, address, [Change("view-changed", view.pk, view.name, [step(field, user, on)])])
        return user


def step(field: str, user: User, on: bool) -> Difference:
    who = (numbered(user),)
    return Difference(field, () if on else who, who if on else ())


def refuse_assignment(person: User, user: User) -> None:
    if user.pk == person.pk:
        raise Refused({"": OWN})
    if reason := reason_not_to_change(person, user):
        raise Refused({"": reason})


def changeable(person: User, view_id: int) -> AccessView:
    view = access_view(person, view_id)
    if reason := reason_not_to_change_view(person, view):
        raise Refused({"": reason})
    return view


def reason_not_to_change_view(person: User, view: AccessView) -> str:
    """ "" or the sentence. A view of one's own cannot be widened, and narrowing it could not be taken back."""
    if view.is_enterprise:
        return SYSTEM
    own = AccessViewAssignment.objects.filter(view=view, user=person).exists()
    if own and not sees_everything(person):
        return YOURS
    return ABOVE_YOU if decides_for_somebody_above(person, view) else ""


def decides_for_somebody_above(person: User, view: AccessView) -> bool:
    """Does the view make a difference for a tenant administrator? Who empties it would hide transfers from them.

    Everybody else's view is what the permission to manage views is for.
    """
    if person.may(Permission.ADMINISTER_TENANT):
        return False
    assigned = User.objects.filter(is_tenant_administrator(), access_views=view)
    return assigned.exclude(Exists(enterprise_views_of(OuterRef("pk")))).exists()


def enterprise_views_of(user_id: Any) -> QuerySet[AccessViewAssignment]:
    return AccessViewAssignment.objects.filter(
        user_id=user_id, view__is_enterprise=True, view__is_active=True
    )


def write(person: User, view: AccessView, teams: frozenset[int]) -> None:
    offered = frozenset(visible_teams(person).values_list("pk", flat=True))
    if teams - offered:
        raise Refused({"teams": TEAM_NOT_YOURS})
    with unique_keys():
        view.save()
    held = frozenset(AccessViewTeam.objects.filter(view=view).values_list("team_id", flat=True))
    AccessViewTeam.objects.filter(view=view, team_id__in=offered - teams).delete()
    AccessViewTeam.objects.bulk_create(AccessViewTeam(view=view, team_id=pk) for pk in teams - held)
