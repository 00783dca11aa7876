"""Find the person named by `--by`, who has the same permissions and views as in the browser."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from accounts.access import PermissionMissing, require
from accounts.models import User
from accounts.permissions import Permission
from accounts.signing_in.backends import find_user
from tenancy.context import all_tenants_context, tenant_context
from tenancy.postgresql.transient_errors import DatabaseUnavailable, raising_unavailable

REFUSED = 2  # exit code: nothing was started


@contextmanager
def acting_person(name: str, permission: Permission) -> Iterator[User]:
    """Yield the active user with this user name or email, and set their tenant for the block.

    Raise `CommandError` if there is no such user, the user lacks the permission, or the database is unavailable.
    """
    try:
        with raising_unavailable(), tenant_of_person(name, permission) as person:
            yield person
    except DatabaseUnavailable as unavailable:
        raise refused(f"{unavailable.sentence} Try again later.") from unavailable


@contextmanager
def tenant_of_person(name: str, permission: Permission) -> Iterator[User]:
    with all_tenants_context():
        person = find_user(name)
    if person is None or not person.is_active:
        raise refused(f"--by: no active user has the user name or email {name}.")
    with tenant_context(person.tenant_id):
        try:
            require(person, permission)
        except PermissionMissing as missing:
            raise refused(
                f"{person.name} may not do this. {missing} Ask a tenant administrator for a role with this permission."
            ) from missing
        yield person


def refused(text: str) -> CommandError:
    return CommandError(text, returncode=REFUSED)
