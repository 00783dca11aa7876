"""Sign-in: one message for every failure, and the redirect to the requested page."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.signing_in.forms import REFUSED
from tests.fixtures.cast import Cast, signed_in

PAGE = "/sign-in/"
HOME = "/transfer/"


@pytest.fixture
def ada(cast: Cast) -> dict[str, str]:
    cast.ada.set_password("right password")
    cast.ada.save()
    return {"username": cast.ada.username, "password": "right password"}


def test_every_field_has_a_label(client: Client, cast: Cast) -> None:
    page = client.get(PAGE).content.decode()
    for words in ("User name or email", "Password", ">Sign in</button>"):
        assert words in page


@pytest.mark.parametrize("name", ["ada.admin", "ADA.Admin", "ada.admin@example.com"])
def test_user_name_or_email_in_any_case(client: Client, ada: dict[str, str], name: str) -> None:
    answer = client.post(PAGE, ada | {"username": name})
    assert answer.status_code == 302
    assert answer.url == HOME


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "wrong"},
        {"password": ""},
        {"username": "nobody.of.this.name"},
        {"username": ""},
        {"username": "a" * 300},
    ],
)
def test_every_failure_has_the_same_message(
    client: Client, ada: dict[str, str], wrong: dict[str, str]
) -> None:
    answer = client.post(PAGE, ada | wrong)
    assert REFUSED in answer.content.decode()
    assert not answer.wsgi_request.user.is_authenticated


def test_an_inactive_user_gets_the_same_message(client: Client, cast: Cast, ada: dict[str, str]) -> None:
    cast.ada.is_active = False
    cast.ada.save()
    assert REFUSED in client.post(PAGE, ada).content.decode()


def test_sign_in_redirects_to_the_requested_page(client: Client, ada: dict[str, str]) -> None:
    wanted = client.get("/transfer/single/?source=18")
    assert (
        client.post(wanted.url, ada | {"next": "/transfer/single/?source=18"}).url
        == "/transfer/single/?source=18"
    )


@pytest.mark.parametrize(
    "evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "https:evil.example"]
)
def test_sign_in_never_redirects_to_another_site(client: Client, ada: dict[str, str], evil: str) -> None:
    assert client.post(PAGE, ada | {"next": evil}).url == HOME
    assert "evil" not in client.get(PAGE, {"next": evil}).content.decode()


def test_a_signed_in_user_is_redirected(cast: Cast) -> None:
    assert signed_in(cast.ada).get(PAGE).url == HOME


def test_an_htmx_request_sends_the_whole_page_to_sign_in(client: Client, cast: Cast) -> None:
    """htmx would follow a redirect and swap the sign-in form into a table; HX-Redirect loads a new page instead."""
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/transfer/single/?source=18"}
    answer = client.get("/transfer/single/users/", headers=headers, follow=True)
    assert answer["HX-Redirect"] == "/sign-in/?next=%2Ftransfer%2Fsingle%2F%3Fsource%3D18"
    assert b"<form" not in answer.content


@pytest.mark.parametrize("page", ["http://[", "http://testserver:x/", "//", "\udcff"])
def test_an_htmx_request_from_no_page_goes_to_sign_in(client: Client, cast: Cast, page: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": page}
    assert client.get("/transfer/single/users/", headers=headers, follow=True)["HX-Redirect"] == PAGE


def test_sign_out_is_a_post(cast: Cast) -> None:
    ada = signed_in(cast.ada)
    assert ada.get(reverse("accounts:sign-out")).url == "/"
    assert ada.get(HOME).status_code == 200
    assert ada.post(reverse("accounts:sign-out")).url == PAGE
    assert ada.get(HOME).status_code == 302


@pytest.mark.parametrize(
    "wanted", ["0", "transfers", "//evil.example", "https://evil.example/", "javascript:1"]
)
def test_a_next_page_of_another_site_is_ignored(cast: Cast, wanted: str) -> None:
    assert signed_in(cast.ada).get("/sign-in/", {"next": wanted})["Location"] == "/transfer/"
