"""Shared by all changes of users, views and roles: the lock, the refusals, and the audit entries."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import IntegrityError, connection, transaction

from accounts.access import require
from accounts.models import User
from accounts.people.audit import entries_of
from accounts.people.changes import Change, State
from accounts.permissions import Permission
from audit.log import record_all

# One sentence per unique key, whether the value belongs to a user in view, out of view or of another tenant.
TAKEN = {
    "user_username_unique": ("username", "This user name is taken. Choose another."),
    "user_email_unique": ("email", "This email is taken. Enter another, or leave it empty."),
    "user_employee_id_unique_in_tenant": (
        "employee_id",
        "This employee ID is taken. Enter another, or leave it empty.",
    ),
    "access_view_name_unique_in_tenant": ("name", "This name is taken. Choose another."),
    "role_name_unique_in_tenant": ("name", "This name is taken. Choose another."),
}


class Refused(Exception):
    """Nothing was changed. `sentences` says what is wrong and what to do, by form field; "" is the form as a whole."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self.sentences = dict(sentences)
        super().__init__(" ".join(sentences.values()))


class Stale(Refused):
    """The object was changed after the page was opened; `now` is its current state."""

    def __init__(self, now: State) -> None:
        self.now = now
        super().__init__({"": "Someone else changed this after you opened the page. Nothing was saved."})


@contextmanager
def administering(by: User, permission: Permission) -> Iterator[User]:
    """Open a transaction that locks users, views and roles of the tenant, and yield `by` as they are now.

    If two administrators take each other's rights away at the same time, the second has already lost theirs. Raises
    `PermissionMissing`.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('accounts of tenant', %s))", [by.tenant_id]
            )
        person = User.objects.get(pk=by.pk)
        require(person, permission)
        yield person


@contextmanager
def unique_keys() -> Iterator[None]:
    """Report a taken value on its field, even if another transaction took it at the same moment."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        taken = TAKEN.get(getattr(diagnosis, "constraint_name", None) or "")
        if taken is None:
            raise
        raise Refused(dict([taken])) from error


def record_changes(by: User, address: str | None, changes: Sequence[Change], note: str = "") -> None:
    record_all(entries_of(changes, note), tenant_id=by.tenant_id, by=by, address=address)


def record_server_changes(tenant_id: int, changes: Sequence[Change]) -> None:
    """Record changes made by a command on the server, where no user is signed in."""
    note = "Done with a command on the server."
    record_all(entries_of(changes, note), tenant_id=tenant_id, by=None, address=None)
