"""Addresses that accept only POST requests lead a GET request to the page that their form stands on.

A browser sends such a GET request after its user has signed in again, if the session had ended when the form was sent.
"""

import re

import pytest
from django.test import Client
from django.urls import resolve

from tests.access.pages import PAGES
from tests.fixtures.cast import Cast, signed_in, transfer
from tests.fixtures.undoing import prepare

pytestmark = pytest.mark.django_db

EXAMPLES = {"slug": "wrong-user", "int": "7"}
ADDRESSES = {
    page.name: "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: EXAMPLES[found[1] or "slug"], page.route)
    for page in PAGES
    if "(?P" not in page.route
}
POST_ONLY = [
    name for name, address in ADDRESSES.items() if getattr(resolve(address).func, "is_post_only", False)
]
PARENTS = {
    "transfers:transfer-undo": "/transfers/7/",
    "transfers:undo-rows": "/transfer/undo/7/",
    "transfers:preview-row-cleared": "/transfer/bulk/7/",
    "transfers:preview-kept-apart": "/transfer/bulk/7/",
    "accounts:role-delete": "/roles/7/",
    "user_import:left-out": "/users/import/preview/",
    "accounts:sign-out": "/",
}


@pytest.mark.parametrize("name", POST_ONLY)
def test_a_get_request_leads_to_a_page(cast: Cast, name: str) -> None:
    client = signed_in(cast.ada)
    response = client.get(ADDRESSES[name], {"page": "2"})
    assert response.status_code == 302, name
    above, _, query = response["Location"].partition("?")
    assert ADDRESSES[name].startswith(above)
    assert query == "page=2"
    assert above == PARENTS.get(name, above)
    assert client.get(above).status_code != 405


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_no_address_of_a_form_refuses_get_requests(cast: Cast, address: str) -> None:
    assert signed_in(cast.ada).get(address).status_code != 405


def test_every_post_only_address_is_walked() -> None:
    assert PARENTS.keys() <= set(POST_ONLY)


def test_other_methods_are_refused(cast: Cast) -> None:
    assert Client().put("/transfers/7/undo/").status_code == 405


@pytest.mark.usefixtures("no_messages")
def test_after_signing_in_again_the_browser_shows_the_page_of_the_form(cast: Cast) -> None:
    cast.ada.set_password("right password")
    cast.ada.save()
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    undo = prepare(cast.ada, made)
    for form, page in (
        (f"/transfers/{made.number}/undo/", f"/transfers/{made.number}/"),
        (f"/transfer/undo/{undo.number}/rows/", f"/transfer/undo/{undo.number}/"),
    ):
        client = Client()
        sign_in = client.post(form)["Location"]
        login = {"username": cast.ada.username, "password": "right password"}
        response = client.post(sign_in, login, follow=True)
        assert response.redirect_chain[-1][0] == page
        assert response.status_code == 200
