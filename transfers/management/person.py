"""Who acts on the command line: the same people, permissions and views as in the browser."""

from django.core.management.base import CommandError

from accounts.backends import find
from accounts.doors import PermissionMissing, require
from accounts.models import User
from accounts.permissions import Permission

REFUSED = 2  # exit code: nothing was started


def acting_person(name: str, permission: Permission) -> User:
    """The active user of this user name or email who holds the permission. Raises `CommandError`."""
    person = find(name)
    if person is None or not person.is_active:
        raise refused(f"--by: no active user has the user name or email {name}.")
    try:
        require(person, permission)
    except PermissionMissing as missing:
        raise refused(
            f"{person.name} may not do this. {missing} Ask an administrator of the tenant for a role that has it."
        ) from missing
    return person


def refused(text: str) -> CommandError:
    return CommandError(text, returncode=REFUSED)
