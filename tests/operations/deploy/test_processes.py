"""The commands of the deployment files run unprivileged on a read-only checkout.

The tests have no container engine, so they run the same commands as plain processes.
"""

import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings

from operations.monitoring import probe
from tests.conftest import reachable_test_database
from tests.fixtures.cast import Cast
from tests.fixtures.running import confirm, upload
from tests.harness.ports import free_port
from tests.harness.product import PACKAGES
from tests.harness.servers import servers
from tests.operations.deploy.files import COMPOSE, PARTS, ROOT, filled
from transfer_site.run.embedded import socket_folder
from transfer_site.run.processes import Child, wait_until
from transfers.models import State, Transfer

NOBODY = 65534


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
    link = f"https://transfer.example.org/transfers/{made.number}/"
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
        assert wait_until(lambda: probe.is_healthy(f"http://127.0.0.1:{port}/health/live"), 240), child.tail()
        assert not probe.is_healthy(f"http://127.0.0.1:{port}/health/ready")
    finally:
        child.stop(20)
