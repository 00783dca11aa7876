"""Who acts on the command line: the same people, permissions and views as in the browser."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from accounts import wall
from accounts.backends import find
from accounts.doors import PermissionMissing, require
from accounts.models import User
from accounts.permissions import Permission
from accounts.postgresql.away import DatabaseAway, telling_when_away

REFUSED = 2  # exit code: nothing was started


@contextmanager
def acting_person(name: str, permission: Permission) -> Iterator[User]:
    """The active user of this user name or email who holds the permission; the block sees the rows of their tenant.

    Raises `CommandError`, also when the database is away.
    """
    try:
        with telling_when_away(), acting(name, permission) as person:
            yield person
    except DatabaseAway as away:
        raise refused(f"{away.sentence} Try again later.") from away


@contextmanager
def acting(name: str, permission: Permission) -> Iterator[User]:
    with wall.every_tenant():
        person = find(name)
    if person is None or not person.is_active:
        raise refused(f"--by: no active user has the user name or email {name}.")
    with wall.tenant(person.tenant_id):
        try:
            require(person, permission)
        except PermissionMissing as missing:
            raise refused(
                f"{person.name} may not do this. {missing} Ask an administrator of the tenant for a role that has it."
            ) from missing
        yield person


def refused(text: str) -> CommandError:
    return CommandError(text, returncode=REFUSED)
