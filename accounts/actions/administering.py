"""What every change of users, views and roles has in common: its turn, its refusals, and its line in the audit log."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import IntegrityError, connection, transaction

from accounts.changes import Change, State
from accounts.doors import require
from accounts.models import User
from accounts.permissions import Permission
from accounts.signals import administered

# The sentence for each unique key, whoever has the value: somebody in view, outside of it, or of another tenant.
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
    """Nothing was changed. sentences: what is wrong and what to do, by the form's field; "" is the form as a whole."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self.sentences = dict(sentences)
        super().__init__(" ".join(sentences.values()))


class Stale(Refused):
    """Somebody else changed it since the page was opened; `now` is what it is now."""

    def __init__(self, now: State) -> None:
        self.now = now
        super().__init__({"": "Somebody else changed this since you opened the page. Nothing was saved."})


@contextmanager
def administering(by: User, permission: Permission) -> Iterator[User]:
    """A transaction in which nobody else changes users, views or roles of the tenant; yields `by` as they are now.

    Two administrators who take each other's rights away in the same moment come one after the other, and the second
    has them no more. Raises `PermissionMissing`.
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
    """Says on the field that a value is taken, also when somebody else took it in the same moment."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        taken = TAKEN.get(getattr(diagnosis, "constraint_name", None) or "")
        if taken is None:
            raise
        raise Refused(dict([taken])) from error


def tell(by: User, address: str | None, changes: Sequence[Change], note: str = "") -> None:
    if changes:
        about = {"tenant_id": by.tenant_id, "by": by, "address": address}
        administered.send(User, changes=changes, note=note, **about)


def tell_of_server(tenant_id: int, changes: Sequence[Change]) -> None:
    """What somebody did by a command on the server, where nobody has signed in."""
    about = {"tenant_id": tenant_id, "by": None, "address": None}
    administered.send(User, changes=changes, note="On the server, by a command.", **about)
