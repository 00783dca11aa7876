"""Actions that create, change and delete roles."""

from collections.abc import Iterable

from accounts.access import access_role
from accounts.models import Role, RoleAssignment, User
from accounts.people.actions.administering import Refused, Stale, administering, record_changes, unique_keys
from accounts.people.changes import Change, differences, fingerprint, state_of_role
from accounts.permissions import Permission
from accounts.scope import in_scope, is_above, visible_users
from wording.phrases import counted

NOT_YOURS = "This role has permissions that you do not have. Ask an administrator who has them to change it."
NOT_YOURS_TO_GIVE = "You can only grant permissions that you have yourself."
NONE = "Choose at least one permission."
YOURS = (
    "You have this role yourself and would lose these permissions: {lost}. Ask another administrator to change the"
    " role."
)
HELD_ABOVE = (
    "You cannot change this role because it is assigned to a user outside your views, or to a user with more rights"
    " than you. Ask an administrator who can change that user."
)
HELD = "This role is assigned to {users}. Remove it from them on the Users page first."


def create_role(*, by: User, name: str, permissions: Iterable[str], address: str | None = None) -> Role:
    """Create a role and return it. Raises `Refused`."""
    with administering(by, Permission.ADMINISTER_TENANT) as person:
        role = Role(tenant_id=person.tenant_id, name=name)
        write_role(person, role, permissions)
        record_changes(
            person, address, [Change("role-created", role.pk, name, differences({}, state_of_role(role)))]
        )
        return role


def change_role(
    *, by: User, role_id: int, name: str, permissions: Iterable[str], was: str, address: str | None = None
) -> Role:
    """Change the role and return it.

    `was` is the fingerprint of the role as the page showed it. Raises Http404, `Refused`, or `Stale` if the role has
    changed since.
    """
    with administering(by, Permission.ADMINISTER_TENANT) as person:
        role = changeable_role(person, role_id)
        before, old_name = state_of_role(role), role.name
        if fingerprint(before) != was:
            raise Stale(before)
        role.name = name
        write_role(person, role, permissions)
        if changed := differences(before, state_of_role(role)):
            record_changes(person, address, [Change("role-changed", role.pk, old_name, changed)])
        return role


def delete_role(*, by: User, role_id: int, address: str | None = None) -> None:
    with administering(by, Permission.ADMINISTER_TENANT) as person:
        role = access_role(person, role_id)
        if reason := reason_beyond(person, role) or reason_not_to_delete(person, role):
            raise Refused({"": reason})
        before = state_of_role(role)
        record_changes(person, address, [Change("role-deleted", role.pk, role.name, differences(before, {}))])
        role.delete()


def changeable_role(person: User, role_id: int) -> Role:
    role = access_role(person, role_id)
    if reason := reason_not_to_change_role(person, role):
        raise Refused({"": reason})
    return role


def reason_not_to_change_role(person: User, role: Role) -> str:
    """Return why `person` may not change the role, or "".

    Changing a role changes the permissions of every user who holds it.
    """
    return reason_beyond(person, role) or (HELD_ABOVE if is_held_above(person, role) else "")


def reason_beyond(person: User, role: Role) -> str:
    return NOT_YOURS if set(role.permissions) - person.permissions else ""


def is_held_above(person: User, role: Role) -> bool:
    """Return whether the role is held by another user whom `person` may not change.

    `refuse_own_loss` protects `person` themselves.
    """
    holders = User.objects.filter(roles=role).exclude(pk=person.pk)
    return holders.exclude(in_scope(person)).exists() or holders.filter(is_above(person)).exists()


def reason_not_to_delete(person: User, role: Role) -> str:
    """Return why the role cannot be deleted, or "".

    The sentence does not reveal how many users outside the person's views have the role.
    """
    holders = RoleAssignment.objects.filter(role=role)
    if not holders.exists():
        return ""
    seen = holders.filter(user__in=visible_users(person).values("id")).count()
    return HELD.format(users=counted(seen, "user") if seen else "users outside your views")


def write_role(person: User, role: Role, permissions: Iterable[str]) -> None:
    wanted = set(permissions)
    if wanted - person.permissions:
        raise Refused({"permissions": NOT_YOURS_TO_GIVE})
    if not wanted:
        raise Refused({"permissions": NONE})
    role.permissions = [permission.value for permission in Permission if permission.value in wanted]
    with unique_keys():
        role.save()
    refuse_own_loss(person)


def refuse_own_loss(person: User) -> None:
    """Raise `Refused` if `person` has lost permissions.

    Compares the permissions cached in `person` before the change with those stored now.
    """
    lost = person.permissions - User.objects.get(pk=person.pk).permissions
    if lost:
        labels = ", ".join(permission.label for permission in Permission if permission.value in lost)
        raise Refused({"permissions": YOURS.format(lost=labels)})
