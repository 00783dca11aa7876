"""Logs hold ids and paths: no names, no searches, and no record that somebody from outside wrote."""

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
from tests.ports import free_port
from tests.transfers.cast import Cast, signed_in, transfer
from transfer_site.logs import OneLineFormatter, WithoutQueries
from transfer_site.processes import Child, wait_until

LINE_ENDS = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
OTHERS = ("\x1b[2J", "\0", "\u202e", "\x08")
NAME = "Zebedee"
FORMAT = settings.LOGGING["formatters"]["line"]["format"]


def written(record: logging.LogRecord) -> str:
    """As the site's own formatter writes it."""
    return OneLineFormatter(FORMAT, style="{").format(record)


def record(message: str, *args: object, error: Exception | None = None) -> logging.LogRecord:
    trace = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("transfers", logging.INFO, "", 0, message, args, trace)


@pytest.mark.parametrize("trick", [*LINE_ENDS, *OTHERS])
def test_a_record_cannot_be_forged(trick: str) -> None:
    line = written(record("uploaded %s", f"a.csv{trick}2026-01-01 INFO transfers: purged everything"))
    assert len(line.splitlines()) == 1
    assert trick not in line
    assert line.isprintable()


def test_an_address_cannot_forge_one(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    signed_in(cast.ada).get("/nowhere%0A2026-01-01%20INFO%20transfers:%20forged/")
    (said,) = [entry for entry in caplog.records if entry.name == "django.request"]
    assert len(written(said).splitlines()) == 1


@pytest.mark.parametrize("how", ["traceback", "repr"])
def test_what_postgresql_quotes_of_a_row_is_left_out(cast: Cast, as_owner: None, how: str) -> None:
    """To the application PostgreSQL quotes nothing of a table behind the wall; of the records it does."""
    User.objects.create(tenant=cast.abacus, username=NAME.lower(), first_name=NAME)
    with pytest.raises(IntegrityError, match=NAME.lower()) as caught, transaction.atomic():
        User.objects.create(tenant=cast.abacus, username=NAME.lower())
    error = caught.value
    kept = record("failed", error=error) if how == "traceback" else record("failed: %r", error)
    line = written(kept)
    assert NAME.lower() not in line.lower().replace("name.lower()", "")
    assert "user_username_unique" in line
    assert "DETAIL: (not logged)" in line


def test_the_site_logs_paths_without_what_was_searched_for(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused, unknown, limited, failed: whatever Django has to say about a request."""
    ada, vera = signed_in(cast.ada), signed_in(cast.vera)
    made = transfer(cast.ada, (cast.ana, cast.bo))
    with caplog.at_level(logging.DEBUG):
        ada.get("/nowhere/", {"q": NAME})
        vera.get(reverse("transfers:single"), {"source_q": NAME})
        ada.get(reverse("transfers:single-users"), {"q": NAME})
        ada.post(reverse("transfers:single-users"), {"q": NAME})
        ada.get(reverse("transfers:transfer-detail", args=[made.pk]), {"q": NAME})
    said = "\n".join(written(entry) for entry in caplog.records if entry.name != "django.db.backends")
    assert "/nowhere/" in said
    assert NAME not in said


def test_the_development_server_does_too() -> None:
    entry = record('"%s" %s %s', f"GET /transfers/?user={NAME}&page=2 HTTP/1.1", "200", "17")
    assert WithoutQueries().filter(entry)
    assert written(entry).endswith('"GET /transfers/ HTTP/1.1" 200 17')
    assert "without_queries" in settings.LOGGING["loggers"]["django.server"]["filters"]


# --- gunicorn, as a site for real use runs it, with its access log turned on -----------------------------------------


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
    os.chdir(settings.BASE_DIR)  # where it finds gunicorn.conf.py
    try:
        child.start()
    finally:
        os.chdir(before)
    try:
        assert wait_until(lambda: "Listening at" in child.tail(50), 60), child.tail()
        yield child
    finally:
        child.stop()


@pytest.mark.slow
def test_the_access_log_has_neither_searches_nor_the_page_before(gunicorn: tuple[Child, str]) -> None:
    child, site = gunicorn
    for address in (f"/transfers/?user={NAME}", f"/nowhere/?q={NAME}"):
        request = Request(
            site + address, headers={"Referer": f"{site}/transfers/?user={NAME}", "User-Agent": NAME}
        )
        try:
            urlopen(request, timeout=20).close()
        except HTTPError as error:
            error.close()
    assert wait_until(lambda: '"GET /nowhere/" 404' in child.tail(50), 10), child.tail(50)
    assert '"GET /transfers/" 302' in child.tail(50)
    log = io.StringIO(child.log.read_text()).read()
    assert log.replace(f"/sign-in/?next=/transfers/%3Fuser%3D{NAME}", "").count(NAME) == 0, log


BREAKS = f"""
def application(environ, start_response):
    raise ValueError("DETAIL:  Key (username)=({NAME}) already exists.")
"""


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["line", "json"])
def test_gunicorn_names_no_search_of_a_request_that_broke(tmp_path: Path, log_format: str) -> None:
    (tmp_path / "breaks.py").write_text(BREAKS)
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "breaks",
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
        assert wait_until(lambda: "Error handling request GET /users/" in child.tail(50), 10), child.tail(50)
        assert "ValueError" in child.tail(50)
        with create_connection(("127.0.0.1", port), timeout=20) as unreadable:
            unreadable.sendall(f"GET /users/?q=Ana {NAME} HTTP/1.1\r\n\r\n".encode())
            assert b"400 Bad Request" in unreadable.recv(4096)
        assert wait_until(lambda: "Invalid HTTP Version: …" in spoken(child), 10), child.tail(50)
        assert NAME not in child.log.read_text()


def spoken(child: Child) -> str:
    """Its log, with what JSON writes of a character as that character."""
    return child.log.read_text().replace("\\u2026", "…")


def test_the_clock_says_that_it_started_and_not_each_of_its_tasks(caplog: pytest.LogCaptureFixture) -> None:
    clock = logging.getLogger("celery.beat")
    clock.info("beat: Starting...")
    clock.info("Scheduler: Sending due task %s (%s)", "sweep", "transfers.tasks.sweep")
    assert caplog.messages == ["beat: Starting..."]
