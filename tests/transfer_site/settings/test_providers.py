"""Errors in OIDC_PROVIDERS and SAML_PROVIDERS prevent the site from starting, and the message says what to set."""

import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from transfer_site.settings import providers

COMPLETE = {
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
    (app,) = providers.openid(json.dumps([COMPLETE]))["openid_connect"]["APPS"]
    assert app["secret"] == "hush"
    assert app["settings"] == {
        "server_url": "https://login.example.org",
        "tenant": "Abacus",
        "match": "email",
        "claim": "email",
        "trusted_to_ask": False,
    }


def test_no_providers() -> None:
    assert providers.openid("")["openid_connect"]["APPS"] == []
    assert providers.saml("") == {}
    assert providers.apps_for_saml("") == []


def test_the_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    entry = {**COMPLETE, "client_secret_env": "", "client_secret_file": str(tmp_path / "secret")}
    assert providers.openid(json.dumps([entry]))["openid_connect"]["APPS"][0]["secret"] == "from a file"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "OIDC_PROVIDERS is not valid JSON"),
        ("{}", "must be a JSON list"),
        ([COMPLETE, COMPLETE], "two entries with the same id"),
        ([COMPLETE | {"id": "openid_connect"}], "the id 'openid_connect' cannot be part of a URL"),
        ([COMPLETE | {"id": "a/b"}], "Use letters, digits, - and _, and not openid_connect or saml"),
        ([COMPLETE | {"match": "shoe size"}], "Set match to one of email, username, employee_id."),
        (
            [COMPLETE | {"client_secret_env": "NOT_SET"}],
            "has no client secret. Set client_secret_file to the name of a file",
        ),
        ([COMPLETE | {"client_secret_env": "", "client_secret_file": "/nowhere"}], "Make the file readable"),
        *[
            (
                [{key: value for key, value in COMPLETE.items() if key != part}],
                f"entry 1 has no {part}. Set it to {meaning}",
            )
            for part, meaning in providers.OPENID.items()
        ],
    ],
)
def test_errors_name_the_field_and_the_fix(value: object, message: str) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(ImproperlyConfigured) as error:
        providers.openid(text)
    assert message in str(error.value)


def test_saml_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onelogin.saml2", None)
    entry = dict.fromkeys(providers.SAML, "x")
    with pytest.raises(ImproperlyConfigured, match="requirements/saml.txt"):
        providers.apps_for_saml(json.dumps([entry]))
    assert providers.saml(json.dumps([entry]))["saml"]["APPS"][0]["settings"]["tenant"] == "x"


def test_saml_uses_the_default_attributes_without_a_mapping() -> None:
    """An empty mapping would omit even the email address. Addresses count as verified only if the entry says so."""
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
