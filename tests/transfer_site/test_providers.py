"""The providers of tenants in the environment: what is missing stops the start and says what to put there."""

import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from transfer_site import providers

WHOLE = {
    "id": "abacus",
    "tenant": "Abacus",
    "name": "Abacus",
    "server_url": "https://login.example.org/",
    "client_id": "transfer",
    "client_secret_env": "ABACUS_SECRET",
}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABACUS_SECRET", "hush")


def test_an_entry_becomes_an_app() -> None:
    (app,) = providers.openid(json.dumps([WHOLE]))["openid_connect"]["APPS"]
    assert app["secret"] == "hush"
    assert app["settings"] == {
        "server_url": "https://login.example.org",
        "tenant": "Abacus",
        "match": "email",
        "claim": "email",
        "trusted_to_ask": False,
    }


def test_none_is_fine() -> None:
    assert providers.openid("")["openid_connect"]["APPS"] == []
    assert providers.saml("") == {}
    assert providers.apps_for_saml("") == []


def test_the_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    entry = {**WHOLE, "client_secret_env": "", "client_secret_file": str(tmp_path / "secret")}
    assert providers.openid(json.dumps([entry]))["openid_connect"]["APPS"][0]["secret"] == "from a file"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("{", "OIDC_PROVIDERS is not JSON"),
        ("{}", "has to be a JSON list"),
        ([WHOLE, WHOLE], "two entries with one id"),
        ([WHOLE | {"id": "openid_connect"}], "the id 'openid_connect' cannot stand in an address"),
        ([WHOLE | {"id": "a/b"}], "Put there letters, digits, - and _, and not openid_connect or saml"),
        ([WHOLE | {"match": "shoe size"}], "Put one of email, username, employee_id there."),
        ([WHOLE | {"client_secret_env": "NOT_SET"}], "has no client secret. Put the name of a file"),
        ([WHOLE | {"client_secret_env": "", "client_secret_file": "/nowhere"}], "Make the file readable"),
        *[
            (
                [{key: value for key, value in WHOLE.items() if key != part}],
                f"entry 1 has no {part}. Put there {meaning}",
            )
            for part, meaning in providers.OPENID.items()
        ],
    ],
)
def test_what_is_missing_is_named(wrong: object, words: str) -> None:
    text = wrong if isinstance(wrong, str) else json.dumps(wrong)
    with pytest.raises(ImproperlyConfigured) as refusal:
        providers.openid(text)
    assert words in str(refusal.value)


def test_saml_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onelogin.saml2", None)
    entry = dict.fromkeys(providers.SAML, "x")
    with pytest.raises(ImproperlyConfigured, match="requirements/saml.txt"):
        providers.apps_for_saml(json.dumps([entry]))
    assert providers.saml(json.dumps([entry]))["saml"]["APPS"][0]["settings"]["tenant"] == "x"


def test_saml_takes_the_usual_attributes_unless_others_are_named() -> None:
    """An empty mapping would know not even the email; and an email is verified only where somebody says so."""
    entry = dict.fromkeys(providers.SAML, "x")
    plain, mapped = (
        providers.saml(json.dumps([entry | more]))["saml"]["APPS"][0]["settings"]
        for more in (
            {},
            {"attribute_mapping": {"email": "mail"}, "verified_email": True, "trusted_to_ask": True},
        )
    )
    assert "attribute_mapping" not in plain
    assert (plain["verified_email"], plain["trusted_to_ask"]) == (False, False)
    assert mapped["attribute_mapping"] == {"email": "mail"}
    assert (mapped["verified_email"], mapped["trusted_to_ask"]) == (True, True)
