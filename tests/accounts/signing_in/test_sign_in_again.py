"""Confirming a transfer requires a recent sign-in, and signing in again redirects back to the confirmation."""

from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.signing_in.sessions.lifetime import PROVED
from tests.fixtures.cast import Cast
from tests.fixtures.signing_in import PASSWORD, age_session, code, sign_in, with_app
from transfers import actions
from transfers.models import State, Transfer

pytestmark = pytest.mark.usefixtures("no_messages")

LONG_AGO = {PROVED: settings.REAUTHENTICATION_MINUTES * 60}


@pytest.fixture
def inside(client: Client, ada: User) -> Client:
    sign_in(client, "ada.admin")
    return client


@pytest.fixture
def draft(cast: Cast) -> Transfer:
    return actions.start_single(by=cast.ada, source_id=cast.ana.pk, target_id=cast.bo.pk)


def page_of(draft: Transfer) -> str:
    return f"/transfers/{draft.number}/confirmation/"


def confirm(client: Client, draft: Transfer, **headers: str) -> HttpResponse:
    shown = client.get(page_of(draft)).context["plan"]
    return client.post(page_of(draft), {"plan_hash": shown.hash, "checked": "on"}, headers=headers)


def again(draft: Transfer, way: str = "") -> str:
    return f"/sign-in/again/{way}?{urlencode({'next': page_of(draft)})}"


def state(draft: Transfer) -> str:
    draft.refresh_from_db()
    return draft.state


def test_a_recent_sign_in_is_enough(inside: Client, draft: Transfer) -> None:
    age_session(inside, **{PROVED: LONG_AGO[PROVED] - 60})
    confirm(inside, draft)
    assert state(draft) == State.QUEUED


def test_an_old_sign_in_must_be_renewed_and_nothing_has_run(inside: Client, draft: Transfer) -> None:
    age_session(inside, **LONG_AGO)
    answer = confirm(inside, draft)
    assert answer.url == again(draft)
    assert state(draft) == State.DRAFT

    back = inside.post(answer.url, {"password": PASSWORD, "next": page_of(draft)})
    assert back.url == page_of(draft)
    assert state(draft) == State.DRAFT

    confirm(inside, draft)
    assert state(draft) == State.QUEUED


def test_the_dialog_redirects_the_whole_page(inside: Client, draft: Transfer) -> None:
    age_session(inside, **LONG_AGO)
    answer = confirm(inside, draft, **{"HX-Request": "true"})
    assert answer["HX-Redirect"] == again(draft)
    assert answer.content == b""
    assert state(draft) == State.DRAFT


def test_a_wrong_password_renews_nothing(inside: Client, draft: Transfer) -> None:
    age_session(inside, **LONG_AGO)
    answer = inside.post(again(draft), {"password": "wrong", "next": page_of(draft)})
    assert "Wrong password." in answer.content.decode()
    assert confirm(inside, draft).url == again(draft)


def test_wrong_passwords_lock_the_account_here_too(inside: Client, draft: Transfer) -> None:
    age_session(inside, **LONG_AGO)
    tries = [inside.post(again(draft), {"password": "wrong"}) for _ in range(settings.AXES_FAILURE_LIMIT)]
    assert tries[-1].status_code == 429


def test_a_code_is_enough(inside: Client, ada: User, draft: Transfer) -> None:
    with_app(ada)
    age_session(inside, **LONG_AGO)
    offered = inside.get(again(draft)).content.decode()
    assert "Use a code from your authenticator app" in offered
    assert inside.post(again(draft, "code/"), {"code": code(), "next": page_of(draft)}).url == page_of(draft)
    confirm(inside, draft)
    assert state(draft) == State.QUEUED


def test_signing_in_again_never_redirects_to_another_site(inside: Client) -> None:
    age_session(inside, **LONG_AGO)
    answer = inside.post("/sign-in/again/", {"password": PASSWORD, "next": "https://evil.example/"})
    assert answer.url == "/transfer/"


def test_anonymous_users_are_sent_to_sign_in(client: Client, draft: Transfer) -> None:
    assert client.post(page_of(draft)).url.startswith("/sign-in/?next=")
    assert client.get("/sign-in/again/").url.startswith("/sign-in/?next=")
