"""A password that is set on the server, for a site without mail, or when the mail of a user is the trouble."""

from django.db import transaction

from accounts.actions.administering import tell_of_server
from accounts.changes import Change, Difference
from accounts.lock_out import forgive
from accounts.models import User
from accounts.sessions import end_sessions


def set_password(*, user: User, password: str) -> None:
    """The first one, or another. Ends the sessions and the lock of the account; second factors stay."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        before = "the one before" if person.has_usable_password() else ""
        person.set_password(password)
        person.save(update_fields=["password", "updated_at"])
        end_sessions([person.pk])
        forgive(person)
        anew = Difference("Password", before, "a new one")
        tell_of_server(person.tenant_id, [Change("user-changed", person.pk, person.name, [anew])])
