"""A form whose token is from before the last sign-in: nothing is lost by it, and it can be sent once more."""

import pytest
from django.conf import settings
from django.shortcuts import resolve_url
from django.test import Client
from django.urls import reverse

from accounts.models import Tenant, User

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/transfer/single/?source=1"}


@pytest.fixture
def client(db: None) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create(tenant=Tenant.objects.create(name="Abacus"), username="ana"))
    return client


def test_a_part_of_a_page_gets_a_token_for_the_next_try(client: Client) -> None:
    address = reverse("transfers:single")
    refused = client.post(address, {"csrfmiddlewaretoken": "old"}, headers=HTMX)
    assert (refused.status_code, refused.content) == (403, b"")
    token = refused["CSRF-Token"]
    again = client.post(address, {"csrfmiddlewaretoken": token}, headers=HTMX)
    assert b"This needs the permission" in again.content


def test_without_a_session_the_whole_page_goes_to_the_sign_in(client: Client) -> None:
    client.logout()
    refused = client.post(reverse("transfers:single"), headers=HTMX)
    assert refused["HX-Redirect"] == f"{resolve_url(settings.LOGIN_URL)}?next=/transfer/single/%3Fsource%3D1"
    assert "CSRF-Token" not in refused


def test_a_plain_form_gets_the_page_in_words(client: Client) -> None:
    refused = client.post(reverse("transfers:single"))
    assert refused.status_code == 403
    assert "This form is too old to be sent" in refused.content.decode()
