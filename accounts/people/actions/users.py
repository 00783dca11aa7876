"""Actions that create and change users, with their team, roles and views."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accounts.access import access_user
from accounts.models import AccessViewAssignment, RoleAssignment, User
from accounts.people.actions.administering import (
    TAKEN,
    Refused,
    Stale,
    administering,
    record_changes,
    unique_keys,
)
from accounts.people.changes import Change, differences, fingerprint, state_of_user
from accounts.permissions import Permission
from accounts.scope import is_above, roles_within_reach, sees_everything, views_within_reach, visible_teams
from accounts.signing_in import identifiers

OUTRANKS = (
    "{name} has permissions that you do not have, or sees users that you cannot see. Ask an administrator who has these"
    " permissions and sees these users."
)
OWN = "You cannot change your own team, roles, views or status. Ask another administrator."
ROLE_NOT_YOURS = "One of the roles has permissions that you do not have. Choose other roles."
VIEW_NOT_YOURS = "One of the views contains users that you cannot see. Choose other views."
TEAM_NOT_YOURS = "Choose a team from your views."
TEAM_NEEDED = "Choose a team. You could not see this user without a team."


@dataclass(frozen=True)
class UserFields:
    """The fields of the form for a user. `roles` and `views` are ids."""

    username: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    employee_id: str = ""
    team_id: int | None = None
    is_active: bool = True
    roles: frozenset[int] = frozenset()
    views: frozenset[int] = frozenset()


ATTRIBUTES = ("username", "first_name", "last_name", "email", "employee_id", "team_id", "is_active")


def create_user(*, by: User, fields: UserFields, address: str | None = None) -> User:
    """Create a user without a password and return them. Raises `Refused`."""
    with administering(by, Permission.MANAGE_USERS) as person:
        user = User(tenant_id=person.tenant_id)
        user.set_unusable_password()
        check_fields(person, user, fields)
        write_user(person, user, fields)
        after = state_of_user(user)
        record_changes(person, address, [Change("user-created", user.pk, user.name, differences({}, after))])
        return user


def change_user(*, by: User, user_id: int, fields: UserFields, was: str, address: str | None = None) -> User:
    """Change the user and return them.

    `was` is the fingerprint of the user as the page showed them. Raises Http404, `Refused`, or `Stale` if the user has
    changed since.
    """
    with administering(by, Permission.MANAGE_USERS) as person:
        access_user(person, user_id)
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        if reason := reason_not_to_change(person, user):
            raise Refused({"": reason})
        before, name = state_of_user(user), user.name
        if fingerprint(before) != was:
            raise Stale(before)
        check_fields(person, user, fields)
        write_user(person, user, fields)
        changed = differences(before, state_of_user(User.objects.get(pk=user.pk)))
        if changed:
            record_changes(person, address, [Change("user-changed", user.pk, name, changed)])
        return user


def set_active(*, by: User, user_id: int, active: bool, address: str | None = None) -> User:
    """Activate or deactivate the user and return them. Raises Http404 or `Refused`."""
    with administering(by, Permission.MANAGE_USERS) as person:
        access_user(person, user_id)
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        if reason := OWN if user.pk == person.pk else reason_not_to_change(person, user):
            raise Refused({"": reason})
        before = state_of_user(user)
        user.is_active = active
        user.save()
        if changed := differences(before, state_of_user(user)):
            record_changes(person, address, [Change("user-changed", user.pk, user.name, changed)])
        return user


def reason_not_to_change(person: User, user: User) -> str:
    """Return why `person` may not change the user, or "".

    Users with more rights are protected, because a person who changes a user's email can reset the password and sign in
    as that user.
    """
    more = User.objects.filter(is_above(person), pk=user.pk)
    return OUTRANKS.format(name=user.name) if more.exists() else ""


# --- Checking ----------------------------------------------------------------------------------------


def check_fields(person: User, user: User, fields: UserFields) -> None:
    """Raise `Refused` with all problems of the fields at once."""
    wrong = taken(user, fields)
    roles, views = held(user)
    sent = (fields.team_id, fields.roles, fields.views, fields.is_active)
    if user.pk == person.pk and sent != (user.team_id, roles, views, True):
        wrong[""] = OWN
    if fields.roles - roles - ids(roles_within_reach(person).values_list("pk", flat=True)):
        wrong["roles"] = ROLE_NOT_YOURS
    if fields.views - views - ids(views_within_reach(person).values_list("pk", flat=True)):
        wrong["views"] = VIEW_NOT_YOURS
    if fields.team_id != user.team_id or user._state.adding:
        wrong |= check_team(person, fields.team_id)
    if wrong:
        raise Refused(wrong)


def check_team(person: User, team_id: int | None) -> dict[str, str]:
    """Return {"team": error message}, or {} if `person` may choose this team.

    Without EnterpriseView, a person has to choose a team in their views, because otherwise they could not see the user.
    """
    if team_id is None:
        return {} if sees_everything(person) else {"team": TEAM_NEEDED}
    return {} if visible_teams(person).filter(pk=team_id).exists() else {"team": TEAM_NOT_YOURS}


def taken(user: User, fields: UserFields) -> dict[str, str]:
    """Map each field whose value another user already has to an error message.

    A user name must also differ from other users' emails, because either can be used to sign in.
    """
    claims = {
        "user_username_unique": (fields.username, user.pk),
        "user_email_unique": (fields.email, user.pk),
    }
    others_have = identifiers.taken(claims.values())
    found = [key for key, claim in claims.items() if claim in others_have]
    if employee_ids_taken(user.tenant_id, [(fields.employee_id, user.pk)]):
        found.append("user_employee_id_unique_in_tenant")
    return dict(TAKEN[key] for key in found)


def employee_ids_taken(tenant_id: int, claims: Sequence[identifiers.Claim]) -> set[identifiers.Claim]:
    """Return the claims whose employee ID already belongs to another user of the tenant. Case matters.

    A claim pairs an employee ID with the id of the user who is to have it (None for a new user).
    """
    texts = {text for text, _ in claims if text}
    owners = dict(
        User.objects.filter(tenant_id=tenant_id, employee_id__in=texts).values_list("employee_id", "pk")
    )
    return {(text, own) for text, own in claims if owners.get(text, own) != own}


def held(user: User) -> tuple[frozenset[int], frozenset[int]]:
    """Return the ids of the user's roles and views."""
    if user._state.adding:
        return frozenset(), frozenset()
    roles = RoleAssignment.objects.filter(user=user).values_list("role_id", flat=True)
    views = AccessViewAssignment.objects.filter(user=user).values_list("view_id", flat=True)
    return ids(roles), ids(views)


def ids(numbers: Iterable[int]) -> frozenset[int]:
    return frozenset(numbers)


# --- Writing -------------------------------------------------------------------------------------------------------


def write_user(person: User, user: User, fields: UserFields) -> None:
    roles, views = held(user)
    for name in ATTRIBUTES:
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
