"""Five failed sign-ins to an account from one address lock the account for that address."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from accounts.models import User
from accounts.signing_in.forms import REFUSED
from audit.models import AuditEvent
from tests.fixtures.cast import Cast
from tests.fixtures.signing_in import PASSWORD, is_signed_in, sign_in, with_app
from web.client_address import address_of, counted_address

LIMIT = settings.AXES_FAILURE_LIMIT
NEW = "a much newer one"
SENTENCE = re.compile(r"Try again in (\d+) minutes?, at \d\d:\d\d \(UTC\)\.")


def fail(client: Client, name: str, times: int = LIMIT, **more: str) -> list[int]:
    return [sign_in(client, name, "wrong", **more).status_code for _ in range(times)]


def test_the_fifth_failure_locks_and_gives_the_time_of_the_next_try(client: Client, ada: User) -> None:
    assert fail(client, "ada.admin") == [200] * (LIMIT - 1) + [429]
    locked = sign_in(client, "ada.admin", PASSWORD)
    assert locked.status_code == 429
    assert not is_signed_in(client)
    (minutes,) = SENTENCE.search(locked.content.decode()).groups()
    assert 1 <= int(minutes) <= 15
    assert 0 < int(locked["Retry-After"]) <= 15 * 60


def test_an_unknown_name_is_counted_and_locked_the_same_way(client: Client, ada: User) -> None:
    def answers(name: str) -> list[tuple[int, str]]:
        return [seen(sign_in(client, name, "wrong")) for _ in range(LIMIT + 1)]

    def seen(answer: HttpResponse) -> tuple[int, str]:
        text = re.sub(r'value="[^"]*"|in \d+ minutes?, at \d\d:\d\d', "", answer.content.decode())
        return answer.status_code, re.sub(r'"X-CSRFToken": "\w+"', "", text)

    assert answers("ada.admin") == answers("who.ever")


@pytest.mark.parametrize("names", [("ada.admin", "ADA.ADMIN"), ("ada.admin@example.com", "Ada.Admin")])
def test_user_name_and_email_count_as_the_same_account(
    client: Client, ada: User, names: tuple[str, str]
) -> None:
    fail(client, names[0], 3)
    assert fail(client, names[1], 2) == [200, 429]
    assert AccessAttempt.objects.get().username == "ada.admin"


def test_another_address_and_another_account_are_not_locked(client: Client, ada: User, cast: Cast) -> None:
    cast.otto.set_password(PASSWORD)
    cast.otto.save()
    fail(client, "ada.admin")
    assert sign_in(Client(), cast.otto.username).status_code == 302
    assert sign_in(Client(), "ada.admin", address="192.0.2.2").status_code == 302


def test_success_resets_the_count(client: Client, ada: User) -> None:
    fail(client, "ada.admin@example.com", LIMIT - 1)
    assert sign_in(Client(), "ada.admin").status_code == 302
    assert fail(client, "ada.admin", LIMIT - 1) == [200] * (LIMIT - 1)


def test_a_lock_expires(client: Client, ada: User) -> None:
    fail(client, "ada.admin")
    AccessAttempt.objects.update(
        attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME - timedelta(seconds=1)
    )
    assert sign_in(client, "ada.admin").status_code == 302


def test_attempts_during_a_lock_do_not_extend_it(client: Client, ada: User) -> None:
    fail(client, "ada.admin")
    before = AccessAttempt.objects.get().attempt_time
    fail(client, "ada.admin", 3)
    assert AccessAttempt.objects.get().attempt_time == before


def test_wrong_codes_count_like_wrong_passwords(client: Client, ada: User) -> None:
    with_app(ada)
    assert sign_in(client, "ada.admin").url == "/sign-in/code/"
    tries = [client.post("/sign-in/code/", {"code": "000000"}, REMOTE_ADDR="192.0.2.1") for _ in range(LIMIT)]
    assert [answer.status_code for answer in tries] == [200] * (LIMIT - 1) + [429]
    assert client.get("/sign-in/code/", REMOTE_ADDR="192.0.2.1").status_code == 429
    assert sign_in(Client(), "ada.admin").status_code == 429


WAYS = {
    "/sign-in/again/": lambda password: {"password": password},
    "/security/password/": lambda password: {"oldpassword": password, "password1": NEW, "password2": NEW},
}


@pytest.mark.parametrize("page", WAYS)
def test_the_current_password_cannot_be_guessed_in_an_open_session(
    client: Client, ada: User, page: str
) -> None:
    """Every page that asks for it counts, locks and records like signing in."""
    sign_in(client, "ada.admin")
    tries = [client.post(page, WAYS[page]("wrong"), REMOTE_ADDR="192.0.2.1") for _ in range(LIMIT)]
    assert [answer.status_code for answer in tries] == [200] * (LIMIT - 1) + [429]
    assert client.post(page, WAYS[page](PASSWORD), REMOTE_ADDR="192.0.2.1").status_code == 429
    assert sign_in(Client(), "ada.admin").status_code == 429
    assert sign_in(Client(), "ada.admin", address="192.0.2.2").status_code == 302
    kinds = list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds.count("sign-in-failed") >= LIMIT
    assert kinds.count("locked-out") == 1
    stored = AccessAttempt.objects.get(ip_address="192.0.2.1").post_data
    assert "wrong" not in stored
    assert NEW not in stored


def test_the_right_current_password_changes_it(client: Client, ada: User) -> None:
    sign_in(client, "ada.admin")
    answer = client.post(
        "/security/password/", WAYS["/security/password/"](PASSWORD), REMOTE_ADDR="192.0.2.1"
    )
    assert answer.status_code == 302
    assert is_signed_in(client)
    assert sign_in(Client(), "ada.admin", NEW).status_code == 302


def test_typed_passwords_are_not_stored(client: Client, ada: User) -> None:
    fail(client, "ada.admin", 2)
    attempt = AccessAttempt.objects.get()
    assert "wrong" not in attempt.post_data
    assert "csrf" not in attempt.post_data.replace("csrfmiddlewaretoken=*", "")


@pytest.mark.parametrize("name", ["ada.admin", "nobody.of.this.name"])
def test_an_unknown_name_costs_a_password_hash_too(
    client: Client, ada: User, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every failure computes exactly one hash. The test counts hashes, because measured times vary."""
    made: list[str] = []
    for step in ("encode", "verify"):
        original = getattr(Argon2PasswordHasher, step)
        monkeypatch.setattr(
            Argon2PasswordHasher,
            step,
            lambda self, *args, step=step, original=original: made.append(step) or original(self, *args),
        )
    sign_in(client, name, "wrong")
    assert len(made) == 1


def test_hostile_names_are_refused_normally(client: Client, ada: User) -> None:
    for name in ("\0", "a" * 254, "x\r\nLOG forged", "' OR 1=1 --", "٣"):
        assert REFUSED in sign_in(client, name, "wrong").content.decode()


@pytest.mark.parametrize(
    ("remote", "found"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("", None), ("nonsense", None)],
)
def test_the_address_comes_from_the_connection(remote: str, found: str | None) -> None:
    """X-Forwarded-For is ignored here: middleware evaluates the headers of a trusted proxy (see test_headers.py)."""
    request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR="198.51.100.7")
    with override_settings(TRUST_PROXY=True):
        assert address_of(request) == found


@override_settings(TRUST_PROXY=True)
def test_users_behind_a_proxy_do_not_lock_each_other_out(client: Client, ada: User) -> None:
    for _ in range(LIMIT):
        last = client.post(
            "/sign-in/", {"username": "ada.admin", "password": "wrong"}, HTTP_X_FORWARDED_FOR="198.51.100.7"
        )
    assert last.status_code == 429
    right = {"username": "ada.admin", "password": PASSWORD}
    assert client.post("/sign-in/", right, HTTP_X_FORWARDED_FOR="198.51.100.8").status_code == 302


# --- IPv6: a subscriber has 2**64 addresses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remote", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("2001:db8:1:3::", "2001:db8:1:3::"),
        ("::1", "::"),
        ("", None),
        ("nonsense", None),
    ],
)
def test_ipv6_addresses_count_by_their_64_bit_network(remote: str, counted: str | None) -> None:
    assert counted_address(RequestFactory().get("/", REMOTE_ADDR=remote)) == counted


def test_another_address_of_the_same_network_shares_the_count(client: Client, ada: User) -> None:
    tries = [sign_in(client, "ada.admin", "wrong", address=f"2001:db8::{n}") for n in range(1, LIMIT + 1)]
    assert [answer.status_code for answer in tries] == [200] * (LIMIT - 1) + [429]
    locked = sign_in(client, "ada.admin", address="2001:db8::ffff")
    assert locked.status_code == 429
    assert 0 < int(locked["Retry-After"]) <= 15 * 60
    assert sign_in(Client(), "ada.admin", address="2001:db8:0:1::1").status_code == 302


def test_the_audit_log_keeps_the_whole_address(client: Client, ada: User) -> None:
    fail(client, "ada.admin", address="2001:db8::7")
    kinds = AuditEvent.objects.filter(address="2001:db8::7").values_list("kind", flat=True)
    assert set(kinds) == {"sign-in-failed", "locked-out"}
