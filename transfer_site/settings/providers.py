"""Converts the identity providers of tenants from the environment to allauth's settings (docs/sign-in.md).

OIDC_PROVIDERS and SAML_PROVIDERS are JSON lists; each entry belongs to one tenant. If an entry is invalid, the site
does not start, and a message names the entry and the field and says what to set.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

# Columns of `User` that can be compared with a claim of a provider to find the user.
MATCHES = ("email", "username", "employee_id")
# Ids must match NAME and must not be in PROTOCOLS, which are names that allauth reserves for its protocols.
NAME = re.compile(r"[-\w]+", re.ASCII)
PROTOCOLS = ("openid_connect", "saml")
OPENID = {
    "id": "a short name for the URLs of this provider on this site, for example abacus",
    "tenant": "the name of the tenant whose users sign in with this provider",
    "name": "what the button on the sign-in page says after “Sign in with”",
    "server_url": "the URL of the issuer, for example https://login.example.org/realms/abacus",
    "client_id": "the name under which this site is registered with the provider",
}
SAML = {
    "id": "a short name for the URLs of this provider on this site, for example abacus",
    "tenant": "the name of the tenant whose users sign in with this provider",
    "name": "what the button on the sign-in page says after “Sign in with”",
    "entity_id": "the name that the provider gives itself in its metadata",
    "metadata_url": "the URL of the provider's metadata",
}


def openid(text: str) -> dict[str, Any]:
    """Return allauth's settings for OIDC_PROVIDERS: {"openid_connect": {...}}."""
    entries = [openid_app(entry) for entry in parse("OIDC_PROVIDERS", text, OPENID)]
    return {
        "openid_connect": {
            "provider_class": "accounts.signing_in.providers.openid.TenantProvider",
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
    """Return allauth's settings for SAML_PROVIDERS: {"saml": {...}}, or {} if it has no providers."""
    entries = [saml_app(entry) for entry in parse("SAML_PROVIDERS", text, SAML)]
    return (
        {"saml": {"provider_class": "accounts.signing_in.providers.saml.TenantProvider", "APPS": entries}}
        if entries
        else {}
    )


def saml_app(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "provider_id": entry["entity_id"],
        "client_id": entry["id"],
        "name": entry["name"],
        "settings": {
            "idp": {"entity_id": entry["entity_id"], "metadata_url": entry["metadata_url"]},
            "verified_email": entry.get("verified_email") is True,
            "trusted_to_ask": entry.get("trusted_to_ask") is True,
            # Omitted if empty, because an empty mapping would disable allauth's default of the usual attribute names.
            **({"attribute_mapping": entry["attribute_mapping"]} if entry.get("attribute_mapping") else {}),
            **matching(entry),
        },
    }


def apps_for_saml(text: str) -> list[str]:
    """Return allauth's app for SAML, or no app if no provider is configured.

    The app needs the optional dependencies in requirements/saml.txt. Raises ImproperlyConfigured if they are missing.
    """
    if not parse("SAML_PROVIDERS", text, SAML):
        return []
    try:
        import onelogin.saml2  # noqa: F401
    except ImportError as missing:
        raise ImproperlyConfigured(
            "SAML_PROVIDERS is set, but SAML support is not installed. Install it with"
            " `pip install --require-hashes -r requirements/saml.txt` (docs/sign-in.md), or unset SAML_PROVIDERS."
        ) from missing
    return ["allauth.socialaccount.providers.saml"]


def matching(entry: dict[str, Any]) -> dict[str, str]:
    """Return how a user is found: the tenant, the column of `User`, and the provider's claim that must equal it."""
    match = entry.get("match", "email")
    if match not in MATCHES:
        raise ImproperlyConfigured(
            f"The provider {entry['id']} has the match {match!r}. Set match to one of {', '.join(MATCHES)}."
        )
    return {"tenant": entry["tenant"], "match": match, "claim": entry.get("claim", match)}


def secret(entry: dict[str, Any]) -> str:
    """Return the client secret from the file or variable that the entry names. The JSON never contains the secret."""
    if name := entry.get("client_secret_env"):
        found = os.environ.get(name, "")
    elif file := entry.get("client_secret_file"):
        found = read(entry["id"], file)
    else:
        found = ""
    if not found:
        raise ImproperlyConfigured(
            f"OIDC_PROVIDERS: the provider {entry['id']} has no client secret. Set client_secret_file to the name of a"
            " file that holds it, or client_secret_env to the name of an environment variable."
        )
    return found


def read(provider: str, file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"OIDC_PROVIDERS: the client secret of the provider {provider} cannot be read from {file}"
            f" ({error.strerror}). Make the file readable for the site's user."
        ) from error


def parse(setting: str, text: str, parts: dict[str, str]) -> list[dict[str, Any]]:
    """Return the entries of a JSON list of providers.

    Raises ImproperlyConfigured if the JSON is invalid, a field is missing, or an id is invalid or used twice.
    """
    try:
        entries = json.loads(text or "[]")
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{setting} is not valid JSON ({error}). It must be a list of providers, as in docs/sign-in.md."
        ) from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ImproperlyConfigured(f"{setting} must be a JSON list of objects, as in docs/sign-in.md.")
    for number, entry in enumerate(entries, 1):
        for part, meaning in parts.items():
            if not isinstance(entry.get(part), str) or not entry[part]:
                raise ImproperlyConfigured(f"{setting}: entry {number} has no {part}. Set it to {meaning}.")
        if not NAME.fullmatch(entry["id"]) or entry["id"] in PROTOCOLS:
            raise ImproperlyConfigured(
                f"{setting}: the id {entry['id']!r} cannot be part of a URL. Use letters, digits, - and _, and not"
                f" {' or '.join(PROTOCOLS)}."
            )
    if len({entry["id"] for entry in entries}) < len(entries):
        raise ImproperlyConfigured(
            f"{setting} has two entries with the same id. Give each provider its own id."
        )
    return entries
