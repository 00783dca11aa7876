"""Second factors, and their removal for a user who has lost them."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.models import User
from accounts.people.actions.administering import record_server_changes
from accounts.people.changes import Change, Difference, names_of
from accounts.signing_in.sessions.lifetime import end_sessions

FACTORS: dict[str, str] = {
    Authenticator.Type.TOTP: "an authenticator app",
    Authenticator.Type.WEBAUTHN: "a passkey",
    Authenticator.Type.RECOVERY_CODES: "recovery codes",
}


def remove_second_factors(*, user: User) -> tuple[str, ...]:
    """Remove all second factors of the user and end their sessions, for a command on the server.

    Returns the kinds that were removed, such as "a passkey". Returns () and changes nothing if the user has no second
    factor.
    """
    with transaction.atomic():
        lost = Authenticator.objects.select_for_update().filter(user=user)
        words = names_of({FACTORS[factor.type] for factor in lost})
        if words:
            lost.delete()
            end_sessions([user.pk])
            removed = Difference("Second factors", words, ())
            record_server_changes(user.tenant_id, [Change("user-changed", user.pk, user.name, [removed])])
    return words
