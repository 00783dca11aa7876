"""Passwords and settings reach exactly the containers that need them."""

import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.operations.deploy.files import COMPOSE, FURTHER, OURS, PRIVATE, ROOT


def test_no_file_contains_a_secret() -> None:
    for name in OURS:
        values = COMPOSE["services"][name]["environment"]
        assert values["SECRET_KEY"].startswith("${SECRET_KEY:?")
        assert "${SITE_PASSWORD:?" in values["DATABASE_URL"]


def test_only_migrate_knows_the_owner_password() -> None:
    holders = {
        name
        for name, service in COMPOSE["services"].items()
        if "OWNER_PASSWORD" in str(service.get("environment"))
    }
    assert holders == {"migrate", "postgres"}


PASSWORDS = {"POSTGRES_PASSWORD": "superuser", "OWNER_PASSWORD": "owner", "SITE_PASSWORD": "application"}


def test_superuser_owner_and_application_have_different_passwords() -> None:
    given = COMPOSE["services"]["postgres"]["environment"]
    variables = {re.sub(r"\W*\$\{(\w+).*", r"\1", given[name]) for name in PASSWORDS}
    assert variables == {"SUPERUSER_PASSWORD", "OWNER_PASSWORD", "SITE_PASSWORD"}


def test_only_the_server_knows_the_superuser_password() -> None:
    superuser = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
    variable = re.findall(r"\w+", superuser)[0]
    holders = {name for name, service in COMPOSE["services"].items() if variable in str(service)}
    assert holders == {"postgres"}


SAME = [*itertools.combinations(PASSWORDS, 2), ()]


@pytest.mark.parametrize("same", SAME, ids=lambda pair: "-".join(pair) or "none")
def test_a_server_whose_roles_share_a_password_is_not_created(tmp_path: Path, same: tuple[str, ...]) -> None:
    """If two roles share a password, the image's entry point, which creates the database server, is not run."""
    first, script = COMPOSE["services"]["postgres"]["entrypoint"]
    entry = tmp_path / "docker-entrypoint.sh"
    entry.write_text('#!/bin/sh\necho "made by: $*"\n')
    entry.chmod(0o755)
    passwords = dict(PASSWORDS) | dict.fromkeys(same, "the same")
    done = subprocess.run(
        [first, str(ROOT / "deploy" / "postgres" / Path(script).name), "postgres", "-c", "x=1"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", **passwords},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("three different passwords" in done.stderr, done.stdout, done.returncode) == (
        (True, "", 1) if same else (False, "made by: postgres -c x=1\n", 0)
    )


EXPLAINED = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
IN_THE_IMAGE = set(re.findall(r"\b([A-Z_]+)=\S", (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]))
# Settings that are not passed to the containers, and why.
NOT_IN_CONTAINERS = {
    "DEBUG": "production sites refuse it",
    "APPLICATION_ROLE": "DATABASE_URL contains it",
    **dict.fromkeys(("DATA_DIR", "STATIC_ROOT", "WEB_BIND"), "set in the image"),
    **dict.fromkeys(("BIND", "PORT", "DEMO_USERS", "DEMO_SCALE"), "for the demo only"),
}


def test_every_setting_is_explained() -> None:
    names = {name for service in OURS for name in COMPOSE["services"][service]["environment"]}
    asked_for = set(re.findall(r"\$\{(\w+)", f"{COMPOSE} {PRIVATE} {FURTHER}"))
    assert (names | asked_for) - EXPLAINED == {"PROCESS_NAME"}


def test_every_explained_setting_reaches_the_containers() -> None:
    """Each setting is passed by name or as part of another value, except those in `NOT_IN_CONTAINERS`."""
    reached = set(re.findall(r"\$\{(\w+)", f"{COMPOSE} {PRIVATE}"))
    for name in OURS:
        reached |= set(COMPOSE["services"][name]["environment"])
    reached.add("COMPOSE_FILE")  # read by compose itself
    assert EXPLAINED - reached == set(NOT_IN_CONTAINERS)


@pytest.mark.parametrize("name", OURS)
def test_settings_passed_by_name_do_not_override_the_image(name: str) -> None:
    """If a variable passed by name is missing from .env, compose unsets it, even if the image sets it."""
    handed_on = {key for key, value in COMPOSE["services"][name]["environment"].items() if value is None}
    assert len(handed_on) > 20
    assert handed_on & IN_THE_IMAGE == set()
    assert "LOG_FORMAT" in IN_THE_IMAGE
