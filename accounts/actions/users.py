"""Creating and changing users, with their team, roles and views."""

from collections.abc import Iterable
from dataclasses import dataclass

from accounts import logins
from accounts.actions.administering import TAKEN, Refused, Stale, administering, tell, unique_keys
from accounts.changes import Change, differences, fingerprint, state_of_user
from accounts.doors import access_user
from accounts.models import AccessViewAssignment, RoleAssignment, User
from accounts.permissions import Permission
from accounts.scope import (
    is_above,
    roles_within_reach,
    sees_everything,
    views_within_reach,
    visible_teams,
)

OUTRANKS = "{name} has permissions or sees users that you do not. Ask an administrator who has them too."
OWN = "Nobody changes their own team, roles, views or activity. Ask another administrator."
ROLE_NOT_YOURS = "One of the roles has permissions that you do not have. Choose other roles."
VIEW_NOT_YOURS = "One of the views reaches beyond your own. Choose other views."
TEAM_NOT_YOURS = "Choose a team of your view."
TEAM_NEEDED = "Choose a team: you would not see this user without one."


@dataclass(frozen=True)
class UserFields:
    """What a user's page holds. roles, views: ids, of those that the page offered."""

    username: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    employee_id: str = ""
    team_id: int | None = None
    is_active: bool = True
    roles: frozenset[int] = frozenset()
    views: frozenset[int] = frozenset()


PLAIN = ("username", "first_name", "last_name", "email", "employee_id", "team_id", "is_active")


def create_user(*, by: User, fields: UserFields, address: str | None = None) -> User:
    """A user without a password, who has to set one to sign in. Raises `Refused`."""
    with administering(by, Permission.MANAGE_USERS) as person:
        user = User(tenant_id=person.tenant_id)
        user.set_unusable_password()
        judge(person, user, fields)
        write(person, user, fields)
        after = state_of_user(user)
        tell(person, address, [Change("user-created", user.pk, user.name, differences({}, after))])
        return user


def change_user(*, by: User, user_id: int, fields: UserFields, was: str, address: str | None = None) -> User:
    """was: the fingerprint of what the page showed. Raises Http404, `Refused`, or `Stale` when it is not so now."""
    with administering(by, Permission.MANAGE_USERS) as person:
        access_user(person, user_id)
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        if reason := reason_not_to_change(person, user):
            raise Refused({"": reason})
        before, name = state_of_user(user), user.name
        if fingerprint(before) != was:
            raise Stale(before)
        judge(person, user, fields)
        write(person, user, fields)
        changed = differences(before, state_of_user(User.objects.get(pk=user.pk)))
        if changed:
            tell(person, address, [Change("user-changed", user.pk, name, changed)])
        return user


def reason_not_to_change(person: User, user: User) -> str:
    """Whoever has more rights than `person` cannot be changed by them: an email is the way to a password."""
    more = User.objects.filter(is_above(person), pk=user.pk)
    return OUTRANKS.format(name=user.name) if more.exists() else ""


# --- What stands in the way ----------------------------------------------------------------------------------------


def judge(person: User, user: User, fields: UserFields) -> None:
    """Raises `Refused` with everything that is wrong, at once."""
    wrong = taken(user, fields)
    roles, views = held(user)
    told = (fields.team_id, fields.roles, fields.views, fields.is_active)
    if user.pk == person.pk and told != (user.team_id, roles, views, True):
        wrong[""] = OWN
    if fields.roles - roles - ids(roles_within_reach(person).values_list("pk", flat=True)):
        wrong["roles"] = ROLE_NOT_YOURS
    if fields.views - views - ids(views_within_reach(person).values_list("pk", flat=True)):
        wrong["views"] = VIEW_NOT_YOURS
    if fields.team_id != user.team_id or user._state.adding:
        wrong |= judge_team(person, fields.team_id)
    if wrong:
        raise Refused(wrong)


def judge_team(person: User, team_id: int | None) -> dict[str, str]:
    """Nobody moves a user out of their own sight."""
    if team_id is None:
        return {} if sees_everything(person) else {"team": TEAM_NEEDED}
    return {} if visible_teams(person).filter(pk=team_id).exists() else {"team": TEAM_NOT_YOURS}


def taken(user: User, fields: UserFields) -> dict[str, str]:
    """By field, for whatever somebody else has already. A user name that is somebody's email counts as taken too:
    the sign-in takes both."""
    claims = {
        "user_username_unique": (fields.username, user.pk),
        "user_email_unique": (fields.email, user.pk),
    }
    others_have = logins.taken(claims.values())
    found = [key for key, claim in claims.items() if claim in others_have]
    same = User.objects.filter(tenant_id=user.tenant_id, employee_id=fields.employee_id).exclude(pk=user.pk)
    if fields.employee_id and same.exists():
        found.append("user_employee_id_unique_in_tenant")
    return dict(TAKEN[key] for key in found)


def held(user: User) -> tuple[frozenset[int], frozenset[int]]:
    """The ids of the roles and of the views the user has."""
    if user._state.adding:
        return frozenset(), frozenset()
    roles = RoleAssignment.objects.filter(user=user).values_list("role_id", flat=True)
    views = AccessViewAssignment.objects.filter(user=user).values_list("view_id", flat=True)
    return ids(roles), ids(views)


def ids(numbers: Iterable[int]) -> frozenset[int]:
    return frozenset(numbers)


# --- Writing -------------------------------------------------------------------------------------------------------


def write(person: User, user: User, fields: UserFields) -> None:
    roles, views = held(user)
    for name in PLAIN:
        setattr(user, name, getattr(fields, name))
    with unique_keys():
        user.save()
    own_roles = ids(roles_within_reach(person).values_list("pk", flat=True))
    own_views = ids(views_within_reach(person).values_list("pk", flat=True))
    RoleAssignment.objects.filter(user=user, role_id__in=own_roles - fields.roles).delete()
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role_id=pk) for pk in fields.roles - roles)
    AccessViewAssignment.objects.filter(user=user, view_id__in=own_views - fields.views).delete()
    AccessViewAssignment.objects.bulk_create(
        AccessViewAssignment(user=user, view_id=pk) for pk in fields.views - views
    )
