"""Converts environment variables to Django and Celery settings, without contacting any server."""

import getpass
import os
import re
import secrets
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from psycopg import Error
from psycopg.conninfo import conninfo_to_dict

# With the defaults of the operating system, libpq notices a vanished server only after two hours, during which a worker
# or web thread hangs. Values in the URL take precedence. (libpq documentation, "Connection Strings")
DETECT_VANISHED_SERVER = {
    "connect_timeout": "5",  # seconds
    "keepalives_idle": "15",  # seconds of silence before the first probe, for example during a long statement
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",  # milliseconds until sent data has to be acknowledged
}


def database(url: str, *, application_name: str) -> dict[str, Any]:
    """Return Django's database settings for a libpq URL or key=value string, which libpq itself parses.

    Raises ImproperlyConfigured if libpq cannot parse it. The message does not contain the password.
    """
    try:
        options = conninfo_to_dict(url)
    except Error as error:
        raise ImproperlyConfigured(
            "DATABASE_URL is not valid. Set it to postgresql://user:password@host:5432/name, with special characters of"
            " the password percent-encoded."
        ) from error
    for name, value in {**DETECT_VANISHED_SERVER, "application_name": application_name}.items():
        options.setdefault(name, value)
    return {
        "ENGINE": "tenancy.postgresql",
        "NAME": options.pop("dbname", "") or "transfer",
        "USER": options.pop("user", ""),
        "PASSWORD": options.pop("password", ""),
        "HOST": options.pop("host", ""),
        "PORT": str(options.pop("port", "") or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def site_url(text: str) -> str:
    """Return the site's URL without a path. Raises ImproperlyConfigured if it is not a URL of a site."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:  # the port is not a number
        valid = False
    if url and (not valid or parts.path or parts.query or parts.fragment or parts.username):
        raise ImproperlyConfigured(
            f"SITE_URL is {text!r}, which is not the address of a site. Set it to scheme, host and, unless it is the"
            " usual one, port, for example https://transfer.example.org."
        )
    return url


def https_host(url: str) -> str | None:
    """Return the host and port to redirect http requests to; None for that of the request."""
    return urlsplit(url).netloc if url.startswith("https://") else None


def refuse_unreadable(file: Path) -> None:
    """Raise ImproperlyConfigured if .env exists but cannot be read.

    django-environ would skip the file silently, and the site would start as a demo.
    """
    if os.path.lexists(file) and not os.access(file, os.R_OK):
        raise ImproperlyConfigured(
            f"{file} holds the settings of this site, and {getpass.getuser()} cannot read it. Run this command as the"
            " site's user (docs/operations.md), or fix the link or the permissions of the file."
        )


def role(url: str) -> str:
    """Return the role in a libpq URL, or the role that libpq uses by default: PGUSER or the name of the system user."""
    try:
        options = conninfo_to_dict(url)
    except Error:
        return ""  # `database` reports the invalid URL
    return str(options.get("user") or os.environ.get("PGUSER") or getpass.getuser())


# These connect as the role that owns the tables; all other commands and processes use the application's role.
OWNERS_COMMANDS = ("migrate", "operator", "seed_demo")
STARTERS = ("manage.py", "django-admin", "__main__.py")


def is_for_owner(words: Sequence[str]) -> bool:
    """Return whether a command line needs the owner's role. This depends on the command, never on the environment."""
    return len(words) > 1 and Path(words[0]).name in STARTERS and words[1] in OWNERS_COMMANDS


def days(env: Env, name: str, default: int, *, least: int = 1) -> int:
    """Return a retention period in days. Raises ImproperlyConfigured if it is less than `least`."""
    value: int = env.int(name, default=default)
    if value < least:
        raise ImproperlyConfigured(
            f"{name} is {value}. It is a number of days to keep data: set it to {least} or more."
        )
    return value


# Two or more names with dots between them: what PostgreSQL accepts as a custom setting.
CUSTOM_SETTING = re.compile(r"[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)+", re.ASCII)
# The tenant and the transfer: another value would show the rows of another tenant.
OWN_SETTINGS = "transfers."


def session_settings(text: str) -> dict[str, str]:
    """Return the custom PostgreSQL settings in `app.user_id=0,app.source=transfer` by name.

    Raises ImproperlyConfigured if an entry is not name=value, or its name is not that of a custom setting.
    """
    found: dict[str, str] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, equals, value = (part.strip() for part in entry.partition("="))
        wrong = wrong_session_setting(name.lower(), bool(equals), found)
        if wrong:
            raise ImproperlyConfigured(
                f"TRANSFER_SESSION_SETTINGS: {entry!r} {wrong}. Write custom settings of PostgreSQL as name=value with"
                " a dot in the name, separated by commas, for example app.user_id=0,app.source=transfer."
            )
        found[name.lower()] = value
    return found


def wrong_session_setting(name: str, has_value: bool, found: Container[str]) -> str:
    """Return what is wrong with an entry, or "". PostgreSQL ignores case in names."""
    if not has_value:
        return "has no value"
    if not CUSTOM_SETTING.fullmatch(name):
        return "is not a custom setting"
    if name.startswith(OWN_SETTINGS):
        return "is a setting of this program"
    return "is given twice" if name in found else ""


def broker(redis_url: str) -> str:
    """Return the broker URL for Celery, which expects `redis+socket://` instead of `unix://` for a Unix socket."""
    parts = urlsplit(redis_url)
    if parts.scheme in ("redis", "rediss"):
        return redis_url
    if parts.scheme != "unix":
        raise ImproperlyConfigured(
            "REDIS_URL must begin with redis://, rediss:// or unix://, for example redis://localhost:6379/0."
        )
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{quote(unquote(parts.path))}?virtual_host={number}"


def demo_secret_key(folder: Path) -> str:
    """Return the demo's random key, which is created at the first start and readable only by its owner."""
    file = folder / "secret_key"
    try:
        if not file.exists():
            write_once(file, secrets.token_urlsafe(50))
        return file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATABASE_URL is not set, so this is the demo, whose secret key file {file} cannot be used"
            f" ({error.strerror}). For production, set DATABASE_URL, or link .env to the site's settings"
            " (docs/deploy.md). For the demo, make the directory writable, or set DATA_DIR to another directory."
        ) from error


def write_once(file: Path, text: str) -> None:
    """Create the file atomically, unless it exists.

    If several processes try at the same time, the first one wins, so that all read the same key.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text + "\n")
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        draft.unlink()
