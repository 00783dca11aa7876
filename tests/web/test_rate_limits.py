"""Requests over a rate limit get a 429 response that says when to retry.

Other clients are unaffected, and pages also work without Redis.
"""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as configured
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import Settings

from audit.models import AuditEvent
from tests.fixtures.cast import Cast, draft, signed_in, transfer
from transfer_site.settings import security
from web import rate_limits

pytestmark = pytest.mark.django_db

REDIS_URL = configured.REDIS_URL  # read before a test overrides it
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def low_limits(settings: Settings) -> Iterator[None]:
    """Set every rate limit to two requests an hour, and delete the counts before and after the test."""
    settings.RATE_LIMITS = dict.fromkeys(security.RATE_LIMITS, "2/hour")
    reset_counts()
    yield
    reset_counts()


def reset_counts() -> None:
    rate_limits.counter.cache_clear()
    with redis.Redis.from_url(REDIS_URL) as client:
        for key in client.scan_iter("*transfer-limits*"):
            client.delete(key)


def statuses(client: Client, address: str, times: int = 3, **sent: str) -> list[int]:
    return [client.post(address, sent).status_code for _ in range(times)]


def gets(client: Client, address: str, times: int = 3) -> list[int]:
    return [client.get(address).status_code for _ in range(times)]


def test_search(cast: Cast) -> None:
    assert statuses(signed_in(cast.ada), reverse("transfers:single-users"), q="an") == [200, 200, 429]


def test_denied_requests_cannot_fill_the_audit_log(cast: Cast) -> None:
    """Requests by GET too: whoever may sign in could write as many events as they like, which nobody can delete."""
    nina = signed_in(cast.nina)
    assert gets(nina, reverse("transfers:audit-log")) == [403, 403, 429]
    assert gets(nina, reverse("transfers:transfer-detail", args=[1]), 1) == [429]
    assert AuditEvent.objects.filter(kind="denied").count() == 2
    assert gets(nina, reverse("accounts:security"), 1) == [200]


def test_every_request_that_may_change_something_is_limited(cast: Cast) -> None:
    """Confirmations, rows, directions, views, roles and users: all pages that no other limit applies to."""
    mine = draft(cast.ada)
    pages = ["transfer-confirmation", "preview-direction", "transfer-stop", "late-arrivals"]
    for name in pages:
        reset_counts()
        found = statuses(signed_in(cast.ada), reverse(f"transfers:{name}", args=[mine.number]))
        assert 429 not in found[:2], name
        assert found[2] == 429, name
    assert statuses(signed_in(cast.ada), reverse("accounts:role-new"), 1) == [429]
    assert statuses(signed_in(cast.vera), reverse("accounts:role-new"), 1) != [429]
    assert gets(signed_in(cast.ada), reverse("transfers:transfer-home")) == [200] * 3


def test_sign_in_by_address() -> None:
    wrong = {"username": "nobody", "password": "wrong", "login": "nobody"}
    assert 429 not in statuses(Client(), reverse("accounts:sign-in"), 2, **wrong)
    assert statuses(Client(), reverse("accounts:sign-in"), 1, **wrong) == [429]
    elsewhere = Client(REMOTE_ADDR="192.0.2.9")
    assert statuses(elsewhere, reverse("accounts:sign-in"), 1, **wrong) != [429]
    assert gets(Client(), reverse("accounts:sign-in"), 1) == [200]


def test_addresses_of_one_network_are_counted_together() -> None:
    def last_status(*addresses: str) -> int:
        clients = [Client(REMOTE_ADDR=address) for address in addresses]
        return [statuses(client, reverse("accounts:sign-in"), 1, username="a")[0] for client in clients][-1]

    assert last_status("2001:db8::1", "2001:db8::2", "2001:db8::ffff:3") == 429
    assert last_status("2001:db8:0:1::1") != 429
    assert last_status("198.51.100.1", "::ffff:198.51.100.1", "::ffff:c633:6401") == 429


def test_upload_is_refused_before_the_file_is_read(cast: Cast) -> None:
    assert statuses(signed_in(cast.ada), reverse("transfers:bulk")) == [422, 422, 429]
    assert gets(signed_in(cast.ada), reverse("transfers:bulk"), 1) == [200]


def test_downloads_count_together(cast: Cast) -> None:
    ada, made = signed_in(cast.ada), transfer(cast.ada, (cast.ana, cast.bo))
    addresses = [reverse("transfers:people-export"), reverse("transfers:transfer-log", args=[made.number])]
    assert [gets(ada, address, 1) for address in (*addresses, addresses[0])] == [[200], [200], [429]]


def test_users_do_not_share_a_limit(cast: Cast) -> None:
    address = reverse("transfers:people-export")
    assert gets(signed_in(cast.ada), address) == [200, 200, 429]
    assert gets(signed_in(cast.ada), address, 1) == [429], "a new session is the same user"
    assert gets(signed_in(cast.frida), address, 1) == [200]


@pytest.mark.parametrize("headers", [None, {"HX-Request": "true"}])
def test_the_page_says_how_long_to_wait(cast: Cast, headers: dict[str, str] | None) -> None:
    """After an htmx request, static/js/app.js shows a similar message, which depends only on the status."""
    ada = signed_in(cast.ada)
    answer = [ada.get(reverse("transfers:transfer-list"), headers=headers) for _ in range(3)][-1]
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert "Too many requests in a short time" in answer.content.decode()
    assert f"Wait {answer['Retry-After']} seconds" in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"


def test_refused_requests_are_not_counted(cast: Cast, settings: Settings) -> None:
    settings.RATE_LIMITS = {"SEARCH": "1/minute; 3/hour"}
    ada, address = signed_in(cast.ada), reverse("transfers:single-users")
    assert 429 in statuses(ada, address, 20, q="a")
    windows = rate_limits.limits.parse_many("3/hour")
    left = rate_limits.counter(REDIS_URL).shared.get_window_stats(windows[0], f"SEARCH person {cast.ada.pk}")
    assert left.remaining >= 1


def test_no_limit(cast: Cast, settings: Settings) -> None:
    settings.RATE_LIMITS = {"SEARCH": ""}
    assert statuses(signed_in(cast.ada), reverse("transfers:single-users"), 9, q="a") == [200] * 9


def test_without_redis_each_process_counts_for_itself(
    cast: Cast, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = NOWHERE
    assert statuses(signed_in(cast.ada), reverse("transfers:single-users"), q="an") == [200, 200, 429]
    assert caplog.text.count("Redis does not answer") == 1


def test_redis_is_used_again_after_the_pause(cast: Cast, settings: Settings) -> None:
    settings.REDIS_URL = NOWHERE
    ada, address = signed_in(cast.ada), reverse("transfers:single-users")
    assert statuses(ada, address, q="an") == [200, 200, 429]
    counter = rate_limits.counter(NOWHERE)
    counter.shared = rate_limits.MovingWindowRateLimiter(rate_limits.redis_storage(REDIS_URL))
    assert statuses(ada, address, 1, q="an") == [429], "before the pause is over"
    counter.retry_at = 0
    assert statuses(ada, address, q="an") == [200, 200, 429]


def test_web_processes_share_the_counts(cast: Cast) -> None:
    ada, address = signed_in(cast.ada), reverse("transfers:single-users")
    assert statuses(ada, address, 2, q="an") == [200, 200]
    rate_limits.counter.cache_clear()  # as in a new process
    assert statuses(ada, address, 1, q="an") == [429]


def test_anonymous_clients_behind_a_socket_share_one_limit(cast: Cast) -> None:
    """The addresses of these clients are unknown. With no limit at all, they could guess passwords at full speed."""
    assert not rate_limits.counted_without_address()
    address, sent = reverse("accounts:sign-in"), {"username": "a", "password": "b", "login": "a"}
    assert 429 not in statuses(Client(REMOTE_ADDR=""), address, 2, **sent)
    assert statuses(Client(REMOTE_ADDR=""), address, 1, **sent) == [429]
    assert statuses(Client(REMOTE_ADDR="192.0.2.9"), address, 1, **sent) != [429]
    assert gets(signed_in(cast.ada), reverse("transfers:people-export"), 1) == [200]
    assert rate_limits.counted_without_address(), "doctor relies on this"


# --- Which pages ---------------------------------------------------------------------------------------------------


def names(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each page's (URL name, route)."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            below = f"{entry.namespace}:" if entry.namespace else ""
            yield from names(entry, prefix + below)
        elif isinstance(entry, URLPattern) and entry.name:
            yield prefix + entry.name, str(entry.pattern)


def test_every_download_is_limited() -> None:
    """Every new CSV download must be added to RATE_LIMITED_PAGES in transfer_site/settings/security.py."""
    downloads = {name for name, route in names(get_resolver()) if route.endswith(".csv")}
    limited = {
        name for name, (limit, _) in security.RATE_LIMITED_PAGES.items() if limit in ("DOWNLOAD", "UPLOAD")
    }
    assert downloads <= limited
    assert len(downloads) >= 5


def test_every_limited_page_exists() -> None:
    """The SAML pages exist only with a SAML provider, so tests/accounts/signing_in/test_saml.py checks them."""
    limited = {name for name in security.RATE_LIMITED_PAGES if not name.startswith("saml_")}
    assert limited <= {name for name, _ in names(get_resolver())}


def test_another_users_draft_is_counted_like_an_unknown_one(cast: Cast) -> None:
    others = draft(cast.vera)
    for pk in (others.pk, 999_999):
        reset_counts()
        address = reverse("transfers:preview-errors", args=[pk])
        assert gets(signed_in(cast.ada), address) == [404, 404, 429]
