"""Logs hold ids and paths, but no names or search terms, and requests cannot forge log records."""

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import User
from tests.fixtures.cast import Cast, signed_in, transfer
from tests.harness.ports import free_port
from transfer_site.logs import OneLineFormatter, WithoutQueries
from transfer_site.run.processes import Child, wait_until

LINE_ENDS = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
OTHERS = ("\x1b[2J", "\0", "\u202e", "\x08")
NAME = "Zebedee"
FORMAT = settings.LOGGING["formatters"]["line"]["format"]


def formatted(record: logging.LogRecord) -> str:
    """Return the record in the site's log format."""
    return OneLineFormatter(FORMAT, style="{").format(record)


def record(message: str, *args: object, error: Exception | None = None) -> logging.LogRecord:
    trace = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("transfers", logging.INFO, "", 0, message, args, trace)


@pytest.mark.parametrize("character", [*LINE_ENDS, *OTHERS])
def test_a_record_cannot_be_forged(character: str) -> None:
    line = formatted(record("uploaded %s", f"a.csv{character}2026-01-01 INFO transfers: purged everything"))
    assert len(line.splitlines()) == 1
    assert character not in line
    assert line.isprintable()


def test_a_url_cannot_forge_a_record(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    signed_in(cast.ada).get("/nowhere%0A2026-01-01%20INFO%20transfers:%20forged/")
    (logged,) = [entry for entry in caplog.records if entry.name == "django.request"]
    assert len(formatted(logged).splitlines()) == 1


@pytest.mark.parametrize("form", ["traceback", "repr"])
def test_rows_quoted_by_postgresql_are_removed(cast: Cast, as_owner: None, form: str) -> None:
    """PostgreSQL quotes rows in errors only without row-level security: in record tables or, as here, to the owner."""
    User.objects.create(tenant=cast.abacus, username=NAME.lower(), first_name=NAME)
    with pytest.raises(IntegrityError, match=NAME.lower()) as caught, transaction.atomic():
        User.objects.create(tenant=cast.abacus, username=NAME.lower())
    error = caught.value
    kept = record("failed", error=error) if form == "traceback" else record("failed: %r", error)
    line = formatted(kept)
    assert NAME.lower() not in line.lower().replace("name.lower()", "")
    assert "user_username_unique" in line
    assert "DETAIL: (not logged)" in line


def test_the_site_logs_paths_without_queries(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    """This includes Django's own messages, such as those about unknown pages, refusals and disallowed methods."""
    ada, vera = signed_in(cast.ada), signed_in(cast.vera)
    made = transfer(cast.ada, (cast.ana, cast.bo))
    with caplog.at_level(logging.DEBUG):
        ada.get("/nowhere/", {"q": NAME})
        vera.get(reverse("transfers:single"), {"source_q": NAME})
        ada.get(reverse("transfers:single-users"), {"q": NAME})
        ada.post(reverse("transfers:single-users"), {"q": NAME})
        ada.get(reverse("transfers:transfer-detail", args=[made.number]), {"q": NAME})
    log = "\n".join(formatted(entry) for entry in caplog.records if entry.name != "django.db.backends")
    assert "/nowhere/" in log
    assert NAME not in log


def test_the_development_server_logs_paths_without_queries() -> None:
    entry = record('"%s" %s %s', f"GET /transfers/?user={NAME}&page=2 HTTP/1.1", "200", "17")
    assert WithoutQueries().filter(entry)
    assert formatted(entry).endswith('"GET /transfers/ HTTP/1.1" 200 17')
    assert "without_queries" in settings.LOGGING["loggers"]["django.server"]["filters"]


# --- gunicorn in production mode with its access log on -------------------------------------------------------------


@pytest.fixture
def gunicorn(tmp_path: Path, transactional_db: None) -> Iterator[tuple[Child, str]]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "transfer_site.wsgi", f"--bind=127.0.0.1:{port}"]
    with serving([*command, "--access-logfile=-"], tmp_path / "web.log") as child:
        yield child, f"http://127.0.0.1:{port}"


@contextmanager
def serving(command: list[str], log: Path, **environment: str) -> Iterator[Child]:
    child = Child("web", command, log=log, environment=environment)
    before = os.getcwd()
    os.chdir(settings.BASE_DIR)  # gunicorn reads gunicorn.conf.py from the current folder
    try:
        child.start()
    finally:
        os.chdir(before)
    try:
        assert wait_until(lambda: "Listening at" in child.tail(50), 240), child.tail()
        yield child
    finally:
        child.stop()


@pytest.mark.slow
def test_the_access_log_has_neither_queries_nor_referrers(gunicorn: tuple[Child, str]) -> None:
    child, site = gunicorn
    for address in (f"/transfers/?user={NAME}", f"/nowhere/?q={NAME}"):
        request = Request(
            site + address, headers={"Referer": f"{site}/transfers/?user={NAME}", "User-Agent": NAME}
        )
        try:
            urlopen(request, timeout=20).close()
        except HTTPError as error:
            error.close()
    assert wait_until(lambda: '"GET /nowhere/" 404' in child.tail(50), 240), child.tail(50)
    assert '"GET /transfers/" 302' in child.tail(50)
    log = io.StringIO(child.log.read_text()).read()
    assert log.replace(f"/sign-in/?next=/transfers/%3Fuser%3D{NAME}", "").count(NAME) == 0, log


FAILING_APP = f"""
def application(environ, start_response):
    raise ValueError("DETAIL:  Key (username)=({NAME}) already exists.")
"""


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["line", "json"])
def test_gunicorn_logs_no_queries_of_failed_requests(tmp_path: Path, log_format: str) -> None:
    (tmp_path / "failing.py").write_text(FAILING_APP)
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "failing",
        f"--config={settings.BASE_DIR / 'gunicorn.conf.py'}",
    ]
    port = free_port()
    with serving(
        [*command, f"--bind=127.0.0.1:{port}", f"--pythonpath={tmp_path}"],
        tmp_path / "web.log",
        LOG_FORMAT=log_format,
    ) as child:
        with pytest.raises(HTTPError, match="500"):
            urlopen(f"http://127.0.0.1:{port}/users/?q={NAME}", timeout=20)
        assert wait_until(lambda: "Error handling request GET /users/" in child.tail(50), 240), child.tail(50)
        assert "ValueError" in child.tail(50)
        with create_connection(("127.0.0.1", port), timeout=20) as invalid:
            invalid.sendall(f"GET /users/?q=Ana {NAME} HTTP/1.1\r\n\r\n".encode())
            assert b"400 Bad Request" in invalid.recv(4096)
        assert wait_until(lambda: "Invalid HTTP Version: …" in log_text(child), 240), child.tail(50)
        assert NAME not in child.log.read_text()


def log_text(child: Child) -> str:
    """Return the log, with the JSON escape of the ellipsis decoded."""
    return child.log.read_text().replace("\\u2026", "…")


def test_beat_logs_its_start_and_not_each_task(caplog: pytest.LogCaptureFixture) -> None:
    beat = logging.getLogger("celery.beat")
    beat.info("beat: Starting...")
    beat.info("Scheduler: Sending due task %s (%s)", "sweep", "transfers.tasks.recovery_sweep")
    assert caplog.messages == ["beat: Starting..."]


@pytest.fixture
def stderr() -> Iterator[io.StringIO]:
    """What the site's own handler writes."""
    (handler,) = (found for found in logging.getLogger().handlers if found.name == "stderr")
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


def test_refused_requests_leave_one_line_and_no_traceback(cast: Cast, stderr: io.StringIO) -> None:
    """Otherwise anyone could fill the disk with tracebacks, and hide others between them."""
    client = signed_in(cast.nina)
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert client.get(reverse("transfers:audit-log")).status_code == 403
    assert client.post("/sign-in/", {f"a{n}": "x" for n in range(1_500)}).status_code == 400
    assert client.post("/sign-in/", b"x", content_type="multipart/form-data; boundary=").status_code == 400
    logged = stderr.getvalue()
    assert "Invalid HTTP_HOST header: 'evil.example'" in logged
    assert "Forbidden (Permission denied): /audit/" in logged
    assert "TooManyFieldsSent" in logged
    assert "Bad request (Unable to parse request body): /sign-in/" in logged
    assert "Traceback" not in logged
