"""Making and changing the named lists of permissions of a tenant."""

from collections.abc import Iterable

from accounts.actions.administering import Refused, Stale, administering, tell, unique_keys
from accounts.changes import Change, differences, fingerprint, state_of_role
from accounts.doors import access_role
from accounts.models import Role, RoleAssignment, User
from accounts.permissions import Permission
from accounts.scope import in_scope, is_above, visible_users

NOT_YOURS = "This role has permissions that you do not have. Ask an administrator who has them to change it."
NOT_YOURS_TO_GIVE = "Nobody can give a permission that they do not have. Choose among your own."
NONE = "Choose at least one permission."
YOURS = "You hold this role yourself and would lose: {lost}. Ask another administrator."
HELD_ABOVE = (
    "This role is held by somebody outside your view, or with more rights than yours, so you cannot change it."
    " Ask an administrator who sees them."
)
HELD = "This role is held by {people}. Take it away from them on the Users page first."


def create_role(*, by: User, name: str, permissions: Iterable[str], address: str | None = None) -> Role:
    """Raises `Refused`."""
    with administering(by, Permission.ADMINISTER_TENANT) as person:
        role = Role(tenant_id=person.tenant_id, name=name)
        write(person, role, permissions)
        tell(person, address, [Change("role-created", role.pk, name, differences({}, state_of_role(role)))])
        return role


def change_role(
    *, by: User, role_id: int, name: str, permissions: Iterable[str], was: str, address: str | None = None
) -> Role:
    """was: the fingerprint of what the page showed. Raises Http404, `Refused`, or `Stale` when it is not so now."""
    with administering(by, Permission.ADMINISTER_TENANT) as person:
        role = changeable(person, role_id)
        before, old_name = state_of_role(role), role.name
        if fingerprint(before) != was:
            raise Stale(before)
        role.name = name
        write(person, role, permissions)
        if changed := differences(before, state_of_role(role)):
            tell(person, address, [Change("role-changed", role.pk, old_name, changed)])
        return role


def delete_role(*, by: User, role_id: int, address: str | None = None) -> None:
    with administering(by, Permission.ADMINISTER_TENANT) as person:
        role = access_role(person, role_id)
        if reason := reason_beyond(person, role) or reason_not_to_delete(person, role):
            raise Refused({"": reason})
        before = state_of_role(role)
        tell(person, address, [Change("role-deleted", role.pk, role.name, differences(before, {}))])
        role.delete()


def changeable(person: User, role_id: int) -> Role:
    role = access_role(person, role_id)
    if reason := reason_not_to_change_role(person, role):
        raise Refused({"": reason})
    return role


def reason_not_to_change_role(person: User, role: Role) -> str:
    """ "" or the sentence. A change of a role is a change of everybody who holds it."""
    return reason_beyond(person, role) or (HELD_ABOVE if is_held_above(person, role) else "")


def reason_beyond(person: User, role: Role) -> str:
    return NOT_YOURS if set(role.permissions) - person.permissions else ""


def is_held_above(person: User, role: Role) -> bool:
    """By somebody whom `person` could not change on a user's page; of themselves `refuse_own_loss` takes care."""
    holders = User.objects.filter(roles=role).exclude(pk=person.pk)
    return holders.exclude(in_scope(person)).exists() or holders.filter(is_above(person)).exists()


def reason_not_to_delete(person: User, role: Role) -> str:
    """ "" or the sentence. How many outside the person's view hold it is not said."""
    holders = RoleAssignment.objects.filter(role=role)
    if not holders.exists():
        return ""
    seen = holders.filter(user__in=visible_users(person).values("id")).count()
    people = f"{seen:,} {'person' if seen == 1 else 'people'}" if seen else "people outside your view"
    return HELD.format(people=people)


def write(person: User, role: Role, permissions: Iterable[str]) -> None:
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
    """What the role gave before is remembered in `person`; what it gives now is asked for."""
    lost = person.permissions - User.objects.get(pk=person.pk).permissions
    if lost:
        labels = ", ".join(permission.label for permission in Permission if permission.value in lost)
        raise Refused({"permissions": YOURS.format(lost=labels)})
