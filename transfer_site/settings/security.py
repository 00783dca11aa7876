"""Security settings: refused configurations, cookies and headers, rate limits.

`transfer_site/settings/__init__.py` assigns them to Django's settings.
"""

from collections.abc import Sequence

import environ
import limits
from django.core.exceptions import ImproperlyConfigured

NEW_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
SHORTEST_KEY = 50
FEWEST_CHARACTERS = 5
KNOWN_KEYS = ("django-insecure-", "changeme", "change-me", "change me", "secret_key", "secret-key")

# --- Refused configurations ----------------------------------------------------------------------------------------


def refuse_unsafe_start(*, demo: bool, debug: bool, secret_key: str, allowed_hosts: Sequence[str]) -> None:
    """Raise ImproperlyConfigured for an unsafe production site, with a message that says what to set instead.

    The demo may always start.
    """
    if demo:
        return
    for reason in (key_refused(secret_key), debug_refused(debug), hosts_refused(allowed_hosts)):
        if reason:
            raise ImproperlyConfigured(reason)


def key_refused(key: str) -> str:
    what = f"Set it to at least {SHORTEST_KEY} random characters, for example from {NEW_KEY}, and keep them secret."
    if not key:
        return f"SECRET_KEY is not set, but DATABASE_URL is. {what}"
    if any(known in key.lower() for known in KNOWN_KEYS):
        return f"SECRET_KEY is a value from an example. {what}"
    if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS:
        return f"SECRET_KEY is too easy to guess. {what}"
    return ""


def debug_refused(debug: bool) -> str:
    if not debug:
        return ""
    return (
        "DEBUG is on and DATABASE_URL is set: error pages would show internals to everyone. Set DEBUG=0, or remove it."
        " To develop with DEBUG=1, unset DATABASE_URL; the demo's own database is then used."
    )


def hosts_refused(hosts: Sequence[str]) -> str:
    if not any(host.strip() in ("*", ".") for host in hosts):
        return ""
    return (
        "ALLOWED_HOSTS is *, so links in emails and redirects could be forged to lead to another site. Set it to the"
        " host names of this site, separated by commas, for example transfer.example.org."
    )


# --- Cookies and headers -------------------------------------------------------------------------------------------


def cookie_name(name: str, *, https: bool) -> str:
    """Add the prefix `__Host-` if the site uses https.

    Browsers then accept the cookie only over https and from this exact host, so that other subdomains can neither read
    nor set it. Without https they would refuse a cookie with the prefix.
    """
    return f"__Host-{name}" if https else name


CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "object-src": ["'none'"],
        "frame-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
}

# --- Rate limits ---------------------------------------------------------------------------------------------------

# URL name → (limit, methods that count against it). A test checks that every download is listed. All other requests
# that may change something count against CHANGE.
RATE_LIMITED_PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "accounts:sign-in": ("SIGN_IN", ("POST",)),
    "account_login": ("SIGN_IN", ("POST",)),
    "account_reauthenticate": ("SIGN_IN", ("POST",)),
    "account_reset_password": ("SIGN_IN", ("POST",)),
    "account_change_password": ("SIGN_IN", ("POST",)),
    "mfa_authenticate": ("SIGN_IN", ("POST",)),
    "mfa_login_webauthn": ("SIGN_IN", ("POST",)),
    "mfa_reauthenticate": ("SIGN_IN", ("POST",)),
    "mfa_reauthenticate_webauthn": ("SIGN_IN", ("POST",)),
    "openid_connect_login": ("SIGN_IN", ("GET",)),
    "openid_connect_callback": ("SIGN_IN", ("GET",)),
    "saml_login": ("SIGN_IN", ("GET",)),
    "saml_acs": ("SIGN_IN", ("POST",)),
    "saml_finish_acs": ("SIGN_IN", ("GET",)),
    "saml_metadata": ("SIGN_IN", ("GET",)),
    "accounts:user-list": ("SEARCH", ("GET",)),
    "accounts:view-list": ("SEARCH", ("GET",)),
    "accounts:view-edit": ("SEARCH", ("GET",)),
    "accounts:view-users": ("SEARCH", ("GET", "POST")),
    "accounts:view-people": ("SEARCH", ("GET", "POST")),
    "transfers:single": ("SEARCH", ("GET", "POST")),
    "transfers:single-users": ("SEARCH", ("GET", "POST")),
    "transfers:preview": ("SEARCH", ("GET",)),
    "transfers:transfer-list": ("SEARCH", ("GET",)),
    "transfers:audit-log": ("SEARCH", ("GET",)),
    "transfers:bulk": ("UPLOAD", ("POST",)),
    "user_import:user-import": ("UPLOAD", ("POST",)),
    "user_import:users-csv": ("DOWNLOAD", ("GET",)),
    "user_import:errors": ("DOWNLOAD", ("GET",)),
    "transfers:audit-download": ("DOWNLOAD", ("GET",)),
    "transfers:people-export": ("DOWNLOAD", ("GET",)),
    "transfers:preview-errors": ("DOWNLOAD", ("GET",)),
    "transfers:transfer-errors": ("DOWNLOAD", ("GET",)),
    "transfers:transfer-log": ("DOWNLOAD", ("GET",)),
    "transfers:undo-left": ("DOWNLOAD", ("GET",)),
    "transfers:rehearsal-report": ("DOWNLOAD", ("GET",)),
    "transfers:transfer-retry-file": ("DOWNLOAD", ("GET",)),
}
# Each limit applies per user, except SIGN_IN, which applies per client address; a whole office may share one address.
RATE_LIMITS = {
    "SIGN_IN": "30/minute; 300/hour",
    "SEARCH": "240/minute",
    "UPLOAD": "20/minute; 200/hour",
    "DOWNLOAD": "30/minute; 300/hour",
    "CHANGE": "120/minute; 3000/hour",
    "DENIAL": "60/minute; 600/hour",
}


def rate_limits(env: environ.Env) -> dict[str, str]:
    """Return all rate limits: those set in the environment (RATE_LIMIT_SIGN_IN and so on), and defaults for the others.

    An empty value means no limit.
    """
    return {name: rate_limit(f"RATE_LIMIT_{name}", env, default) for name, default in RATE_LIMITS.items()}


def rate_limit(name: str, env: environ.Env, default: str) -> str:
    text: str = env.str(name, default=default).strip()
    try:
        limits.parse_many(text or default)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} is {text!r}, which is not a rate. Set it to a rate like {default!r}, or leave it empty for no"
            " limit."
        ) from error
    return text
