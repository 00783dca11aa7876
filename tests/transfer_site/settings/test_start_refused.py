"""A production site with unsafe settings does not start, and says what to set. Django's deployment check is clean."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

GOOD = {
    "DATABASE_URL": "postgresql://127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "V3ry-l0ng-and-r4ndom-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "transfer.example.org",
    "HASHED_STATIC": "1",
}
UNSAFE = [
    ("DEBUG", "1", "DEBUG is on and DATABASE_URL is set", "Set DEBUG=0"),
    ("SECRET_KEY", "", "SECRET_KEY is not set", "at least 50 random characters"),
    ("SECRET_KEY", "django-insecure-" + "a1b2c3d4e5" * 5, "from an example", "secrets.token_urlsafe(50)"),
    ("SECRET_KEY", "changeme" * 9, "from an example", "secrets.token_urlsafe(50)"),
    ("SECRET_KEY", "short", "too easy to guess", "at least 50 random characters"),
    ("SECRET_KEY", "x" * 60, "too easy to guess", "at least 50 random characters"),
    ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS is *", "for example transfer.example.org"),
    ("ALLOWED_HOSTS", "transfer.example.org, *", "ALLOWED_HOSTS is *", "for example transfer.example.org"),
    ("RATE_LIMIT_SEARCH", "often", "RATE_LIMIT_SEARCH is 'often'", "a rate like '240/minute'"),
    ("SITE_URL", "transfer.example.org", "not the address of a site", "https://transfer.example.org"),
    (
        "SITE_URL",
        "https://transfer.example.org/path",
        "not the address of a site",
        "https://transfer.example.org",
    ),
    (
        "SITE_URL",
        "https://transfer.example.org:port",
        "not the address of a site",
        "https://transfer.example.org",
    ),
    ("LOG_FORMAT", "xml", "LOG_FORMAT is 'xml'", "line (for people) or json"),
]


def check(tmp_path: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "check", *words],
        env={**kept, "DATA_DIR": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(("name", "value", "what", "remedy"), UNSAFE)
def test_an_unsafe_start_is_refused_with_the_fix(
    tmp_path: Path, name: str, value: str, what: str, remedy: str
) -> None:
    done = check(tmp_path, GOOD | {name: value})
    assert done.returncode != 0
    assert what in done.stderr
    assert remedy in done.stderr
    assert value not in done.stderr or name != "SECRET_KEY" or value in ("", "short")


@pytest.mark.parametrize(("name", "value"), [("DEBUG", "1"), ("ALLOWED_HOSTS", "*")])
def test_the_demo_may_start_unsafe(tmp_path: Path, name: str, value: str) -> None:
    done = check(tmp_path, {name: value})
    assert done.returncode == 0, done.stderr


def test_the_deployment_check_is_clean(tmp_path: Path) -> None:
    done = check(tmp_path, GOOD, "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_the_deployment_check_can_fail(tmp_path: Path) -> None:
    done = check(tmp_path, GOOD | {"HTTPS": "0"}, "--deploy", "--fail-level", "WARNING")
    assert done.returncode != 0
    assert "SESSION_COOKIE_SECURE" in done.stderr
