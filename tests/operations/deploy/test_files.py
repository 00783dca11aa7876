"""The deployment files run the same unprivileged services with compose and with systemd."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.operations.deploy.files import COMPOSE, FURTHER, OURS, PRIVATE, ROOT, UNITS, filled


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


def test_outside_a_container_the_web_server_is_reachable_from_this_machine_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also if WEB_BIND is set where gunicorn does not read it, as in .env."""
    monkeypatch.delenv("WEB_BIND", raising=False)
    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["bind"] == "127.0.0.1:8000"
    assert "WEB_BIND=0.0.0.0:8000" in (ROOT / "Dockerfile").read_text()


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
