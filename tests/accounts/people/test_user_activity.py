"""Activating and deactivating a user from the list of users: a question first, then the change."""

import pytest
from django.test import Client

from accounts.models import User
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.managers import account_events, boss, get, give, manager, post, text
from tests.fixtures.signing_in import PASSWORD, age_session, is_signed_in, sign_in

pytestmark = pytest.mark.django_db


def set_active(by: User, user: User, active: str) -> str:
    """Post the answer and return the message on the next page."""
    client = signed_in(by)
    answer = post(client, "user-activity", {"active": active}, user.pk)
    assert answer.url == "/users/"
    return text(client.get("/users/")).split('id="status"')[1].split("</div> </div>")[0]


def is_active(user: User) -> bool:
    return User.objects.get(pk=user.pk).is_active


def test_it_asks_first_and_says_what_happens(cast: Cast) -> None:
    page = text(get(boss(cast), "user-activity", cast.ana.pk))
    assert "Inactive users cannot sign in and are signed out at once." in page
    assert cast.ana.username in page
    assert page.count("<h1") == 1
    assert is_active(cast.ana)


def test_a_user_is_deactivated_signed_out_and_activated_again(cast: Cast) -> None:
    cast.otto.set_password(PASSWORD)
    cast.otto.save()
    inside = Client()
    sign_in(inside, cast.otto.username)
    tess = boss(cast)
    assert "can no longer sign in" in set_active(tess, cast.otto, "no")
    assert not is_active(cast.otto)
    assert not is_signed_in(inside)
    set_active(tess, cast.otto, "no")  # a second tab
    assert "can sign in" in set_active(tess, cast.otto, "yes")
    assert is_active(cast.otto)
    name = f"Changed the user Otto Operator ({cast.otto.pk})."
    assert account_events() == [f"{name} Active: yes → no.", f"{name} Active: no → yes."]


def test_ones_own_account_and_users_with_more_rights_stay_active(cast: Cast) -> None:
    mia, tess = manager(cast), boss(cast)
    give(cast.ana, cast.ada.roles.get())
    assert "Ask another administrator. Nothing was changed." in set_active(tess, tess, "no")
    assert is_active(tess)
    assert "has permissions that you do not have" in set_active(mia, cast.ana, "no")
    assert is_active(cast.ana)
    assert account_events() == []


def test_an_old_session_signs_in_again_first(cast: Cast) -> None:
    client = signed_in(boss(cast))
    age_session(client, proved_at=16 * 60)
    answer = post(client, "user-activity", {"active": "no"}, cast.ana.pk)
    assert "/sign-in/again/" in answer.url
    assert is_active(cast.ana)
