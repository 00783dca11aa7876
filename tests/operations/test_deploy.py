"""The deployment files have the right content, and their commands run unprivileged on a read-only checkout.

The tests have no container engine, so they run the same commands as plain processes.
"""

import itertools
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from django.conf import settings as django_settings

from operations.monitoring import probe
from tests.conftest import reachable_test_database
from tests.fixtures.cast import Cast
from tests.fixtures.running import confirm, upload
from tests.harness.ports import free_port
from tests.harness.product import PACKAGES
from tests.harness.servers import servers
from transfer_site.run.embedded import socket_folder
from transfer_site.run.processes import Child, wait_until
from transfers.models import State, Transfer

ROOT = Path(django_settings.BASE_DIR)
COMPOSE, PRIVATE, FURTHER = (
    yaml.safe_load((ROOT / name).read_text())
    for name in ("compose.yaml", "compose.private.yaml", "compose.worker.yaml")
)
PARTS = ("web", "worker", "scheduler")
OURS = (*PARTS, "migrate")
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
NOBODY = 65534


# --- Content of the files -------------------------------------------------------------------------------------------


def test_images_are_plain_names() -> None:
    names = [filled(service["image"], {}) for service in COMPOSE["services"].values()]
    names += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(names) > 6
    assert all(re.fullmatch(r"[a-z0-9-]+(:[\w.-]+)?", name) for name in names)


def test_images_carry_the_version() -> None:
    images = {filled(COMPOSE["services"][name]["image"], {"VERSION": "7"}) for name in OURS}
    assert images == {"user-data-transfer:7"}


def test_log_files_are_limited() -> None:
    services = [*COMPOSE["services"].values(), *FURTHER["services"].values()]
    assert [service for service in services if "max-size" not in service["logging"]["options"]] == []


def test_the_saml_requirements_extend_the_base() -> None:
    base, saml = (
        set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))
        for name in ("base", "saml")
    )
    assert base - saml == set()
    assert any(pin.startswith("python3-saml==") for pin in saml)


@pytest.mark.parametrize("name", OURS)
def test_services_run_without_privileges(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_the_image_runs_as_an_unprivileged_user() -> None:
    users = re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["10001"]


def test_only_the_web_server_is_published_and_only_locally() -> None:
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_servers_are_published_at_the_private_address_and_redis_has_a_password() -> None:
    for service in PRIVATE["services"].values():
        (port,) = service["ports"]
        assert port.startswith("${PRIVATE_ADDRESS:?")
    assert "requirepass" in str(COMPOSE["services"]["redis"]["command"])


def test_workers_on_other_machines_are_configured_alike() -> None:
    """They differ from the worker in compose.yaml only in the services they depend on and the source of their settings.

    They do not need the password of the tables' owner.
    """
    here, there = COMPOSE["services"]["worker"], FURTHER["services"]["worker"]
    apart = ("environment", "env_file", "depends_on")
    assert {key: value for key, value in there.items() if key not in apart} == {
        key: value for key, value in here.items() if key not in apart
    }
    needed = {name for name, value in there["environment"].items() if ":?" in value}
    assert needed == {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}


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
    "WEB_BIND": "the port of the container is published, not the address in it",
    "APPLICATION_ROLE": "DATABASE_URL contains it",
    **dict.fromkeys(("DATA_DIR", "STATIC_ROOT"), "set in the image"),
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


def test_compose_and_systemd_run_the_same_commands() -> None:
    """Only the options for the number of processes per worker and for the worker's name may differ."""
    units = {unit.stem.rstrip("@").removeprefix("transfer-"): command_of(unit) for unit in UNITS}
    for name, words in units.items():
        there = COMPOSE["services"][name]["command"]
        assert [word for word in there if "concurrency" not in word] == [
            word for word in words if "concurrency" not in word and "hostname" not in word
        ]


def command_of(unit: Path) -> list[str]:
    line = re.search(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)
    assert line
    first, *others = line[1].split()
    return [Path(first).name, *others]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_units(unit: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    programs = str(Path(sys.executable).parent).replace(" ", r"\x20")
    text = unit.read_text().replace("/opt/transfer/.venv/bin", programs)
    copy = tmp_path / unit.name.replace("@", "@1")
    copy.write_text(text.replace("/opt/transfer", str(ROOT)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    about_us = [line for line in done.stderr.splitlines() if unit.stem.rstrip("@") in line]
    assert about_us == []


# --- Running the commands ---------------------------------------------------------------------------------------------


def environment_of(name: str, folder: Path) -> dict[str, str]:
    """Return the environment of the container `name`, with the URLs of the test servers."""
    given = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SITE_PASSWORD": "unused",
        "OWNER_PASSWORD": "unused",
        "REDIS_PASSWORD": "unused",
        "SITE_URL": "https://transfer.example.org",
    }
    listed = COMPOSE["services"][name]["environment"]
    values = {key: given.get(key) if value is None else filled(value, given) for key, value in listed.items()}
    return {
        **{key: value for key, value in values.items() if value is not None},
        "DATABASE_URL": reachable_test_database(),
        "REDIS_URL": django_settings.REDIS_URL,
        "DATA_DIR": str(folder),
        "STATIC_ROOT": str(folder / "static"),
        "LOG_FORMAT": "json",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder),
    }


def filled(text: str, given: dict[str, str]) -> str:
    """Substitute `${NAME:-default}` and `${NAME:?reason}` as compose does."""

    def value(match: "re.Match[str]") -> str:
        return given.get(match[1], (match[3] or "") if match[2] == ":-" else "")

    return re.sub(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", value, text)


def as_nobody() -> list[str]:
    """Return a command prefix that runs a command as a user without write access. Its only capability allows reading
    files in root's folders, such as the interpreter, but not writing."""
    if os.geteuid() != 0:
        return []
    caps = "-all,+dac_read_search"
    who = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
    return ["setpriv", *who, f"--bounding-set={caps}", f"--inh-caps={caps}", f"--ambient-caps={caps}"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """The only directory that the commands can write to."""
    made = Path(tempfile.mkdtemp(prefix="transfer-deployed-"))
    (made / "static").mkdir()
    if os.geteuid() == 0:
        os.chown(made, NOBODY, NOBODY)
        allow_everyone(socket_folder(servers.folder) / "redis.sock")
    yield made
    shutil.rmtree(made, ignore_errors=True)


def allow_everyone(socket_file: Path) -> None:
    """Let every user connect, which requires write permission on the socket. PostgreSQL's sockets already have it."""
    if socket_file.exists():
        socket_file.chmod(0o777)


@pytest.fixture
def site(transactional_db: None, folder: Path) -> Iterator[int]:
    """Start web server, worker and scheduler as in compose.yaml; yield the port of the web server."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.flushdb()
    port = free_port()
    children = [started(name, folder, port) for name in PARTS]
    yield port
    for child in reversed(children):
        child.stop(20)


def started(name: str, folder: Path, port: int) -> Child:
    first, *words = COMPOSE["services"][name]["command"]
    program = Path(sys.executable).parent / first  # its shebang holds the path of the original virtualenv
    values = environment_of(name, folder) | {"WEB_BIND": f"127.0.0.1:{port}"}
    log = servers.folder / "log" / f"deployed-{name}.log"
    words = [
        "env",
        "-i",
        *(f"{key}={value}" for key, value in values.items()),
        sys.executable,
        str(program),
        *words,
    ]
    child = Child(name, [*as_nobody(), *words], log=log)
    child.start()
    return child


def logs() -> dict[str, str]:
    """Return the logs of all processes, for failure messages."""
    return {name: (servers.folder / "log" / f"deployed-{name}.log").read_text() for name in PARTS}


def is_an_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def is_ready(port: int) -> bool:
    return probe.is_healthy(f"http://127.0.0.1:{port}/health/ready?all=1")


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_the_commands_run_as_plain_processes(site: int, folder: Path) -> None:
    """The site becomes ready once a worker has handled the scheduler's heartbeat; a transfer runs and sends its email.
    No file of the checkout is changed."""
    began = time.time()
    assert wait_until(lambda: is_ready(site), 180, pause=0.5), logs()
    cast = Cast()
    made = confirm(upload(cast.ada, (cast.ana, cast.bo)), cast.ada)
    assert wait_until(lambda: Transfer.objects.get(pk=made.pk).state == State.SUCCEEDED, 90, pause=0.5), (
        logs()
    )
    link = f"https://transfer.example.org/transfers/{made.pk}/"
    mails = folder / "mail"
    assert wait_until(lambda: any(link in file.read_text() for file in mails.glob("*.log")), 90, pause=0.5), (
        logs()
    )
    assert written_since(began) == []
    lines = [(name, line) for name, text in logs().items() for line in text.splitlines()]
    assert {name for name, _ in lines} == set(PARTS)
    assert [line for line in lines if not is_an_object(line[1])] == []


def written_since(moment: float) -> list[Path]:
    """Return the product's files changed since `moment`, except `__pycache__`, which the tests write."""
    ours = (*PACKAGES, "templates", "static", "deploy")
    files = [path for name in ours for path in (ROOT / name).rglob("*") if path.is_file()]
    changed = [path for path in files if path.stat().st_mtime > moment and "__pycache__" not in path.parts]
    # When root runs the tests, the site runs as NOBODY, so changed files of other owners were not written by the site.
    return [path for path in changed if os.geteuid() != 0 or path.stat().st_uid == NOBODY]


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_the_probe_fails_without_a_server() -> None:
    assert not probe.is_healthy(f"http://127.0.0.1:{free_port()}/health/ready")


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_without_a_database_it_is_live_and_not_ready(folder: Path) -> None:
    port = free_port()
    values: dict[str, Any] = {"DATABASE_URL": "postgresql://transfer@127.0.0.1:1/transfer"}
    child = Child(
        "web",
        [
            *as_nobody(),
            "env",
            "-i",
            *(f"{key}={value}" for key, value in (environment_of("web", folder) | values).items()),
            f"WEB_BIND=127.0.0.1:{port}",
            sys.executable,
            str(Path(sys.executable).parent / "gunicorn"),
        ],
        log=servers.folder / "log" / "deployed-alone.log",
    )
    child.start()
    try:
        assert wait_until(lambda: probe.is_healthy(f"http://127.0.0.1:{port}/health/live"), 30), child.tail()
        assert not probe.is_healthy(f"http://127.0.0.1:{port}/health/ready")
    finally:
        child.stop(20)
