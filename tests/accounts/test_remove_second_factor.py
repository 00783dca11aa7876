"""`manage.py remove_second_factor`: somebody has lost their phone, and their recovery codes with it."""

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import wall
from accounts.models import User
from tests.accounts.managers import told
from tests.accounts.signing_in import HOME, code, is_signed_in, sign_in, with_app
from tests.transfers.cast import Cast

pytestmark = pytest.mark.django_db


def run(name: str) -> str:
    out = StringIO()
    with wall.showing(wall.NOBODY):
        call_command("remove_second_factor", name, stdout=out)
    return out.getvalue()


def test_the_password_alone_lets_them_in_again(client: Client, cast: Cast, ada: User) -> None:
    with_app(ada)
    RecoveryCodes.activate(ada)
    with_app(cast.otto)
    sign_in(client, "ada.admin")
    client.post("/sign-in/code/", {"code": code()})
    assert is_signed_in(client)
    said = run("ADA.ADMIN")
    assert said.startswith(f"Removed from Ada Admin ({ada.pk}), ada.admin, of Abacus: an authenticator app, ")
    assert not is_signed_in(client)
    assert sign_in(Client(), "ada.admin").url == HOME
    assert [factor.user for factor in Authenticator.objects.all()] == [cast.otto]
    assert told() == [
        f"Changed the user Ada Admin ({ada.pk}). Second factors: taken away an authenticator app, recovery codes."
        " On the server, by a command."
    ]


def test_nothing_happens_to_somebody_without_one(cast: Cast) -> None:
    with pytest.raises(CommandError, match="Ada Admin .* has no second factor. Nothing was changed."):
        run("ada.admin")
    with pytest.raises(CommandError, match="Nobody has the user name or email adam. Nothing was changed."):
        run("adam")
    assert told() == []
