"""Workers on several machines, which reach the servers only by TCP, process one transfer.

A machine is simulated by a network namespace with one virtual cable (veth pair) to the host of the test servers.
"""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from tests.conftest import WorkerProcess, reachable_test_database, worker_command
from tests.fixtures.cast import Cast
from tests.fixtures.running import upload
from tests.fixtures.with_calls import done, pairs_with_calls
from tests.harness.promises.conftest import sweep_until_the_end, who_waits
from tests.harness.servers import servers
from tests.operations.test_backup import CHUNK, PAIRS, in_the_middle, whole_or_untouched
from transfer_site.run.embedded import POSTGRES_SOCKET, REDIS_SOCKET, socket_folder
from transfer_site.run.processes import wait_until
from transfers.actions import confirming
from transfers.models import State

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


class Port:
    """A TCP port that forwards to a Unix socket and stands in for a server on another machine."""

    def __init__(self, host: str, leads_to: Path) -> None:
        self.leads_to = leads_to
        self.listener = socket.create_server((host, 0))
        self.number = self.listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.connections += 1
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.leads_to))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def close(self) -> None:
        self.listener.close()


def pump(reader: socket.socket, writer: socket.socket) -> None:
    with suppress(OSError):
        while data := reader.recv(65_536):
            writer.sendall(data)
    for end in (reader, writer):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Machine:
    """A simulated machine with the address 10.213.<number>.2; the host's end of the cable is 10.213.<number>.1."""

    def __init__(self, number: int) -> None:
        self.name = f"udt{os.getpid()}n{number}"
        self.host = f"10.213.{number}.1"
        self.cable = f"udt{os.getpid() % 100_000}c{number}"
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "addr", "add", f"{self.host}/30", "dev", self.cable)
        run("ip", "link", "set", self.cable, "up")
        for words in (f"addr add 10.213.{number}.2/30 dev eth0", "link set eth0 up", "link set lo up"):
            run("ip", "netns", "exec", self.name, "ip", *words.split())
        folder = socket_folder(servers.folder)
        self.postgres = Port(self.host, folder / POSTGRES_SOCKET)
        self.redis = Port(self.host, folder / REDIS_SOCKET)

    def worker(self) -> WorkerProcess:
        log = servers.folder / "log" / f"{self.name}.log"
        return WorkerProcess(
            self.name,
            ["ip", "netns", "exec", self.name, *worker_command(self.name), "--concurrency=1"],
            log=log,
            environment={
                "DATABASE_URL": make_conninfo(
                    reachable_test_database(), host=self.host, port=self.postgres.number
                ),
                "REDIS_URL": f"redis://{self.host}:{self.redis.number}/0",
                "PROCESS_NAME": self.name,
            },
        )

    def remove(self) -> None:
        self.postgres.close()
        self.redis.close()
        for words in (f"ip link del {self.cable}", f"ip netns del {self.name}"):
            subprocess.run(words.split(), check=False, capture_output=True)


@pytest.fixture
def machines(transactional_db: None) -> Iterator[list[Machine]]:
    if os.geteuid() != 0 or not shutil.which("ip") or servers.postgres is None:
        pytest.skip("network namespaces require root, the program ip, and the test servers")
    with ExitStack() as stack:
        try:
            first = os.getpid() * 2 % 250  # so that simultaneous test runs use different networks
            yield [stack.enter_context(removed_afterwards(first + number)) for number in (1, 2)]
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")


@contextmanager
def removed_afterwards(number: int) -> Iterator[Machine]:
    machine = Machine(number)
    try:
        yield machine
    finally:
        machine.remove()


@pytest.fixture
def start(machines: list[Machine]) -> Iterator[Callable[[Machine], WorkerProcess]]:
    started: list[WorkerProcess] = []

    def start_on(machine: Machine) -> WorkerProcess:
        worker = machine.worker()
        started.append(worker)
        worker.start()
        worker.wait_ready(60)
        return worker

    yield start_on
    for worker in started:
        worker.kill()


def test_two_machines_process_one_transfer_and_one_is_lost(
    machines: list[Machine],
    start: Callable[[Machine], WorkerProcess],
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(confirming, "CHUNK_PAIRS", CHUNK)
    pairs = pairs_with_calls(cast, PAIRS, 1)
    draft = upload(cast.ada, *pairs)
    workers = [start(machine) for machine in machines]
    with in_the_middle(draft, pairs):
        assert wait_until(lambda: done(draft) == PAIRS - CHUNK, 240)  # by the worker that is not blocked
        held: list[str] = []
        assert wait_until(
            lambda: bool(held.extend(who_waits()) or held), 30
        )  # the blocked worker may be between two attempts
        next(worker for worker in workers if worker.name in held).kill9()
    sweep_until_the_end(draft)
    draft.refresh_from_db()
    assert draft.state == State.SUCCEEDED
    assert done(draft) == PAIRS
    whole_or_untouched(connection.settings_dict["NAME"])
    assert all(machine.postgres.connections and machine.redis.connections for machine in machines)
