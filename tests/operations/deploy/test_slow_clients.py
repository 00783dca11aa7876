"""Clients that send half a request and then nothing do not keep others from being answered."""

import http.client
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.harness.ports import free_port
from tests.harness.servers import Servers
from transfer_site.run import supervisor
from transfer_site.run.port import answers
from transfer_site.run.processes import Child, wait_until

SILENT_SOCKETS = 100
LINE = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
STARTS = [
    LINE + b"Content-Length: 2000000\r\n\r\n" + b"x" * 20_000,
    LINE + b"Transfer-Encoding: chunked\r\n\r\n5000\r\n" + b"x" * 1_000,
    LINE + b"X-Half",
    b"G",
    LINE + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
]


def documented(folder: Path, port: int) -> Child:
    """Return the web server as compose.yaml and the systemd unit start it."""
    return Child("gunicorn", [sys.executable, "-m", "gunicorn"], log=folder / "gunicorn.log")


def of_make_run(folder: Path, port: int) -> Child:
    return supervisor.web(folder, "127.0.0.1", port)


@pytest.fixture(scope="module", params=[documented, of_make_run])
def port(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, servers: Servers
) -> Iterator[int]:
    number = free_port()
    child = request.param(tmp_path_factory.mktemp("web"), number)
    child.environment |= {"WEB_BIND": f"127.0.0.1:{number}", "PYTHONPATH": str(settings.BASE_DIR)}
    before = Path.cwd()
    os.chdir(settings.BASE_DIR)
    try:
        child.start()
    finally:
        os.chdir(before)
    assert wait_until(lambda: answers("127.0.0.1", number) or not child.alive, 240), child.tail()
    yield number
    child.stop(40)
    assert "Traceback" not in child.tail(200), child.tail(200)


def status(port: int, method: str = "GET", path: str = "/health/live", **request: Any) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, **request)
    with connection.getresponse() as response:
        return response.status


def test_the_site_answers_beside_silent_clients(port: int) -> None:
    with ExitStack() as stack:
        for number in range(SILENT_SOCKETS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(STARTS[number % len(STARTS)])
        for _ in range(5):
            assert status(port) == 200
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert status(port, "POST", "/sign-in/", body=b"username=x" * 100_000, headers=form) == 403


def test_requests_are_read_as_before(port: int) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert status(port, "POST", "/sign-in/", body=b"username=x", headers=form) == 403
    chunks = (b"username=x" * 1_000 for _ in range(20))
    assert status(port, "POST", "/sign-in/", body=chunks, headers=form, encode_chunked=True) == 403
    assert (
        status(port, "POST", "/sign-in/", body=b"username=x", headers=form | {"Expect": "100-continue"})
        == 403
    )
    assert status(port, "GET", "/health/live", body=b"x" * 10) == 200
    assert status(port, "GET", "/nowhere/") == 404


def test_a_connection_is_kept_after_a_body_that_no_page_reads(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(3):
        connection.request("POST", "/nowhere/", body=b"x" * 500_000, headers={"Content-Type": "text/plain"})
        with connection.getresponse() as response:
            response.read()
            assert response.status == 404
        assert connection.sock is not None


def test_half_a_body_is_no_request(port: int) -> None:
    """A file that was cut off could otherwise be taken for a whole one."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(LINE + b"Content-Length: 200\r\n\r\n" + b"username=x")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(12) == b""


def test_a_body_beyond_all_limits_is_refused(port: int) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(31 * 1024 * 1024)}
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        lines = "".join(f"{name}: {value}\r\n" for name, value in form.items())
        client.sendall(f"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
        client.sendall(b"x" * (31 * 1024 * 1024))
        assert client.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize(
    ("name", "value"), [("SCRIPT_NAME", "/evil"), ("Script-Name", "/evil"), ("PATH_INFO", "/nowhere/")]
)
def test_no_header_chooses_the_path(port: int, name: str, value: str) -> None:
    assert status(port, headers={name: value}) == 200
