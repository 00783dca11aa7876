"""Sign-ins and password changes write only their own columns, so they overwrite no concurrent change to the user."""

import pytest
from allauth.account.adapter import get_adapter
from allauth.socialaccount.adapter import get_adapter as get_provider_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from accounts.signing_in.sessions.lifetime import end_sessions
from tests.fixtures.cast import Cast
from tests.fixtures.signing_in import PASSWORD, is_signed_in, sign_in

pytestmark = pytest.mark.django_db


def change_behind(cast: Cast, user: User) -> None:
    """Change the user in the database, as an administrator might while a request of the user is processed."""
    User.objects.filter(pk=user.pk).update(is_active=False, email="new@example.com", team=cast.sales)


def is_as_changed(cast: Cast, user: User) -> bool:
    now = User.objects.get(pk=user.pk)
    return (now.is_active, now.email, now.team) == (False, "new@example.com", cast.sales)


def test_a_new_password_overwrites_no_other_change(cast: Cast) -> None:
    change_behind(cast, cast.ana)
    get_adapter().set_password(cast.ana, "quite another one 9")
    assert is_as_changed(cast, cast.ana)
    assert User.objects.get(pk=cast.ana.pk).check_password("quite another one 9")


def test_a_user_deactivated_during_a_password_change_stays_out(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.nina.set_password(PASSWORD)
    cast.nina.save()
    inside = Client()
    sign_in(inside, cast.nina.username)
    hashing = User.set_password

    def meanwhile(user: User, password: str) -> None:
        User.objects.filter(pk=user.pk).update(is_active=False)
        end_sessions([user.pk])
        hashing(user, password)

    monkeypatch.setattr(User, "set_password", meanwhile)
    sent = {"oldpassword": PASSWORD, "password1": "quite another one 9", "password2": "quite another one 9"}
    inside.post(reverse("account_change_password"), sent)
    monkeypatch.undo()
    assert not User.objects.get(pk=cast.nina.pk).is_active
    assert not is_signed_in(inside)


def test_the_first_sign_in_at_a_provider_writes_only_the_link(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator changes the user after the provider's account is matched and before the link is stored."""

    def found(login: SocialLogin) -> User:
        person = User.objects.get(pk=cast.ana.pk)
        change_behind(cast, person)
        return person

    monkeypatch.setattr("accounts.signing_in.adapters.matched_user", found)
    login = SocialLogin(user=User(), account=SocialAccount(provider="abacus", uid="77"))
    request = RequestFactory().get("/")
    get_provider_adapter().pre_social_login(request, login)
    assert SocialAccount.objects.get().user == cast.ana
    assert login.user == cast.ana
    assert is_as_changed(cast, cast.ana)
