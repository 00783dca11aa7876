"""A new password by mail: the same answer for every address, and a link that works once."""

import re
from threading import enumerate as threads

import pytest
from django.core import mail
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.accounts.signing_in import is_signed_in, sign_in, with_app
from tests.transfers.cast import Cast

NEW = {"password1": "a much newer one", "password2": "a much newer one"}


def ask(client: Client, email: str) -> HttpResponse:
    answer = client.post("/new-password/", {"email": email})
    for thread in threads():
        if thread.name == "password-reset-mail":
            thread.join()
    return answer


def link(client: Client, user: User) -> str:
    ask(client, user.email)
    (found,) = re.findall(r"http://testserver(/new-password/\S+)", mail.outbox[-1].body)
    return found


def test_the_link_sets_a_new_password_once(client: Client, ada: User) -> None:
    address = link(client, ada)
    form = client.get(address)
    assert form.url.endswith("-set-password/")  # the secret leaves the address at once
    assert client.post(form.url, NEW).url == "/new-password/set/"
    assert sign_in(Client(), "ada.admin", NEW["password1"]).status_code == 302
    assert "was used before" in Client().get(address).content.decode()


def test_it_ends_every_session_and_lifts_the_lock(client: Client, ada: User) -> None:
    inside = Client()
    sign_in(inside, "ada.admin")
    for _ in range(6):
        locked = sign_in(Client(), "ada.admin", "wrong")
    assert locked.status_code == 429
    client.post(client.get(link(client, ada)).url, NEW)
    assert not is_signed_in(inside)
    assert sign_in(Client(), "ada.admin", NEW["password1"]).status_code == 302


def test_it_does_not_lead_round_the_second_factor(client: Client, ada: User) -> None:
    with_app(ada)
    client.post(client.get(link(client, ada)).url, NEW)
    assert not is_signed_in(client)
    assert sign_in(client, "ada.admin", NEW["password1"]).url == "/sign-in/code/"
    assert not is_signed_in(client)


@pytest.fixture
def newcomer(cast: Cast) -> User:
    """Made on the page of users or from a file, and without a password so far."""
    cast.otto.set_unusable_password()
    cast.otto.save()
    return cast.otto


def test_somebody_new_gets_their_first_password_so(client: Client, newcomer: User) -> None:
    client.post(client.get(link(client, newcomer)).url, NEW)
    assert sign_in(client, newcomer.username, NEW["password1"]).status_code == 302
    assert is_signed_in(client)


def test_nobody_gets_round_the_provider_of_their_tenant(client: Client, newcomer: User) -> None:
    app = {"provider_id": "theirs", "name": "Theirs", "settings": {"tenant": "Abacus"}}
    with override_settings(SOCIALACCOUNT_PROVIDERS={"openid_connect": {"APPS": [app]}}):
        ask(client, newcomer.email)
    assert mail.outbox == []


def test_known_unknown_inactive_and_foreign_addresses_get_one_answer(
    client: Client, ada: User, cast: Cast
) -> None:
    User.objects.filter(pk=cast.otto.pk).update(is_active=False)
    answers = [ask(client, email) for email in (ada.email, cast.otto.email, "nobody@example.com")]
    assert {(answer.status_code, answer.url) for answer in answers} == {(302, "/new-password/sent/")}
    assert [message.to for message in mail.outbox] == [[ada.email]]


def test_the_answer_comes_after_the_same_queries(client: Client, ada: User) -> None:
    """What differs, writing and sending the mail, happens after the answer."""
    counts = []
    for email in (ada.email, "nobody@example.com"):
        with CaptureQueriesContext(connection) as queries:
            ask(client, email)
        counts.append(len([q for q in queries if "accounts_user" in q["sql"]]))
    assert counts[0] == counts[1]


def test_whatever_the_case(client: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(email="Ada.Admin@Example.com")
    ask(client, "ADA.ADMIN@example.COM")
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("key", ["1-abc", "zzzz-set-password", "0-" + "x" * 300])
def test_a_link_that_was_made_up_says_what_to_do(client: Client, ada: User, key: str) -> None:
    assert "Ask for a new link" in client.get(f"/new-password/{key}/").content.decode()


def test_a_weak_password_is_refused_with_the_reason(client: Client, ada: User) -> None:
    form = client.get(link(client, ada))
    page = client.post(form.url, {"password1": "password", "password2": "password"}).content.decode()
    assert "This password is too common." in page


@override_settings(PASSWORD_RESET_BY_MAIL=False)
def test_a_site_without_mail_does_not_offer_it(client: Client, cast: Cast) -> None:
    assert "new password by mail" not in client.get("/sign-in/").content.decode()
    assert client.get("/new-password/").status_code == 404
