"""Time limits of sessions, and events that end a session."""

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.signing_in.sessions.lifetime import PROVED, SEEN, SIGNED_IN
from tests.fixtures.cast import Cast, transfer
from tests.fixtures.signing_in import HOME, PASSWORD, age_session, is_signed_in, sign_in
from transfers.models import State

IDLE = settings.SESSION_IDLE_MINUTES * 60


@pytest.fixture
def inside(client: Client, ada: User) -> Client:
    sign_in(client, "ada.admin")
    return client


def test_signing_in_gives_the_session_a_new_key(client: Client, ada: User) -> None:
    session = client.session
    session["before"] = "here"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = known = session.session_key
    sign_in(client, "ada.admin")
    assert client.session.session_key != known
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = known
    assert not is_signed_in(thief)


@pytest.mark.parametrize(
    ("left_alone", "still_in"),
    [({SEEN: IDLE - 60}, True), ({SEEN: IDLE + 1}, False)],
    ids=["in time", "late"],
)
def test_an_idle_session_expires(inside: Client, left_alone: dict[str, float], still_in: bool) -> None:
    age_session(inside, **left_alone)
    assert is_signed_in(inside) is still_in


def test_activity_keeps_a_session_alive(inside: Client) -> None:
    age_session(inside, **{SEEN: IDLE - 60})
    before = inside.session[SEEN]
    inside.get(HOME)
    assert inside.session[SEEN] > before


def test_a_session_is_not_saved_at_every_request(
    inside: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    before = inside.session[SEEN]
    inside.get(HOME)
    assert inside.session[SEEN] == before


def test_a_session_expires_after_twelve_hours_despite_activity(inside: Client) -> None:
    age_session(inside, **{SIGNED_IN: settings.SESSION_HOURS * 3600})
    assert not is_signed_in(inside)


def test_a_session_without_a_sign_in_time_has_expired(inside: Client) -> None:
    session = inside.session
    del session[SIGNED_IN]
    session.save()
    assert not is_signed_in(inside)


def test_polling_does_not_keep_a_session_alive(inside: Client, cast: Cast) -> None:
    running = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)
    age_session(inside, **{SEEN: IDLE - 60})
    before = inside.session[SEEN]
    assert (
        inside.get(f"/transfers/{running.number}/progress/", headers={"HX-Request": "true"}).status_code
        == 200
    )
    assert inside.session[SEEN] == before


def test_deactivating_the_account_ends_its_sessions_for_good(inside: Client, ada: User) -> None:
    ada.is_active = False
    ada.save()
    ada.is_active = True
    ada.save()
    assert not is_signed_in(inside)


def test_deactivating_by_query_ends_sessions_at_the_next_request(inside: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert not is_signed_in(inside)
    User.objects.filter(pk=ada.pk).update(is_active=True)
    assert not is_signed_in(inside)


def test_changing_the_password_ends_the_other_sessions(inside: Client, ada: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere, "ada.admin")
    new = {"oldpassword": PASSWORD, "password1": "a much newer one", "password2": "a much newer one"}
    answer = inside.post("/security/password/", new)
    assert answer.url == "/security/"
    assert is_signed_in(inside)
    assert not is_signed_in(elsewhere)
    assert sign_in(Client(), "ada.admin", "a much newer one").status_code == 302


def test_signing_out_everywhere_else(inside: Client, ada: User) -> None:
    elsewhere = Client(headers={"user-agent": "Another browser"})
    sign_in(elsewhere, "ada.admin")
    assert "Another browser" in inside.get("/security/").content.decode()
    inside.post("/security/sessions/")
    assert is_signed_in(inside)
    assert not is_signed_in(elsewhere)


def test_signing_in_again_gives_the_session_a_new_key(inside: Client) -> None:
    before = inside.session.session_key
    age_session(inside, **{PROVED: 16 * 60})
    inside.post("/sign-in/again/", {"password": PASSWORD})
    assert inside.session.session_key != before
    assert is_signed_in(inside)


@pytest.mark.django_db(transaction=True)
def test_a_session_that_cannot_be_saved_gives_503_not_400(client: Client, ada: User) -> None:
    """The database is read-only here, as it can be after a failover."""
    sign_in(client, "ada.admin")
    age_session(client, **{SEEN: 120})
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            answer = client.get(HOME)
        finally:
            cursor.execute("RESET default_transaction_read_only")
    assert (answer.status_code, "Reconnecting" in answer.content.decode()) == (503, True)


def test_a_session_ended_during_the_request_gives_400(
    inside: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    age_session(inside, **{SEEN: 120})
    monkeypatch.setattr("accounts.signing_in.sessions.lifetime.touch", end_and_touch)
    assert inside.get(HOME).status_code == 400


def end_and_touch(session: SessionBase) -> None:
    session[SEEN] = 0  # loads the session before its row is deleted
    Session.objects.filter(session_key=session.session_key).delete()


@pytest.mark.parametrize(
    "value",
    [
        r'"\000abcdefgh"',
        r'"abcdefgh\000"',
        "ÿÿÿÿÿÿÿÿ",
        "x" * 4_000,
        "' OR 1=1 --" * 3,
        "A" * 32,
        "a" * 33,
        "a" * 31 + "Ù¡",
        r'"' + "a" * 32 + r'\012"',
    ],
)
@pytest.mark.parametrize("page", ["/", "/sign-in/", "/transfers/", "/static/nothing.css", "/health/live"])
def test_a_cookie_that_is_no_key_counts_as_none(client: Client, ada: User, page: str, value: str) -> None:
    cookies = f"{settings.SESSION_COOKIE_NAME}={value}; {settings.CSRF_COOKIE_NAME}={value}"
    answer = client.get(page, HTTP_COOKIE=cookies)
    assert answer.status_code in (200, 302, 404)
    answer = client.post("/sign-in/", {"username": "ada.admin", "password": PASSWORD}, HTTP_COOKIE=cookies)
    assert answer.status_code == 302
    assert len(client.cookies[settings.SESSION_COOKIE_NAME].value) == 32
