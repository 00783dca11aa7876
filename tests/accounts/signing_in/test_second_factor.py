"""The second step of signing in: set up, use and remove authenticator apps, recovery codes and passkeys."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from accounts.signing_in.sessions.lifetime import PROVED
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.signing_in import HOME, SECRET, age_session, code, is_signed_in, sign_in, with_app


@pytest.fixture
def inside(client: Client, ada: User) -> Client:
    sign_in(client, "ada.admin")
    return client


@pytest.fixture
def half_way(client: Client, ada: User) -> Client:
    """A client that has entered the password but not yet the code."""
    with_app(ada)
    assert sign_in(client, "ada.admin", next="/transfers/").url == "/sign-in/code/"
    return client


def test_the_password_alone_opens_nothing(half_way: Client) -> None:
    assert not is_signed_in(half_way)
    assert "Second step" in half_way.get("/sign-in/code/").content.decode()


def test_the_code_signs_in_and_redirects_to_the_requested_page(half_way: Client) -> None:
    assert half_way.post("/sign-in/code/", {"code": code()}).url == "/transfers/"
    assert is_signed_in(half_way)


def test_a_code_works_once(half_way: Client, ada: User) -> None:
    used = code()
    half_way.post("/sign-in/code/", {"code": used})
    other = Client()
    sign_in(other, "ada.admin")
    assert "That code did not work" in other.post("/sign-in/code/", {"code": used}).content.decode()
    assert not is_signed_in(other)


def test_the_second_step_without_the_first_redirects_back(client: Client, ada: User) -> None:
    with_app(ada)
    assert client.post("/sign-in/code/", {"code": code()}).url == "/sign-in/"


def test_a_user_deactivated_between_the_steps_stays_out(half_way: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    half_way.post("/sign-in/code/", {"code": code()})
    assert not is_signed_in(half_way)


def test_setting_up_an_app(
    inside: Client, ada: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    page = inside.get("/security/app/")
    secret = page.context["form"].secret
    assert "<svg" in page.content.decode()
    assert "style=" not in page.content.decode().split("<figure>")[1].split("</figure>")[0]
    right = code(secret)
    assert "That code did not work" in inside.post("/security/app/", {"code": "000000"}).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert inside.post("/security/app/", {"code": right}).url == "/security/codes/"
    assert sign_in(Client(), "ada.admin").url == "/sign-in/code/"
    stored = Authenticator.objects.get(user=ada, type="totp").data
    assert secret not in str(stored)


def test_a_recovery_code_signs_in_once(inside: Client, ada: User) -> None:
    with_app(ada)
    inside.post("/security/codes/new/")
    page = inside.get("/security/codes/").content.decode()
    codes = re.findall(r"<code>(\w+)</code>", page)
    assert len(codes) == 10
    assert inside.get("/security/codes/file/").content.decode().split() == codes

    for expected in (True, False):
        other = Client()
        sign_in(other, "ada.admin")
        other.post("/sign-in/code/", {"code": codes[0]})
        assert is_signed_in(other) is expected


def test_turning_it_off(inside: Client, ada: User) -> None:
    with_app(ada)
    assert inside.post("/security/app/off/").url == "/security/"
    assert sign_in(Client(), "ada.admin").url == HOME


@pytest.mark.parametrize(
    "page",
    [
        "/security/app/",
        "/security/app/off/",
        "/security/codes/",
        "/security/codes/new/",
        "/security/passkeys/add/",
    ],
)
def test_a_stolen_session_changes_nothing(inside: Client, ada: User, page: str) -> None:
    """Every change requires a recent sign-in."""
    with_app(ada)
    inside.post("/security/codes/new/")
    age_session(inside, **{PROVED: 16 * 60})
    answers = [inside.get(page)] if page == "/security/codes/" else [inside.get(page), inside.post(page)]
    for answer in answers:
        if page != "/security/app/":  # redirects to /security/app/off/, which requires a recent sign-in
            assert answer.url.startswith("/sign-in/again/")
    assert Authenticator.objects.filter(user=ada, type="totp").exists()


def test_security_shows_whether_the_app_is_on(inside: Client, ada: User) -> None:
    assert "Set up an authenticator app" in inside.get("/security/").content.decode()
    with_app(ada)
    assert "Turn off the authenticator app" in inside.get("/security/").content.decode()


def test_secrets_are_encrypted_with_a_key_that_is_not_in_the_database(inside: Client, ada: User) -> None:
    assert SECRET not in str(with_app(ada).data)


def test_the_factors_of_other_users_are_out_of_reach(inside: Client, cast: Cast) -> None:
    theirs = Authenticator.objects.create(user=cast.otto, type="webauthn", data={"name": "Key"})
    assert inside.post(f"/security/passkeys/{theirs.pk}/remove/").status_code == 404
    assert inside.post("/security/passkeys/987654321/remove/").status_code == 404
    assert Authenticator.objects.filter(pk=theirs.pk).exists()


@pytest.mark.parametrize("page", ["code", "passkey"])
def test_a_user_without_the_factor_cannot_sign_in_again_with_it(cast: Cast, page: str) -> None:
    """The response is 404, not 403, because the page does not exist for a user without the factor."""
    assert signed_in(cast.ada).get(f"/sign-in/again/{page}/").status_code == 404
