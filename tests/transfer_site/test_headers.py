"""Response headers: pages are not cached, embedded by other sites, or sent without https."""

import json
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from audit.models import AuditEvent
from tests.fixtures.cast import Cast, signed_in, transfer
from tests.transfer_site.settings.test_start_refused import GOOD
from transfer_site.middleware import client_address

PAGES = [
    "/",
    "/transfer/",
    "/transfer/bulk/people.csv",
    "/transfers/{transfer}/",
    "/transfers/{transfer}/log.csv",
    "/transfers/999999/",
    "/audit/",
    "/help/",
    "/nowhere/",
    "/sign-in/",
]
ISOLATION = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_every_response(cast: Cast, address: str, is_signed_in: bool) -> None:
    """Request pages, downloads, redirects and errors, both signed in and anonymously."""
    made = transfer(cast.ada, (cast.ana, cast.bo))
    client = signed_in(cast.ada) if is_signed_in else Client()
    response = client.get(address.format(transfer=made.pk))
    assert {name: response.headers.get(name) for name in ISOLATION} == ISOLATION
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "camera=()" in response["Permissions-Policy"]


def test_static_files_may_be_cached_but_not_embedded() -> None:
    """WhiteNoise serves them, so later middleware does not see them."""
    order = [name.rpartition(".")[2] for name in settings.MIDDLEWARE]
    isolated, static, stored = (
        order.index(name) for name in ("same_origin_resources", "WhiteNoiseMiddleware", "never_stored")
    )
    assert isolated < static < stored


# --- Over TLS, in a process with production settings ----------------------------------------------------------------

SCRIPT = """
import json, django
django.setup()
from django.test import Client, RequestFactory
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware

def page(request):
    get_token(request)
    request.session = SessionStore()
    request.session["anything"] = 1
    return HttpResponse()

request = RequestFactory().get("/", secure=True, HTTP_HOST="transfer.example.org")
answer = SecurityMiddleware(CsrfViewMiddleware(SessionMiddleware(page)))(request)
plain = SecurityMiddleware(page)(RequestFactory().get("/", HTTP_HOST="transfer.example.org"))
print(json.dumps({
    "cookies": {name: dict(cookie) for name, cookie in answer.cookies.items()},
    "hsts": answer.headers.get("Strict-Transport-Security"),
    "plain": [plain.status_code, plain.headers.get("Location")],
}))
"""


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> dict:
    environment = GOOD | {
        "DJANGO_SETTINGS_MODULE": "transfer_site.settings",
        "PYTHONPATH": str(settings.BASE_DIR),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment | {"DATA_DIR": str(tmp_path_factory.mktemp("data"))},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_cookies_are_limited_to_this_host(over_tls: dict) -> None:
    """For cookies with the prefix __Host-, browsers require Secure, the path / and no domain."""
    assert set(over_tls["cookies"]) == {"__Host-sessionid", "__Host-csrftoken"}
    for cookie in over_tls["cookies"].values():
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_hsts(over_tls: dict) -> None:
    assert over_tls["hsts"] == "max-age=31536000; includeSubDomains"


def test_plain_http_is_redirected(over_tls: dict) -> None:
    assert over_tls["plain"] == [301, "https://transfer.example.org/"]


def test_without_tls_the_cookies_have_plain_names(cast: Cast) -> None:
    """Over http, browsers discard cookies with the prefix __Host-, so signing in to the demo would fail."""
    client = signed_in(cast.ada)
    client.get(reverse("transfers:bulk"))
    assert set(client.cookies) == {"sessionid", "csrftoken"}


# --- Behind a proxy -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("", "10.0.0.1"),
        ("198.51.100.1, ", "10.0.0.1"),
        ("192.0.2.7\\nforged", "10.0.0.1"),
    ],
)
def test_the_address_is_the_one_seen_by_the_trusted_proxy(
    settings: Settings, forwarded: str, address: str
) -> None:
    settings.TRUST_PROXY = True
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(lambda seen: seen.META["REMOTE_ADDR"])(request) == address


def test_forwarded_addresses_are_ignored_without_a_trusted_proxy(cast: Cast) -> None:
    client = signed_in(cast.ada)
    client.get("/transfer/bulk/people.csv", headers={"X-Forwarded-For": "198.51.100.1"})
    assert AuditEvent.objects.get(kind="users-exported").address == "127.0.0.1"
