"""The action that sets a password on the server, for sites or users without email."""

from django.db import transaction

from accounts.models import User
from accounts.people.actions.administering import record_server_changes
from accounts.people.changes import Change, Difference
from accounts.signing_in.lock_out import lift_lock
from accounts.signing_in.sessions.lifetime import end_sessions


def set_password(*, user: User, password: str) -> None:
    """Set or replace the password, end the user's sessions and lift their lock-out. Second factors are kept."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        before = "old" if person.has_usable_password() else ""
        person.set_password(password)
        person.save(update_fields=["password", "updated_at"])
        end_sessions([person.pk])
        lift_lock(person)
        changed = [Difference("Password", before, "new")]
        record_server_changes(person.tenant_id, [Change("user-changed", person.pk, person.name, changed)])
