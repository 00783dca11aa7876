"""Second factors, and how somebody who has lost theirs gets in again."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.actions.administering import tell_of_server
from accounts.changes import Change, Difference, names_of
from accounts.models import User
from accounts.sessions import end_sessions

FACTORS: dict[str, str] = {
    Authenticator.Type.TOTP: "an authenticator app",
    Authenticator.Type.WEBAUTHN: "a passkey",
    Authenticator.Type.RECOVERY_CODES: "recovery codes",
}


def remove_second_factors(*, user: User) -> tuple[str, ...]:
    """On the server: whatever may have been on a lost phone, and everything the person is signed in with.

    Returns what there was, in words; () when there was nothing, and then nothing was changed.
    """
    with transaction.atomic():
        lost = Authenticator.objects.select_for_update().filter(user=user)
        words = names_of({FACTORS[factor.type] for factor in lost})
        if words:
            lost.delete()
            end_sessions([user.pk])
            gone = Difference("Second factors", words, ())
            tell_of_server(user.tenant_id, [Change("user-changed", user.pk, user.name, [gone])])
    return words
