"""The settings, loaded in a fresh interpreter with its own environment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

NAMES = (
    "DEMO",
    "DEBUG",
    "SESSION_COOKIE_SECURE",
    "SECURE_SSL_REDIRECT",
    "SECURE_HSTS_SECONDS",
    "ALLOWED_HOSTS",
    "PASSWORD_RESET_BY_MAIL",
    "SECURE_SSL_HOST",
)
SHOW = f"""
import json
from django.conf import settings
print(json.dumps({{name: getattr(settings, name) for name in {NAMES!r}}}))
"""
KEY = "a-key-for-this-test-alone-0123456789-0123456789-0123456789"
OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "HTTPS",
    "DEBUG",
    "ALLOWED_HOSTS",
    "DATA_DIR",
    "HASHED_STATIC",
    "TRUST_PROXY",
    "SITE_URL",
)


def load_settings(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        env={
            **kept,
            "DATA_DIR": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "transfer_site.settings",
            **environment,
        },
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_demo_serves_plain_http_on_localhost_only(tmp_path: Path) -> None:
    found = json.loads(load_settings(tmp_path).stdout)
    assert found == {
        "DEMO": True,
        "DEBUG": False,
        "SESSION_COOKIE_SECURE": False,
        "SECURE_SSL_REDIRECT": False,
        "SECURE_HSTS_SECONDS": 0,
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "PASSWORD_RESET_BY_MAIL": True,
        "SECURE_SSL_HOST": None,
    }


def test_production_defaults_are_secure(tmp_path: Path) -> None:
    found = json.loads(load_settings(tmp_path, DATABASE_URL="postgresql://h/n", SECRET_KEY=KEY).stdout)
    assert found["DEMO"] is False
    assert found["DEBUG"] is False
    assert found["SESSION_COOKIE_SECURE"] is True
    assert found["SECURE_SSL_REDIRECT"] is True
    assert found["SECURE_HSTS_SECONDS"] > 0


@pytest.mark.parametrize(
    ("url", "host"), [("", None), ("https://transfer.example.org:8443/", "transfer.example.org:8443")]
)
def test_links_need_the_address_of_the_site(tmp_path: Path, url: str, host: str | None) -> None:
    """Without SITE_URL, a link for a new password could only lead to the host and port that the client names."""
    given = {
        "DATABASE_URL": "postgresql://h/n",
        "SECRET_KEY": KEY,
        "EMAIL_URL": "memorymail://",
        "SITE_URL": url,
    }
    found = json.loads(load_settings(tmp_path, **given).stdout)
    assert found["PASSWORD_RESET_BY_MAIL"] is bool(url)
    assert found["SECURE_SSL_HOST"] == host


def test_a_missing_secret_key_is_reported_and_none_is_created(tmp_path: Path) -> None:
    found = load_settings(tmp_path, DATABASE_URL="postgresql://h/n")
    assert found.returncode != 0
    assert "SECRET_KEY is not set, but DATABASE_URL is." in found.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["default-src", "object-src", "base-uri", "form-action", "frame-ancestors"])
def test_the_content_security_policy_allows_no_other_origins(name: str) -> None:
    assert settings.CONTENT_SECURITY_POLICY["DIRECTIVES"][name] in (["'self'"], ["'none'"])


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [("UNDO_DAYS", "-1", 0), ("DISCARDED_DAYS", "0", 1), ("DRAFT_DAYS", "-3", 1), ("MAIL_DAYS", "2", 3)],
)
def test_retention_periods_have_a_minimum(tmp_path: Path, name: str, value: str, least: int) -> None:
    found = load_settings(tmp_path, **{name: value})
    assert f"{name} is {value}. It is a number of days" in found.stderr
    assert f"set it to {least} or more." in found.stderr
