"""SAML sign-in, with responses signed by a key created here. The tests need the extra `saml`, or they are skipped."""

import base64
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

pytest.importorskip("onelogin.saml2")

from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers import registry
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, reverse
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from accounts.signing_in.forms import REFUSED
from accounts.signing_in.providers import saml
from accounts.signing_in.providers.saml_views import MAX_LENGTH
from accounts.signing_in.sessions.lifetime import PROVED
from tests.fixtures.cast import Cast
from transfer_site.settings import providers
from transfer_site.urls import urlpatterns as urls_of_the_site
from web import rate_limits

PROVIDER = "urn:provider:abacus"
PAGE = "/sign-in/saml/abacus/"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
EMAIL = "urn:oid:0.9.2342.19200300.100.1.3"
VERIFIED = "http://schemas.auth0.com/email_verified"

METADATA = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{provider}">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">
<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{cert}</X509Certificate></X509Data>
</KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
 Location="https://login.example.org/sso"/></IDPSSODescriptor></EntityDescriptor>"""

ANSWER = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0" IssueInstant="{now}" {envelope}
 Destination="{site}acs/"><saml:Issuer>{provider}</saml:Issuer><samlp:Status>
<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{assertion}</samlp:Response>"""

ASSERTION = """<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0"
 IssueInstant="{now}"><saml:Issuer>{provider}</saml:Issuer><saml:Subject>
<saml:NameID Format="{format}">{name}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<saml:SubjectConfirmationData {subject} NotOnOrAfter="{later}" Recipient="{site}acs/"/></saml:SubjectConfirmation>
</saml:Subject><saml:Conditions NotBefore="{before}" NotOnOrAfter="{later}"><saml:AudienceRestriction>
<saml:Audience>{site}metadata/</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{proved}"><saml:AuthnContext><saml:AuthnContextClassRef>
urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"""

ATTRIBUTE = '<saml:Attribute Name="{}"><saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute>'


@pytest.fixture(scope="module")
def key() -> SimpleNamespace:
    """The provider's private key and certificate, both in PEM format."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "provider")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SimpleNamespace(
        private=pem.decode(), certificate=certificate.public_bytes(serialization.Encoding.PEM).decode()
    )


@pytest.fixture(scope="module")
def metadata(key: SimpleNamespace) -> Iterator[str]:
    """The URL of the provider's metadata, which a local HTTP server provides."""
    lines = "".join(key.certificate.splitlines()[1:-1])
    page = METADATA.format(provider=PROVIDER, cert=lines).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def configured(settings, cast: Cast, metadata: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Configure the provider to match users by trusted email. `configured(match="username", …)` overrides settings."""
    from accounts.signing_in.providers.saml_urls import urlpatterns

    def configure(**more: object) -> None:
        entry = {
            "id": "abacus",
            "tenant": cast.abacus.name,
            "name": "Abacus",
            "entity_id": PROVIDER,
            "metadata_url": metadata,
            "verified_email": True,
        } | more
        settings.SOCIALACCOUNT_PROVIDERS = {**providers.openid(""), **providers.saml(json.dumps([entry]))}

    monkeypatch.setitem(registry.provider_map, "saml", saml.TenantProvider)
    # The site adds these URLs only if its settings name a provider at start-up, so they are added here.
    settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": [*urls_of_the_site, *urlpatterns]})
    cache.clear()
    configure()
    return configure


class Provider:
    """A SAML provider that signs responses to our requests."""

    def __init__(self, key: SimpleNamespace) -> None:
        self.key = key

    def signed(self, text: str) -> str:
        signed = OneLogin_Saml2_Utils.add_sign(text, self.key.private, self.key.certificate)
        return (signed if isinstance(signed, bytes) else signed.encode()).decode()

    def answer(self, request_id: str, *, email: str = "", envelope: str | None = None, **facts: str) -> str:
        """Return a SAML response, encoded in Base64.

        `proved` is the time at which the user entered their password, in seconds from now. `envelope` is the
        InResponseTo attribute of the unsigned part, by default `request_id`.
        """
        now = datetime.now(UTC)
        verified = facts.pop("verified", "")
        attributes = {"nickname": "x", EMAIL: email, VERIFIED: verified, **facts.pop("attributes", {})}
        words = {
            "provider": PROVIDER,
            "site": f"http://testserver{PAGE}",
            "now": instant(now),
            "before": instant(now - timedelta(minutes=5)),
            "later": instant(now + timedelta(minutes=5)),
            "proved": instant(now + timedelta(seconds=float(facts.pop("proved", "1")))),
            "format": facts.pop("format", PERSISTENT),
            "name": facts.pop("name", "a1"),
            "subject": f'InResponseTo="{request_id}"' if request_id else "",
            "attributes": "".join(ATTRIBUTE.format(*one) for one in attributes.items() if one[1]),
        }
        assertion = (
            self.signed(ASSERTION.format(**words)) if facts.pop("sign", "yes") else ASSERTION.format(**words)
        )
        envelope = request_id if envelope is None else envelope
        whole = ANSWER.format(
            assertion=assertion, envelope=f'InResponseTo="{envelope}"' if envelope else "", **words
        )
        return base64.b64encode(whole.encode()).decode()


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def provider(key: SimpleNamespace) -> Provider:
    return Provider(key)


def asked(client: Client, address: str = PAGE) -> ElementTree.Element:
    """Return the AuthnRequest in the URL that our site redirects to."""
    there = client.get(address)
    assert there.status_code == 302
    assert there.url.startswith("https://login.example.org/sso?")
    packed = parse_qs(urlsplit(there.url).query)["SAMLRequest"][0]
    return ElementTree.fromstring(zlib.decompress(base64.b64decode(packed), -15))


def end(client: Client, answer: str) -> HttpResponse:
    """Post the response without our cookies, as the provider's site does, then follow the redirect with our cookies."""
    elsewhere = Client()
    posted = elsewhere.post(f"{PAGE}acs/", {"SAMLResponse": answer, "RelayState": "https://evil.example"})
    assert posted.status_code == 302
    client.cookies.update(elsewhere.cookies)
    return client.get(posted.url)


def is_refused(client: Client, answer: HttpResponse) -> bool:
    return answer.url == "/sign-in/" and REFUSED in client.get("/sign-in/").content.decode()


def test_there_and_back(client: Client, cast: Cast, provider: Provider) -> None:
    request = asked(client, f"{PAGE}?next=/transfers/")
    assert request.get("ForceAuthn") == "true"
    assert "".join(request.itertext()).strip() == f"http://testserver{PAGE}metadata/"
    policy = request.find("{urn:oasis:names:tc:SAML:2.0:protocol}NameIDPolicy")
    assert policy is not None
    assert policy.get("Format") == PERSISTENT
    done = end(client, provider.answer(request.get("ID", ""), email=cast.ada.email))
    assert done.url == "/transfers/"
    assert SocialAccount.objects.get().uid == "a1"
    assert cast.ada.name in client.get("/transfers/").content.decode()
    assert client.session[PROVED] > 0
    assert not Session.objects.filter(pk=client.cookies["saml-acs-session"].value).exists()


def sign_in(client: Client, provider: Provider, **facts: str) -> HttpResponse:
    return end(client, provider.answer(asked(client).get("ID", ""), **facts))


def test_an_open_session_at_the_provider_is_no_proof(client: Client, cast: Cast, provider: Provider) -> None:
    """An attacker at an unattended computer removes `ForceAuthn` from the URL, so the provider asks for no password."""
    sign_in(client, provider, email=cast.ada.email, proved="-3600")
    assert (
        "did not confirm that you have just entered your password"
        in client.get("/transfers/").content.decode()
    )
    assert client.session[PROVED] == 0


def test_a_provider_can_be_trusted_by_the_settings(
    client: Client, cast: Cast, provider: Provider, configured: Callable[..., None]
) -> None:
    configured(trusted_to_ask=True)
    sign_in(client, provider, email=cast.ada.email, proved="-3600")
    assert client.session[PROVED] > 0


@pytest.mark.parametrize(
    ("trusted", "verified", "comes_in"),
    [(True, "", True), (True, "false", False), (False, "", False), (False, "true", True)],
)
def test_an_email_counts_when_it_is_verified(
    client: Client,
    cast: Cast,
    provider: Provider,
    configured: Callable[..., None],
    trusted: bool,
    verified: str,
    comes_in: bool,
) -> None:
    configured(verified_email=trusted)
    done = sign_in(client, provider, email=cast.ada.email, verified=verified)
    assert (done.url == reverse("transfers:transfer-home")) is comes_in
    assert comes_in or is_refused(client, done)


def test_another_tenants_people_are_refused(client: Client, cast: Cast, provider: Provider) -> None:
    assert is_refused(client, sign_in(client, provider, email=cast.frida.email))


def test_attribute_names_can_be_mapped(
    client: Client, cast: Cast, provider: Provider, configured: Callable[..., None]
) -> None:
    configured(attribute_mapping={"email": "nickname"})
    done = sign_in(client, provider, attributes={"nickname": cast.ada.email})
    assert done.url == reverse("transfers:transfer-home")


@pytest.mark.parametrize("format", ["2.0:nameid-format:transient", "1.1:nameid-format:emailAddress"])
def test_unstable_name_ids_are_never_linked(
    client: Client, cast: Cast, provider: Provider, format: str
) -> None:
    done = sign_in(client, provider, email=cast.ada.email, format=f"urn:oasis:names:tc:SAML:{format}")
    assert is_refused(client, done)
    assert not SocialAccount.objects.exists()


def test_a_response_counts_once_and_only_in_the_requesting_browser(
    client: Client, cast: Cast, provider: Provider
) -> None:
    answer = provider.answer(asked(client).get("ID", ""), email=cast.ada.email)
    other = Client()
    assert is_refused(other, end(other, answer))
    assert end(client, answer).url == reverse("transfers:transfer-home")
    client.logout()
    assert is_refused(client, end(client, answer))


def test_an_unsolicited_response_is_refused(client: Client, cast: Cast, provider: Provider) -> None:
    """It is refused even if its unsigned part names one of our requests in InResponseTo."""
    request_id = asked(client).get("ID", "")
    assert is_refused(client, end(client, provider.answer("", email=cast.ada.email)))
    assert is_refused(client, end(client, provider.answer("", email=cast.ada.email, envelope=request_id)))


@pytest.mark.parametrize("sent", ["", "%%%", "PGE+", "unsigned", "long"])
def test_unsigned_responses_are_not_stored(client: Client, provider: Provider, cast: Cast, sent: str) -> None:
    made = {
        "unsigned": provider.answer("_q", email=cast.ada.email, sign=""),
        "long": provider.answer("_q", email="a" * MAX_LENGTH),
    }
    before = Session.objects.count()
    posted = Client().post(f"{PAGE}acs/", {"SAMLResponse": made.get(sent, sent)})
    assert (posted.status_code, posted.url) == (302, "/sign-in/")
    assert "saml-acs-session" not in posted.cookies
    assert Session.objects.count() <= before + 1, "only the message for the next page"
    assert not any("response" in session.get_decoded() for session in Session.objects.all())


def test_no_url_signs_users_out_or_links_accounts(client: Client, cast: Cast, provider: Provider) -> None:
    with pytest.raises(NoReverseMatch):
        reverse("saml_sls", args=["abacus"])
    page = client.get(f"{PAGE}metadata/").content.decode()
    assert "SingleLogoutService" not in page
    assert f'entityID="http://testserver{PAGE}metadata/"' in page
    done = end(
        client, provider.answer(asked(client, f"{PAGE}?process=connect").get("ID", ""), email=cast.ada.email)
    )
    assert done.url == reverse("transfers:transfer-home")


def test_pages_without_a_response_return_to_sign_in(client: Client) -> None:
    assert is_refused(client, client.get(f"{PAGE}finish/"))
    assert client.get(f"{PAGE}acs/").status_code == 405
    assert client.get("/sign-in/saml/nobody/").status_code == 404


@pytest.mark.parametrize("page", ["", "acs/", "finish/", "metadata/"])
def test_each_page_is_rate_limited(client: Client, settings, page: str) -> None:
    settings.RATE_LIMITS = {"SIGN_IN": "1/hour"}
    rate_limits.counter(settings.REDIS_URL).shared.storage.reset()
    ask = client.post if page == "acs/" else client.get
    assert [ask(PAGE + page).status_code == 429 for _ in range(2)] == [False, True]


def test_an_unreachable_provider_is_reported(client: Client, configured: Callable[..., None]) -> None:
    configured(metadata_url="http://127.0.0.1:9/")
    assert client.get(PAGE).url == "/sign-in/"
    assert "could not be reached" in client.get("/sign-in/").content.decode()
