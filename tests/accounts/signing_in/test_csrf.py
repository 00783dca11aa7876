"""A form whose CSRF token predates the last sign-in can be sent again without losing its input."""

import pytest
from django.conf import settings
from django.shortcuts import resolve_url
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tenancy.models import Tenant

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/transfer/single/?source=1"}


@pytest.fixture
def client(db: None) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create(tenant=Tenant.objects.create(name="Abacus"), username="ana"))
    return client


def test_an_htmx_request_gets_a_token_for_a_retry(client: Client) -> None:
    address = reverse("transfers:single")
    refused = client.post(address, {"csrfmiddlewaretoken": "old"}, headers=HTMX)
    assert (refused.status_code, refused.content) == (403, b"")
    token = refused["CSRF-Token"]
    again = client.post(address, {"csrfmiddlewaretoken": token}, headers=HTMX)
    assert b"This needs the permission" in again.content


def test_without_a_session_the_whole_page_goes_to_sign_in(client: Client) -> None:
    client.logout()
    refused = client.post(reverse("transfers:single"), headers=HTMX)
    assert refused["HX-Redirect"] == f"{resolve_url(settings.LOGIN_URL)}?next=/transfer/single/%3Fsource%3D1"
    assert "CSRF-Token" not in refused


def test_a_page_that_is_no_url_counts_as_none(client: Client) -> None:
    client.logout()
    refused = client.post(reverse("transfers:single"), headers=HTMX | {"HX-Current-URL": "http://["})
    assert refused["HX-Redirect"] == f"{resolve_url(settings.LOGIN_URL)}?next=/"


def test_a_plain_form_gets_the_error_page(client: Client) -> None:
    refused = client.post(reverse("transfers:single"))
    assert refused.status_code == 403
    assert "This form has expired" in refused.content.decode()
