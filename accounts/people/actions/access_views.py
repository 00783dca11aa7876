"""Actions that create, change, delete and assign views."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from accounts.access import access_user, access_view
from accounts.models import AccessView, AccessViewAssignment, AccessViewTeam, AccessViewUser, User
from accounts.people.actions.administering import Refused, Stale, administering, record_changes, unique_keys
from accounts.people.actions.users import OWN, reason_not_to_change
from accounts.people.changes import Change, Difference, differences, fingerprint, numbered, state_of_view
from accounts.permissions import Permission
from accounts.scope import is_tenant_administrator, sees_everything, visible_teams

SYSTEM = (
    "EnterpriseView is a system view. It contains all users, and cannot be renamed, deactivated or deleted."
)
YOURS = "This view is assigned to you, so you cannot change or delete it. Ask an administrator with EnterpriseView."
ABOVE_YOU = (
    "This view decides which users a tenant administrator sees. Only a tenant administrator can change or delete"
    " it."
)
TEAM_NOT_YOURS = "Choose teams from your own views."
OWN_VISIBILITY = "You cannot decide who sees you. Ask another administrator to add or remove you."


def create_view(
    *, by: User, name: str, is_active: bool, teams: Iterable[int], address: str | None = None
) -> AccessView:
    """Create a view and return it. Raises `Refused`."""
    with administering(by, Permission.MANAGE_VIEWS) as person:
        view = AccessView(tenant_id=person.tenant_id, name=name, is_active=is_active)
        write_view(person, view, frozenset(teams))
        record_changes(
            person, address, [Change("view-created", view.pk, name, differences({}, state_of_view(view)))]
        )
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
    """Change the view and return it.

    `was` is the fingerprint of the view as the page showed it. Raises Http404, `Refused`, or `Stale` if the view has
    changed since.
    """
    with administering(by, Permission.MANAGE_VIEWS) as person:
        view = changeable_view(person, view_id)
        before, old_name = state_of_view(view), view.name
        if fingerprint(before) != was:
            raise Stale(before)
        view.name, view.is_active = name, is_active
        write_view(person, view, frozenset(teams))
        if changed := differences(before, state_of_view(view)):
            record_changes(person, address, [Change("view-changed", view.pk, old_name, changed)])
        return view


def delete_view(*, by: User, view_id: int, address: str | None = None) -> None:
    """Delete the view. From their next request on, the people who had it see only the users in their other views."""
    with administering(by, Permission.MANAGE_VIEWS) as person:
        view = changeable_view(person, view_id)
        before = state_of_view(view) | {
            "Users": tuple(map(numbered, view.users.order_by("pk"))),
            "People": tuple(map(numbered, view.people.order_by("pk"))),
        }
        record_changes(person, address, [Change("view-deleted", view.pk, view.name, differences(before, {}))])
        view.delete()


def add_to_view(*, by: User, view_id: int, user_id: int, address: str | None = None) -> User:
    return switch(AccessViewUser, True, by=by, view_id=view_id, user_id=user_id, address=address)


def remove_from_view(*, by: User, view_id: int, user_id: int, address: str | None = None) -> User:
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
    """If `on`, create the link between the view and the user, else delete it. Return the user.

    `link` is AccessViewUser to show the user in the view, or AccessViewAssignment to assign the view to them. Creating
    an existing link or deleting a missing one changes nothing. Raises Http404 or `Refused`.
    """
    with administering(by, Permission.MANAGE_VIEWS) as person:
        view = (
            access_view(person, view_id) if link is AccessViewAssignment else changeable_view(person, view_id)
        )
        user = access_user(person, user_id)
        if link is AccessViewAssignment:
            refuse_assignment(person, user)
        elif user.pk == person.pk:
            raise Refused({"": OWN_VISIBILITY})
        if on:
            _, changed = link._default_manager.get_or_create(view=view, user=user)
        else:
            changed = bool(link._default_manager.filter(view=view, user=user).delete()[0])
        if changed:
            field = "People" if link is AccessViewAssignment else "Users"
            record_changes(
                person,
                address,
                [Change("view-changed", view.pk, view.name, [difference_of(field, user, on)])],
            )
        return user


def difference_of(field: str, user: User, on: bool) -> Difference:
    who = (numbered(user),)
    return Difference(field, () if on else who, who if on else ())


def refuse_assignment(person: User, user: User) -> None:
    if user.pk == person.pk:
        raise Refused({"": OWN})
    if reason := reason_not_to_change(person, user):
        raise Refused({"": reason})


def changeable_view(person: User, view_id: int) -> AccessView:
    view = access_view(person, view_id)
    if reason := reason_not_to_change_view(person, view):
        raise Refused({"": reason})
    return view


def reason_not_to_change_view(person: User, view: AccessView) -> str:
    """Return why `person` may not change the view, or "".

    Without EnterpriseView, a person may not change a view that is assigned to them, because they could show themselves
    more users, or hide users from themselves and be unable to undo it.
    """
    if view.is_enterprise:
        return SYSTEM
    own = AccessViewAssignment.objects.filter(view=view, user=person).exists()
    if own and not sees_everything(person):
        return YOURS
    return ABOVE_YOU if limits_a_tenant_administrator(person, view) else ""


def limits_a_tenant_administrator(person: User, view: AccessView) -> bool:
    """Return whether the view decides what a tenant administrator sees. If `person` is one too, return False.

    Emptying such a view would hide transfers from the tenant administrator. To change a view that is assigned only to
    other users, the permission to manage views is enough.
    """
    if person.may(Permission.ADMINISTER_TENANT):
        return False
    assigned = User.objects.filter(is_tenant_administrator(), access_views=view)
    return assigned.exclude(Exists(enterprise_views_of(OuterRef("pk")))).exists()


def enterprise_views_of(user_id: Any) -> QuerySet[AccessViewAssignment]:
    return AccessViewAssignment.objects.filter(
        user_id=user_id, view__is_enterprise=True, view__is_active=True
    )


def write_view(person: User, view: AccessView, teams: frozenset[int]) -> None:
    offered = frozenset(visible_teams(person).values_list("pk", flat=True))
    if teams - offered:
        raise Refused({"teams": TEAM_NOT_YOURS})
    with unique_keys():
        view.save()
    held = frozenset(AccessViewTeam.objects.filter(view=view).values_list("team_id", flat=True))
    AccessViewTeam.objects.filter(view=view, team_id__in=offered - teams).delete()
    AccessViewTeam.objects.bulk_create(AccessViewTeam(view=view, team_id=pk) for pk in teams - held)
