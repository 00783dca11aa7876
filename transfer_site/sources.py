"""Turns what stands in the environment into what Django and Celery want to hear. Starts and touches no server."""

import getpass
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from psycopg import Error
from psycopg.conninfo import conninfo_to_dict

# libpq's own patience with a machine that is gone without a word is that of the operating system: two hours, in which a
# worker or a thread of the web server does nothing. What the URL says comes first. (libpq, "Connection Strings")
FOR_A_SERVER_THAT_VANISHED = {
    "connect_timeout": "5",  # seconds
    "keepalives_idle": "15",  # seconds of silence before the first question, for a long statement
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",  # milliseconds until what was sent has to be acknowledged
}


def database(url: str, *, application_name: str) -> dict[str, Any]:
    """Django's settings for a libpq URL (or key=value string), parsed by libpq itself.

    Raises ImproperlyConfigured, without repeating the password, when libpq cannot read it.
    """
    try:
        options = conninfo_to_dict(url)
    except Error as error:
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be read. Write postgresql://user:password@host:5432/name, with every special"
            " character of the password percent-encoded."
        ) from error
    for name, value in {**FOR_A_SERVER_THAT_VANISHED, "application_name": application_name}.items():
        options.setdefault(name, value)
    return {
        "ENGINE": "accounts.postgresql",
        "NAME": options.pop("dbname", "") or "transfer",
        "USER": options.pop("user", ""),
        "PASSWORD": options.pop("password", ""),
        "HOST": options.pop("host", ""),
        "PORT": str(options.pop("port", "") or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def refuse_unreadable(file: Path) -> None:
    """Settings that are there and cannot be read would be left out without a word, and the site be taken for a demo."""
    if os.path.lexists(file) and not os.access(file, os.R_OK):
        raise ImproperlyConfigured(
            f"{file} holds the settings of this site and cannot be read by {getpass.getuser()}. Run this command as the"
            " user of the site (docs/operations.md), or correct the link and the rights of the file."
        )


def role(url: str) -> str:
    """As which role a libpq URL connects; without one in it, libpq takes PGUSER or the name of the system's user."""
    try:
        options = conninfo_to_dict(url)
    except Error:
        return ""  # `database` explains it
    return str(options.get("user") or os.environ.get("PGUSER") or getpass.getuser())


# These connect as the role that owns the tables, all other commands and processes as the application.
OWNERS_COMMANDS = ("migrate", "operator", "seed_demo")
STARTERS = ("manage.py", "django-admin", "__main__.py")


def is_for_owner(words: Sequence[str]) -> bool:
    """Of a command line: `manage.py migrate` and its like, and nothing that an environment could say by mistake."""
    return len(words) > 1 and Path(words[0]).name in STARTERS and words[1] in OWNERS_COMMANDS


def days(env: Env, name: str, default: int, *, least: int = 1) -> int:
    """For how many days something is kept. Raises ImproperlyConfigured for fewer than `least`."""
    value: int = env.int(name, default=default)
    if value < least:
        raise ImproperlyConfigured(
            f"{name} is {value}. It is the number of days that something is kept: set it to {least} or more."
        )
    return value


def broker(redis_url: str) -> str:
    """The queue's address in Celery's own spelling: a Unix socket is `redis+socket://` there, not `unix://`."""
    parts = urlsplit(redis_url)
    if parts.scheme in ("redis", "rediss"):
        return redis_url
    if parts.scheme != "unix":
        raise ImproperlyConfigured(
            "REDIS_URL has to begin with redis://, rediss:// or unix://, for example redis://localhost:6379/0."
        )
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{quote(unquote(parts.path))}?virtual_host={number}"


def demo_secret_key(folder: Path) -> str:
    """The demo's own random key: made at the first start, readable by its owner only, the same ever after."""
    file = folder / "secret_key"
    try:
        if not file.exists():
            write_once(file, secrets.token_urlsafe(50))
        return file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            "DATABASE_URL is not set, so this would be the demo, which keeps its secret key in"
            f" {file}, and that cannot be used ({error.strerror}). For a site of your own set DATABASE_URL, or link"
            " .env to its settings (docs/deploy.md); for the demo make the folder writable, or name another with"
            " DATA_DIR."
        ) from error


def write_once(file: Path, text: str) -> None:
    """Appears whole or not at all, and the first of several processes wins: all of them must read one key."""
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
