"""Password reset by email: the same response for every address, and a link that works once."""

import re
from threading import enumerate as threads

import pytest
from django.core import mail
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.fixtures.cast import Cast
from tests.fixtures.signing_in import is_signed_in, sign_in, with_app

NEW = {"password1": "a much newer one", "password2": "a much newer one"}


def ask(client: Client, email: str) -> HttpResponse:
    answer = client.post("/new-password/", {"email": email})
    wait_for_email()
    return answer


def wait_for_email() -> None:
    for thread in threads():
        if thread.name == "password-reset-mail":
            thread.join()


def link(client: Client, user: User) -> str:
    ask(client, user.email)
    (found,) = re.findall(r"http://testserver(/new-password/\S+)", mail.outbox[-1].body)
    return found


def test_the_link_sets_a_new_password_once(client: Client, ada: User) -> None:
    address = link(client, ada)
    form = client.get(address)
    assert form.url.endswith("-set-password/")  # the redirect removes the secret from the URL
    assert client.post(form.url, NEW).url == "/new-password/set/"
    assert sign_in(Client(), "ada.admin", NEW["password1"]).status_code == 302
    assert "already used" in Client().get(address).content.decode()


@pytest.mark.parametrize("host", ["testserver:6666", "127.0.0.1", "[::1]:80"])
def test_the_email_does_not_depend_on_the_host_header(client: Client, ada: User, host: str) -> None:
    """Django checks the header's host but not its port, and the email goes to another user than the one who asks."""
    client.post("/new-password/", {"email": ada.email}, headers={"Host": host})
    wait_for_email()
    (message,) = mail.outbox
    (found,) = re.findall(r"https?://\S+", message.body)
    assert found.startswith("http://testserver/new-password/")
    assert message.subject == "Set a new password for User Data Transfer"


def test_it_ends_every_session_and_lifts_the_lock(client: Client, ada: User) -> None:
    inside = Client()
    sign_in(inside, "ada.admin")
    for _ in range(6):
        locked = sign_in(Client(), "ada.admin", "wrong")
    assert locked.status_code == 429
    client.post(client.get(link(client, ada)).url, NEW)
    assert not is_signed_in(inside)
    assert sign_in(Client(), "ada.admin", NEW["password1"]).status_code == 302


def test_a_reset_does_not_bypass_the_second_factor(client: Client, ada: User) -> None:
    with_app(ada)
    client.post(client.get(link(client, ada)).url, NEW)
    assert not is_signed_in(client)
    assert sign_in(client, "ada.admin", NEW["password1"]).url == "/sign-in/code/"
    assert not is_signed_in(client)


@pytest.fixture
def newcomer(cast: Cast) -> User:
    """A user without a password, like one just created on the Users page or by an import."""
    cast.otto.set_unusable_password()
    cast.otto.save()
    return cast.otto


def test_a_new_user_sets_the_first_password_by_reset(client: Client, newcomer: User) -> None:
    client.post(client.get(link(client, newcomer)).url, NEW)
    assert sign_in(client, newcomer.username, NEW["password1"]).status_code == 302
    assert is_signed_in(client)


def test_a_reset_does_not_bypass_the_tenants_provider(client: Client, newcomer: User) -> None:
    app = {"provider_id": "theirs", "name": "Theirs", "settings": {"tenant": "Abacus"}}
    with override_settings(SOCIALACCOUNT_PROVIDERS={"openid_connect": {"APPS": [app]}}):
        ask(client, newcomer.email)
    assert mail.outbox == []


def test_all_addresses_get_the_same_response(client: Client, ada: User, cast: Cast) -> None:
    User.objects.filter(pk=cast.otto.pk).update(is_active=False)
    answers = [ask(client, email) for email in (ada.email, cast.otto.email, "nobody@example.com")]
    assert {(answer.status_code, answer.url) for answer in answers} == {(302, "/new-password/sent/")}
    assert [message.to for message in mail.outbox] == [[ada.email]]


def test_the_response_takes_the_same_queries(client: Client, ada: User) -> None:
    """Known and unknown addresses cause the same number of user queries. The email is written after the response."""
    counts = []
    for email in (ada.email, "nobody@example.com"):
        with CaptureQueriesContext(connection) as queries:
            ask(client, email)
        counts.append(len([q for q in queries if "accounts_user" in q["sql"]]))
    assert counts[0] == counts[1]


def test_the_case_of_the_email_is_ignored(client: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(email="Ada.Admin@Example.com")
    ask(client, "ADA.ADMIN@example.COM")
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("key", ["1-abc", "zzzz-set-password", "0-" + "x" * 300])
def test_a_forged_link_offers_a_new_one(client: Client, ada: User, key: str) -> None:
    assert "Ask for a new link" in client.get(f"/new-password/{key}/").content.decode()


def test_a_weak_password_is_refused_with_the_reason(client: Client, ada: User) -> None:
    form = client.get(link(client, ada))
    page = client.post(form.url, {"password1": "password", "password2": "password"}).content.decode()
    assert "This password is too common." in page


@override_settings(PASSWORD_RESET_BY_MAIL=False)
def test_a_site_without_email_does_not_offer_it(client: Client, cast: Cast) -> None:
    assert "Forgot your password?" not in client.get("/sign-in/").content.decode()
    assert client.get("/new-password/").status_code == 404
