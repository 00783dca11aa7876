"""The identity providers of tenants, from the environment to what allauth wants to hear (docs/sign-in.md).

OIDC_PROVIDERS and SAML_PROVIDERS are JSON lists; each entry belongs to one tenant. Whatever is missing stops the start
with a sentence that names the entry, the part and what to put there.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

# What a provider may be asked about a person, and by which column of the person it is looked up.
MATCHES = ("email", "username", "employee_id")
# What may be an id. allauth takes the name of a kind for all of its providers.
NAME = re.compile(r"[-\w]+", re.ASCII)
KINDS = ("openid_connect", "saml")
OPENID = {
    "id": "a short name for the address of its pages, for example abacus",
    "tenant": "the name of the tenant whose people sign in there",
    "name": "what the button on the sign-in page says after “Sign in with”",
    "server_url": "its issuer, for example https://login.example.org/realms/abacus",
    "client_id": "the name under which this site is registered there",
}
SAML = {
    "id": "a short name for the address of its pages, for example abacus",
    "tenant": "the name of the tenant whose people sign in there",
    "name": "what the button on the sign-in page says after “Sign in with”",
    "entity_id": "the provider's own name, as its metadata gives it",
    "metadata_url": "where its metadata is found",
}


def openid(text: str) -> dict[str, Any]:
    """Settings for allauth from OIDC_PROVIDERS: {"openid_connect": {...}}."""
    entries = [openid_app(entry) for entry in parse("OIDC_PROVIDERS", text, OPENID)]
    return {
        "openid_connect": {
            "provider_class": "accounts.openid.TenantProvider",
            "OAUTH_PKCE_ENABLED": True,
            "APPS": entries,
        }
    }


def openid_app(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "provider_id": entry["id"],
        "name": entry["name"],
        "client_id": entry["client_id"],
        "secret": secret(entry),
        "settings": {
            "server_url": entry["server_url"].rstrip("/"),
            "trusted_to_ask": entry.get("trusted_to_ask") is True,
            **matching(entry),
        },
    }


def saml(text: str) -> dict[str, Any]:
    """Settings for allauth from SAML_PROVIDERS: {"saml": {...}}, or nothing without any."""
    entries = [saml_app(entry) for entry in parse("SAML_PROVIDERS", text, SAML)]
    return {"saml": {"provider_class": "accounts.saml.TenantProvider", "APPS": entries}} if entries else {}


def saml_app(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "provider_id": entry["entity_id"],
        "client_id": entry["id"],
        "name": entry["name"],
        "settings": {
            "idp": {"entity_id": entry["entity_id"], "metadata_url": entry["metadata_url"]},
            "verified_email": entry.get("verified_email") is True,
            "trusted_to_ask": entry.get("trusted_to_ask") is True,
            # Without it allauth's own: the usual names of attributes, of which an empty one would know none.
            **({"attribute_mapping": entry["attribute_mapping"]} if entry.get("attribute_mapping") else {}),
            **matching(entry),
        },
    }


def apps_for_saml(text: str) -> list[str]:
    """The app that speaks SAML, when a provider is named; it needs the extra `saml` and is not imported otherwise."""
    if not parse("SAML_PROVIDERS", text, SAML):
        return []
    try:
        import onelogin.saml2  # noqa: F401
    except ImportError as missing:
        raise ImproperlyConfigured(
            "SAML_PROVIDERS names a provider, but what speaks SAML is not installed. Install it with"
            " `pip install --require-hashes -r requirements/saml.txt` (docs/sign-in.md), or take SAML_PROVIDERS away."
        ) from missing
    return ["allauth.socialaccount.providers.saml"]


def matching(entry: dict[str, Any]) -> dict[str, str]:
    """By what a person is found: the provider's claim, and the column of our user that has to be equal to it."""
    match = entry.get("match", "email")
    if match not in MATCHES:
        raise ImproperlyConfigured(
            f"The provider {entry['id']} has the match {match!r}. Put one of {', '.join(MATCHES)} there."
        )
    return {"tenant": entry["tenant"], "match": match, "claim": entry.get("claim", match)}


def secret(entry: dict[str, Any]) -> str:
    """From the file or the variable that the entry names; the JSON itself is no place for a secret."""
    if name := entry.get("client_secret_env"):
        found = os.environ.get(name, "")
    elif file := entry.get("client_secret_file"):
        found = read(entry["id"], file)
    else:
        found = ""
    if not found:
        raise ImproperlyConfigured(
            f"OIDC_PROVIDERS: the provider {entry['id']} has no client secret. Put the name of a file that holds it"
            " into client_secret_file, or the name of an environment variable into client_secret_env."
        )
    return found


def read(provider: str, file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"OIDC_PROVIDERS: the client secret of the provider {provider} is to be read from {file}, which cannot be"
            f" done ({error.strerror}). Make the file readable for the account that runs the site."
        ) from error


def parse(setting: str, text: str, parts: dict[str, str]) -> list[dict[str, Any]]:
    """The entries of the JSON list, each with all of its parts."""
    try:
        entries = json.loads(text or "[]")
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{setting} is not JSON ({error}). It is a list with one entry per provider, as in docs/sign-in.md."
        ) from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ImproperlyConfigured(f"{setting} has to be a JSON list of objects, as in docs/sign-in.md.")
    for number, entry in enumerate(entries, 1):
        for part, meaning in parts.items():
            if not isinstance(entry.get(part), str) or not entry[part]:
                raise ImproperlyConfigured(f"{setting}: entry {number} has no {part}. Put there {meaning}.")
        if not NAME.fullmatch(entry["id"]) or entry["id"] in KINDS:
            raise ImproperlyConfigured(
                f"{setting}: the id {entry['id']!r} cannot stand in an address. Put there letters, digits, - and _,"
                f" and not {' or '.join(KINDS)}."
            )
    if len({entry["id"] for entry in entries}) < len(entries):
        raise ImproperlyConfigured(f"{setting} has two entries with one id. Every id names one provider.")
    return entries
