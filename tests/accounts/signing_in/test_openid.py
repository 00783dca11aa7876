"""Sign-in with the tenant's OpenID provider, tested over HTTP against a real provider in a separate process."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as django_settings
from django.contrib.sessions.backends.db import SessionStore
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.signing_in.forms import REFUSED
from accounts.signing_in.sessions.lifetime import PROVED
from audit.models import AuditEvent
from tests.fixtures.cast import Cast
from tests.fixtures.signing_in import SECRET, code, with_app
from tests.harness.provider.__main__ import SECRET as CLIENT_SECRET
from transfer_site.settings import providers
from web import rate_limits

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def provider(live_server: LiveServer) -> Iterator[str]:
    """The address of a provider that runs in a separate process."""
    command = [sys.executable, "-m", "tests.harness.provider", live_server.url]
    with subprocess.Popen(
        command, cwd=django_settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


class Person:
    """A user with a browser that runs no scripts. Tests can change each redirect before it is followed."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.browser = requests.Session()

    def begin(self, page: str = "/sign-in/with/abacus/") -> str:
        """Start the sign-in at our site and return the URL to which the site redirects."""
        return self.step(self.site + page)

    def step(self, address: str) -> str:
        answer = self.browser.get(address, allow_redirects=False)
        assert answer.status_code == 302, answer.text[:500]
        return requests.compat.urljoin(address, answer.headers["Location"])

    def at_provider(self, address: str, **who: str) -> str:
        """Sign in at the provider and return the URL to which the provider redirects."""
        login = self.step(address)
        answer = self.browser.post(login, data=who, allow_redirects=False)
        return self.step(requests.compat.urljoin(login, answer.headers["Location"]))

    def end(self, back: str) -> requests.Response:
        """Open the URL, follow all redirects and return the final page."""
        return self.browser.get(back)

    def sign_in(self, **who: str) -> requests.Response:
        return self.end(self.at_provider(self.begin(), **who))


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return Cast()


@pytest.fixture
def person(live_server: LiveServer) -> Person:
    return Person(live_server.url)


Configure = Callable[..., None]


@pytest.fixture(autouse=True)
def configured(
    settings: Settings, provider: str, cast: Cast, monkeypatch: pytest.MonkeyPatch, live_server: LiveServer
) -> Configure:
    """Configure the provider to match users by email. `configured(match="username", …)` overrides settings."""
    monkeypatch.setenv("ABACUS_SECRET", CLIENT_SECRET)

    def configure(**more: object) -> None:
        entry = {
            "id": "abacus",
            "tenant": cast.abacus.name,
            "name": "Abacus",
            "server_url": f"{provider}/o",
            "client_id": "transfer",
            "client_secret_env": "ABACUS_SECRET",
        } | more
        settings.SOCIALACCOUNT_PROVIDERS = providers.openid(json.dumps([entry]))

    settings.SITE_URL = live_server.url
    configure()
    return configure


def changed(address: str, **parts: str) -> str:
    split = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(split.query).items()} | parts
    return urlunsplit(split._replace(query=urlencode(query)))


def is_refused(page: requests.Response) -> bool:
    return urlsplit(page.url).path == "/sign-in/" and REFUSED in page.text


def test_the_button_leads_there_and_back(person: Person, cast: Cast) -> None:
    page = person.browser.get(person.site + "/sign-in/?next=/transfers/").text
    assert "Sign in with Abacus" in page
    assert 'href="/sign-in/with/abacus/?next=/transfers/"'.replace("/transfers/", "%2Ftransfers%2F") in page

    there = person.begin("/sign-in/with/abacus/?next=/transfers/")
    asked = parse_qs(urlsplit(there).query)
    assert asked["prompt"] == ["login"]
    assert asked["code_challenge_method"] == ["S256"]
    end = person.end(person.at_provider(there, username="ada", email=cast.ada.email.upper()))

    assert end.status_code == 200
    assert urlsplit(end.url).path == "/transfers/"
    assert cast.ada.name in end.text
    assert SocialAccount.objects.get().user == cast.ada
    assert AuditEvent.objects.get(kind="signed-in").actor_id == cast.ada.pk


def test_the_provider_is_given_the_address_of_the_site(person: Person) -> None:
    """The Host header is the client's choice, and Django does not check its port."""
    answer = requests.get(
        person.site + "/sign-in/with/abacus/", headers={"Host": "localhost:6666"}, allow_redirects=False
    )
    (found,) = parse_qs(urlsplit(answer.headers["Location"]).query)["redirect_uri"]
    assert found.startswith(f"{person.site}/sign-in/with/abacus/")


def test_a_linked_user_stays_linked(person: Person, cast: Cast) -> None:
    person.sign_in(username="ada2", email=cast.ada.email)
    other = Person(person.site)
    end = other.sign_in(username="ada2", email="changed@example.com")
    assert cast.ada.name in end.text
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize("who", ["foreign", "unknown", "inactive", "unverified", "blank"])
def test_all_others_are_refused_with_one_message(person: Person, cast: Cast, who: str) -> None:
    before = User.objects.count()
    email = {"foreign": cast.frida.email, "unknown": "no.body@example.com", "blank": ""}.get(
        who, cast.ada.email
    )
    if who == "inactive":
        User.objects.filter(pk=cast.ada.pk).update(is_active=False)
    end = person.sign_in(username=who, email=email, first_name="unverified" if who == "unverified" else "")
    assert is_refused(end)
    assert User.objects.count() == before
    assert not SocialAccount.objects.exists()
    assert person.browser.get(person.site + "/transfer/", allow_redirects=False).status_code == 302


def test_a_link_to_another_tenant_is_ignored(person: Person, cast: Cast) -> None:
    person.sign_in(username="moved", email=cast.ada.email)
    SocialAccount.objects.update(user=cast.frida)
    assert is_refused(Person(person.site).sign_in(username="moved", email=cast.ada.email))


def test_a_user_deactivated_after_the_link_is_refused(person: Person, cast: Cast) -> None:
    person.sign_in(username="gone", email=cast.ada.email)
    User.objects.filter(pk=cast.ada.pk).update(is_active=False)
    assert is_refused(Person(person.site).sign_in(username="gone", email=cast.ada.email))


def test_another_claim_can_match_users(person: Person, cast: Cast, configured: Configure) -> None:
    configured(match="username", claim="preferred_username")
    assert cast.ada.name in person.sign_in(username=cast.ada.username, email="").text


def test_the_second_factor_of_the_account_is_asked_for(person: Person, cast: Cast) -> None:
    with_app(cast.ada)
    page = person.sign_in(username="ada", email=cast.ada.email)
    assert urlsplit(page.url).path == "/sign-in/code/"
    assert SECRET not in page.text
    token = person.browser.cookies["csrftoken"]
    sent = {"code": code(), "csrfmiddlewaretoken": token}
    end = person.browser.post(page.url, data=sent, headers={"Referer": page.url})
    assert cast.ada.name in end.text


def test_a_user_without_a_password_signs_in_again_at_the_provider(
    person: Person, cast: Cast, settings: Settings
) -> None:
    person.sign_in(username="ada", email=cast.ada.email)
    page = person.browser.get(person.site + "/sign-in/again/?next=/transfers/").text
    (link,) = re.findall(r'href="(/sign-in/with/[^"]+)"', page)
    end = person.end(person.at_provider(person.begin(link), username="ada", email=cast.ada.email))
    assert urlsplit(end.url).path == "/transfers/"
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["tenant"] = "Another"
    assert "Sign in with" not in person.browser.get(person.site + "/sign-in/again/").text


def proved_at(person: Person) -> float:
    return float(SessionStore(session_key=person.browser.cookies["sessionid"]).get(PROVED, 0))


def test_an_open_session_at_the_provider_is_no_proof(person: Person, cast: Cast) -> None:
    """An attacker at an unattended computer removes `prompt` from the URL, so the provider asks for no password."""
    who = {"username": "ada", "email": cast.ada.email}
    person.end(person.at_provider(person.begin(), **who, long_ago="yes"))
    there = changed(person.begin("/sign-in/with/abacus/?next=/transfers/"), prompt="")
    end = person.end(person.step(there))
    assert urlsplit(end.url).path == "/transfers/"
    assert "did not confirm that you have just entered your password" in end.text
    assert proved_at(person) == 0


def test_a_password_just_entered_at_the_provider_is_proof(person: Person, cast: Cast) -> None:
    before = time.time()
    page = person.sign_in(username="ada", email=cast.ada.email)
    assert "did not confirm" not in page.text
    assert proved_at(person) >= before


def test_a_provider_without_auth_time_can_be_trusted_by_the_settings(
    person: Person, cast: Cast, configured: Configure
) -> None:
    configured(trusted_to_ask=True)
    before = time.time()
    person.end(person.at_provider(person.begin(), username="ada", email=cast.ada.email, long_ago="yes"))
    assert proved_at(person) >= before


def test_an_answer_to_another_request_is_refused(person: Person, cast: Cast) -> None:
    back = person.at_provider(person.begin(), username="ada", email=cast.ada.email)
    assert is_refused(person.end(changed(back, state="x" * 16)))
    assert is_refused(Person(person.site).end(back))  # opened in another browser
    assert cast.ada.name in person.end(back).text
    again = Person(person.site)
    assert is_refused(again.end(back))  # used a second time


def test_a_token_of_another_sign_in_is_refused(person: Person, cast: Cast) -> None:
    there = changed(person.begin(), nonce="of-another-sign-in")
    assert is_refused(person.end(person.at_provider(there, username="ada", email=cast.ada.email)))


def test_a_token_signed_with_the_shared_secret_is_refused(
    person: Person, cast: Cast, configured: Configure
) -> None:
    configured(client_id="shared-key")
    assert is_refused(person.sign_in(username="ada", email=cast.ada.email))


def test_an_issuer_not_named_in_the_settings_is_refused(
    person: Person, provider: str, configured: Configure
) -> None:
    configured(server_url=provider.replace("127.0.0.1", "localhost") + "/o")
    end = person.browser.get(person.site + "/sign-in/with/abacus/")
    assert urlsplit(end.url).path == "/sign-in/"
    assert "could not be reached" in end.text


def test_an_unreachable_provider_is_reported(person: Person, configured: Configure) -> None:
    configured(server_url="http://127.0.0.1:9/o")
    assert "could not be reached" in person.browser.get(person.site + "/sign-in/with/abacus/").text


def test_a_refusal_by_the_provider_returns_to_sign_in(person: Person) -> None:
    state = parse_qs(urlsplit(person.begin()).query)["state"][0]
    back = f"{person.site}/sign-in/with/abacus/back/?error=access_denied&state={state}"
    assert is_refused(person.end(back))


@pytest.mark.parametrize("page", ["", "back/"])
def test_an_unknown_provider_gives_404(person: Person, page: str) -> None:
    assert person.browser.get(f"{person.site}/sign-in/with/nobody/{page}").status_code == 404


@pytest.mark.parametrize("address", ["openid_connect", "saml", "twice"])
@pytest.mark.parametrize("page", ["", "back/"])
def test_the_name_of_a_kind_is_not_a_provider(
    person: Person, configured, settings, address: str, page: str
) -> None:
    """allauth accepts a provider type such as `openid_connect` as an ID, and fails if two providers match the ID."""
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    apps += [{**apps[0], "provider_id": "twice"}, {**apps[0], "provider_id": "twice"}]
    answer = person.browser.get(f"{person.site}/sign-in/with/{address}/{page}")
    assert answer.status_code == 404


@pytest.mark.parametrize("page", ["", "back/"])
def test_rate_limited_requests_do_not_reach_the_provider(person: Person, settings, page: str) -> None:
    settings.RATE_LIMITS = {"SIGN_IN": "1/hour"}
    rate_limits.counter(django_settings.REDIS_URL).shared.storage.reset()
    address = f"{person.site}/sign-in/with/abacus/{page}"
    asked = [person.browser.get(address, allow_redirects=False) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [302, 429]


def test_url_parameters_cannot_widen_the_request(person: Person) -> None:
    there = person.begin("/sign-in/with/abacus/?scope=admin&auth_params=prompt%3Dnone&process=connect")
    asked = parse_qs(urlsplit(there).query)
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
    assert asked["prompt"] == ["login"]


def test_only_the_matching_claims_are_stored(person: Person, cast: Cast, configured) -> None:
    person.sign_in(username="ada", email=cast.ada.email, first_name="Ada", last_name="Private")
    assert set(SocialAccount.objects.get().extra_data) == {"sub"}
    Person(person.site).sign_in(username="ada", email=cast.ada.email, last_name="Private")  # already linked
    assert set(SocialAccount.objects.get().extra_data) == {"sub"}
