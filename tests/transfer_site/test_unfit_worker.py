"""Whether a worker starts on this database, asked as Celery asks: what a receiver raises is logged and forgotten."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery.signals import worker_init
from celery.utils.dispatch import Signal
from django.core.management import call_command
from django.db import connection

from tests.databases import away
from tests.roles import as_owner
from transfer_site.celery import refuse_to_start_unfit
from transfer_site.processes import Child, wait_until


def start() -> None:
    """As a worker does, without the other receivers, which want a worker."""
    signal = Signal(name="worker_init")
    signal.connect(refuse_to_start_unfit)
    signal.send(sender=None)


@pytest.fixture
def unfit(db: None) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER ROLE transfer BYPASSRLS")


@pytest.fixture(autouse=True)
def stay_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the connection of the test."""
    monkeypatch.setattr("transfer_site.celery.connection.close", lambda: None)


def test_a_worker_whose_role_goes_round_the_wall_ends(unfit: None, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SystemExit):
        start()
    assert re.search(r"does not start[\s\S]*accounts.E101[\s\S]*has BYPASSRLS", caplog.text)


@pytest.mark.django_db
def test_a_worker_whose_role_may_make_no_temporary_table_ends(caplog: pytest.LogCaptureFixture) -> None:
    """It could not even look whether the database takes its statements."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            f'REVOKE TEMPORARY ON DATABASE "{connection.settings_dict["NAME"]}" FROM PUBLIC, transfer'
        )
    with pytest.raises(SystemExit):
        start()
    assert "accounts.E102" in caplog.text


def test_checks_that_cannot_be_made_end_it_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr("transfer_site.celery.call_command", broken)
    with pytest.raises(SystemExit):
        start()
    assert "its checks fail" in caplog.text
    assert "a mistake of ours" in caplog.text


def test_a_database_that_is_away_is_waited_for_and_then_looked_at(
    unfit: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At the start of a machine its programs start in any order."""
    answers: Iterator[Exception] = iter([away("refused"), away("refused"), away("starting up")])

    def check(*args: Any, **options: Any) -> None:
        for answer in answers:
            raise answer
        call_command(*args, **options)

    monkeypatch.setattr("transfer_site.celery.call_command", check)
    monkeypatch.setattr("transfer_site.celery.SECONDS_BETWEEN_LOOKS", 0)
    with pytest.raises(SystemExit):
        start()
    assert [said.message for said in caplog.records if "waits for" in said.message] == [
        "This worker waits for the database. It says: refused",
        "This worker waits for the database. It says: starting up",
    ]
    assert "accounts.E101" in caplog.text


def test_a_database_that_may_only_be_read_is_waited_for(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it takes the statements of a transfer could not be asked."""

    def writable_again(seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute("RESET default_transaction_read_only")

    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    monkeypatch.setattr("transfer_site.celery.time.sleep", writable_again)
    start()
    (said,) = [said.message for said in caplog.records if "waits for" in said.message]
    assert "in a read-only transaction" in said


@pytest.mark.django_db
def test_what_the_checks_warn_of_is_lines_of_the_log(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("DROP INDEX ccr_by_agent")
    start()
    assert any("transfers.W101" in said for said in caplog.messages)
    assert capsys.readouterr().err == ""


@pytest.mark.worker
def test_while_it_waits_it_can_be_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "celery", "--quiet", "--app=transfer_site", "worker", "--concurrency=1"]
    nowhere = {"DATABASE_URL": "postgresql://transfer@127.0.0.1:1/transfer"}
    child = Child("worker", command, log=tmp_path / "log", environment=nowhere)
    child.start()
    try:
        assert wait_until(lambda: "waits for the database" in child.tail(50), 60), child.tail(50)
        child.ask_to_stop()
        assert child.wait(20)
    finally:
        child.kill()


def test_every_worker_is_asked() -> None:
    assert refuse_to_start_unfit in worker_init._live_receivers(None)
