"""Each request runs with the tenant of its user, on connections that serve all tenants."""

from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from tenancy import context
from tenancy.middleware import TenantMiddleware
from tests.fixtures.cast import Cast, signed_in


def test_a_request_sees_its_own_tenant_and_resets_it_afterwards(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "outside", context.NO_TENANT)
    with context.all_tenants_context():
        ada, frida = signed_in(cast.ada), signed_in(cast.frida)
    for client, name in ((ada, "Abacus"), (frida, "Foreign"), (ada, "Abacus")):
        answer = client.get(reverse("transfers:audit-log"))
        assert name in answer.content.decode()
        assert context.current_setting() == context.NO_TENANT
        assert User.objects.count() == 0


def test_one_connection_serves_different_tenants_in_turn(cast: Cast) -> None:
    """The queries do not filter by tenant; only row-level security separates the tenants."""
    seen: list[int] = []

    def page(request: HttpRequest) -> HttpResponse:
        seen.append(User.objects.count())
        return HttpResponse()

    for user in (cast.ada, cast.frida, cast.ada):
        request = RequestFactory().get("/")
        request.user = user
        TenantMiddleware(page)(request)
    assert seen == [User.objects.filter(tenant=cast.abacus).count(), 1, seen[0]]


def test_a_streamed_response_keeps_its_tenant(cast: Cast) -> None:
    def rows() -> Iterator[bytes]:
        for _ in range(2):
            yield str(User.objects.count()).encode()

    request = RequestFactory().get("/")
    request.user = cast.frida
    response = TenantMiddleware(lambda request: StreamingHttpResponse(rows()))(request)
    assert isinstance(response, StreamingHttpResponse)
    parts = iter(response)
    assert next(parts) == b"1"
    assert (
        context.current_setting() == context.ALL_TENANTS
    )  # the tenant is set only while a part is generated; in between, the test's own setting applies
    assert list(parts) == [b"1"]


def test_an_anonymous_request_can_still_sign_in(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.ada.set_password("move-with-care")
    cast.ada.save()
    monkeypatch.setattr(context, "outside", context.NO_TENANT)
    client = Client()
    answer = client.post(reverse("accounts:sign-in"), {"username": "ada.admin", "password": "move-with-care"})
    assert answer.status_code == 302
    assert client.get(reverse("transfers:transfer-list")).status_code == 200
    assert context.current_setting() == context.NO_TENANT
