"""The files for deploying: they say what they should, and what they start runs, as an unprivileged user without a word
written to the checkout. There is no container engine in the tests; the same commands run as plain processes."""

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

from operations import probe
from tests.conftest import reachable_test_database
from tests.ports import free_port
from tests.servers import servers
from tests.transfers.cast import Cast
from tests.transfers.running import confirm, upload
from transfer_site.embedded import socket_folder
from transfer_site.processes import Child, wait_until
from transfers.models import State, Transfer

ROOT = Path(django_settings.BASE_DIR)
COMPOSE, PRIVATE, FURTHER = (
    yaml.safe_load((ROOT / name).read_text())
    for name in ("compose.yaml", "compose.private.yaml", "compose.worker.yaml")
)
PARTS = ("web", "worker", "sweep")
OURS = (*PARTS, "migrate")
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
NOBODY = 65534


# --- What the files say ---------------------------------------------------------------------------------------------


def test_images_are_plain_names() -> None:
    names = [filled(service["image"], {}) for service in COMPOSE["services"].values()]
    names += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(names) > 6
    assert all(re.fullmatch(r"[a-z0-9-]+(:[\w.-]+)?", name) for name in names)


def test_an_image_carries_its_version_so_that_the_one_before_stays() -> None:
    images = {filled(COMPOSE["services"][name]["image"], {"VERSION": "7"}) for name in OURS}
    assert images == {"user-data-transfer:7"}


def test_no_log_grows_for_ever() -> None:
    services = [*COMPOSE["services"].values(), *FURTHER["services"].values()]
    assert [service for service in services if "max-size" not in service["logging"]["options"]] == []


def test_what_speaks_saml_comes_beside_the_same_packages() -> None:
    base, saml = (
        set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))
        for name in ("base", "saml")
    )
    assert base - saml == set()
    assert any(pin.startswith("python3-saml==") for pin in saml)


@pytest.mark.parametrize("name", OURS)
def test_ours_can_do_nothing_that_they_need_not(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_the_image_runs_as_somebody_without_rights() -> None:
    users = re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["10001"]


def test_only_the_web_server_is_reached_and_only_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_servers_are_published_at_the_private_address_and_redis_asks_for_a_password() -> None:
    for service in PRIVATE["services"].values():
        (port,) = service["ports"]
        assert port.startswith("${PRIVATE_ADDRESS:?")
    assert "requirepass" in str(COMPOSE["services"]["redis"]["command"])


def test_a_worker_elsewhere_is_the_worker_here() -> None:
    """But for where its settings come from: there is no owner's password beside them."""
    here, there = COMPOSE["services"]["worker"], FURTHER["services"]["worker"]
    apart = ("environment", "env_file", "depends_on")
    assert {key: value for key, value in there.items() if key not in apart} == {
        key: value for key, value in here.items() if key not in apart
    }
    needed = {name for name, value in there["environment"].items() if ":?" in value}
    assert needed == {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}


def test_no_secret_stands_in_a_file() -> None:
    for name in OURS:
        values = COMPOSE["services"][name]["environment"]
        assert values["SECRET_KEY"].startswith("${SECRET_KEY:?")
        assert "${SITE_PASSWORD:?" in values["DATABASE_URL"]


def test_only_the_migrations_know_the_owner_of_the_tables() -> None:
    holders = {
        name
        for name, service in COMPOSE["services"].items()
        if "OWNER_PASSWORD" in str(service.get("environment"))
    }
    assert holders == {"migrate", "postgres"}


PASSWORDS = {"POSTGRES_PASSWORD": "superuser", "OWNER_PASSWORD": "owner", "SITE_PASSWORD": "application"}


def test_superuser_owner_and_application_have_passwords_of_their_own() -> None:
    given = COMPOSE["services"]["postgres"]["environment"]
    variables = {re.sub(r"\W*\$\{(\w+).*", r"\1", given[name]) for name in PASSWORDS}
    assert variables == {"SUPERUSER_PASSWORD", "OWNER_PASSWORD", "SITE_PASSWORD"}


def test_only_the_server_itself_knows_the_superuser() -> None:
    superuser = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
    variable = re.findall(r"\w+", superuser)[0]
    holders = {name for name, service in COMPOSE["services"].items() if variable in str(service)}
    assert holders == {"postgres"}


SAME = [*itertools.combinations(PASSWORDS, 2), ()]


@pytest.mark.parametrize("same", SAME, ids=lambda pair: "-".join(pair) or "none")
def test_a_server_whose_roles_share_a_password_is_not_made(tmp_path: Path, same: tuple[str, ...]) -> None:
    """The image's own entry point, which makes the server, is not even reached."""
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
# Settings that containers do not have, and why.
NOT_IN_CONTAINERS = {
    "DEBUG": "a site for real use does not start with it",
    "WEB_BIND": "the port of the container is published, not the address in it",
    "APPLICATION_ROLE": "DATABASE_URL says it",
    **dict.fromkeys(("DATA_DIR", "STATIC_ROOT"), "the image says it"),
    **dict.fromkeys(("BIND", "PORT", "DEMO_USERS", "DEMO_SCALE"), "of the demo"),
}


def test_every_setting_is_explained() -> None:
    names = {name for service in OURS for name in COMPOSE["services"][service]["environment"]}
    asked_for = set(re.findall(r"\$\{(\w+)", f"{COMPOSE} {PRIVATE} {FURTHER}"))
    assert (names | asked_for) - EXPLAINED == {"PROCESS_NAME"}


def test_every_setting_that_is_explained_reaches_the_containers() -> None:
    """By its name alone, or as a part of another's value."""
    reached = set(re.findall(r"\$\{(\w+)", f"{COMPOSE} {PRIVATE}"))
    for name in OURS:
        reached |= set(COMPOSE["services"][name]["environment"])
    reached.add("COMPOSE_FILE")  # which compose itself reads
    assert EXPLAINED - reached == set(NOT_IN_CONTAINERS)


@pytest.mark.parametrize("name", OURS)
def test_what_is_handed_on_by_its_name_is_nothing_that_the_image_says(name: str) -> None:
    """A name that .env does not have is taken out of the container, the image's own value too."""
    handed_on = {key for key, value in COMPOSE["services"][name]["environment"].items() if value is None}
    assert len(handed_on) > 20
    assert handed_on & IN_THE_IMAGE == set()
    assert "LOG_FORMAT" in IN_THE_IMAGE


def test_compose_and_systemd_start_the_same() -> None:
    """But for the number of workers in a process."""
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
def test_units_are_understood_by_systemd(unit: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    text = unit.read_text().replace("/opt/transfer/.venv/bin", str(Path(sys.executable).parent))
    copy = tmp_path / unit.name.replace("@", "@1")
    copy.write_text(text.replace("/opt/transfer", str(ROOT)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    about_us = [line for line in done.stderr.splitlines() if unit.stem.rstrip("@") in line]
    assert about_us == []


# --- What they start --------------------------------------------------------------------------------------------------


def environment_of(name: str, folder: Path) -> dict[str, str]:
    """What the container would have, with the servers of the tests in place of the others."""
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
    """`${NAME:-default}` and `${NAME:?reason}` as compose fills them in."""

    def value(match: "re.Match[str]") -> str:
        return given.get(match[1], (match[3] or "") if match[2] == ":-" else "")

    return re.sub(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", value, text)


def as_nobody() -> list[str]:
    """As somebody who may write nothing here. That one capability reads what lies below folders of root, such as the
    interpreter or the sockets of the servers, and writes nothing either."""
    if os.geteuid() != 0:
        return []
    caps = "-all,+dac_read_search"
    who = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
    return ["setpriv", *who, f"--bounding-set={caps}", f"--inh-caps={caps}", f"--ambient-caps={caps}"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """The only place that may be written."""
    made = Path(tempfile.mkdtemp(prefix="transfer-deployed-"))
    (made / "static").mkdir()
    if os.geteuid() == 0:
        os.chown(made, NOBODY, NOBODY)
        let_in(socket_folder(servers.folder) / "redis.sock")
    yield made
    shutil.rmtree(made, ignore_errors=True)


def let_in(socket_file: Path) -> None:
    """Who connects to a socket needs to be allowed to write to it; those of PostgreSQL are for everybody."""
    if socket_file.exists():
        socket_file.chmod(0o777)


@pytest.fixture
def site(transactional_db: None, folder: Path) -> Iterator[int]:
    """Web server, worker and clock as compose.yaml starts them; the port of the first."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.flushdb()
    port = free_port()
    children = [started(name, folder, port) for name in PARTS]
    yield port
    for child in reversed(children):
        child.stop(20)


def started(name: str, folder: Path, port: int) -> Child:
    first, *words = COMPOSE["services"][name]["command"]
    program = Path(sys.executable).parent / first
    values = environment_of(name, folder) | {"WEB_BIND": f"127.0.0.1:{port}"}
    log = servers.folder / "log" / f"deployed-{name}.log"
    words = ["env", "-i", *(f"{key}={value}" for key, value in values.items()), str(program), *words]
    child = Child(name, [*as_nobody(), *words], log=log)
    child.start()
    return child


def logs() -> dict[str, str]:
    """What each part said, for whoever has to find out why it did not do it."""
    return {name: (servers.folder / "log" / f"deployed-{name}.log").read_text() for name in PARTS}


def is_an_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def is_ready(port: int) -> bool:
    return probe.is_well(f"http://127.0.0.1:{port}/health/ready?all=1")


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_the_commands_run_as_plain_processes(site: int, folder: Path) -> None:
    """The clock sends a sign of life, a worker takes it, and the site says that all is there; a transfer is run, and
    its mail is sent. Nothing is written but into the one folder."""
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
    said = [(name, line) for name, text in logs().items() for line in text.splitlines()]
    assert {name for name, _ in said} == set(PARTS)
    assert [line for line in said if not is_an_object(line[1])] == []


def written_since(moment: float) -> list[Path]:
    """Files of the checkout that are younger; the tests' own caches are not the site's."""
    ours = ("accounts", "operations", "transfers", "transfer_site", "templates", "static", "deploy")
    files = [path for name in ours for path in (ROOT / name).rglob("*") if path.is_file()]
    young = [path for path in files if path.stat().st_mtime > moment and "__pycache__" not in path.parts]
    # As root the site is somebody else, and whoever edits the checkout meanwhile is not taken for it.
    return [path for path in young if os.geteuid() != 0 or path.stat().st_uid == NOBODY]


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_the_probe_says_no_where_nobody_answers() -> None:
    assert not probe.is_well(f"http://127.0.0.1:{free_port()}/health/ready")


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_without_a_database_it_is_alive_and_not_ready(folder: Path) -> None:
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
            str(Path(sys.executable).parent / "gunicorn"),
        ],
        log=servers.folder / "log" / "deployed-alone.log",
    )
    child.start()
    try:
        assert wait_until(lambda: probe.is_well(f"http://127.0.0.1:{port}/health/live"), 30), child.tail()
        assert not probe.is_well(f"http://127.0.0.1:{port}/health/ready")
    finally:
        child.stop(20)
