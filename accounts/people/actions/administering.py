"""The lock, the exceptions and the audit entries that all changes of users, views and roles share."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import IntegrityError, connection, transaction

from accounts.access import require
from accounts.models import User
from accounts.people.audit import entries_of
from accounts.people.changes import Change, State
from accounts.permissions import Permission
from audit.log import record_all

# For each unique key, the form field and its error message. The message is the same whether or not the person can see
# the user who has the value. That user may even be in another tenant.
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
    """The action was refused and nothing was changed.

    `sentences` maps each form field to what is wrong and what to do; the key "" stands for the form as a whole.
    """

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
    """Open a transaction that holds the tenant's lock on users, views and roles, and yield `by`, read under the lock.

    Therefore, if two administrators take away each other's permission at the same time, only the first one succeeds.
    Raises `PermissionMissing` if `by` lacks the permission.
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
    """Raise `Refused` for the field whose value is taken, even if another transaction has only just taken it."""
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
