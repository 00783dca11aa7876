"""`manage.py remove_second_factor`, for a user who has lost their phone and recovery codes."""

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from tenancy.context import NO_TENANT, setting_context
from tests.fixtures.cast import Cast
from tests.fixtures.managers import account_events
from tests.fixtures.signing_in import HOME, code, is_signed_in, sign_in, with_app

pytestmark = pytest.mark.django_db


def run(name: str) -> str:
    out = StringIO()
    with setting_context(NO_TENANT):
        call_command("remove_second_factor", name, stdout=out)
    return out.getvalue()


def test_the_password_alone_signs_in_again(client: Client, cast: Cast, ada: User) -> None:
    with_app(ada)
    RecoveryCodes.activate(ada)
    with_app(cast.otto)
    sign_in(client, "ada.admin")
    client.post("/sign-in/code/", {"code": code()})
    assert is_signed_in(client)
    output = run("ADA.ADMIN")
    assert output.startswith(
        f"Removed from Ada Admin ({ada.pk}), ada.admin, of Abacus: an authenticator app, "
    )
    assert not is_signed_in(client)
    assert sign_in(Client(), "ada.admin").url == HOME
    assert [factor.user for factor in Authenticator.objects.all()] == [cast.otto]
    assert account_events() == [
        f"Changed the user Ada Admin ({ada.pk}). Second factors: removed an authenticator app, recovery codes."
        " Done with a command on the server."
    ]


def test_a_user_without_a_second_factor_is_unchanged(cast: Cast) -> None:
    with pytest.raises(CommandError, match="Ada Admin .* has no second factor. Nothing was changed."):
        run("ada.admin")
    with pytest.raises(CommandError, match="No user has the user name or email adam. Nothing was changed."):
        run("adam")
    assert account_events() == []
