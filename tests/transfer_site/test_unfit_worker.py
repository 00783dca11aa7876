"""A worker starts only if its checks pass.

The tests send a Celery signal, which logs the exceptions of its receivers instead of raising them.
"""

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

from tests.fixtures.roles import as_owner
from tests.harness.databases import away
from transfer_site.celery import refuse_start_on_failed_checks
from transfer_site.run.processes import Child, wait_until


def start() -> None:
    """Send worker_init only to the receiver that runs the checks; the others need a worker."""
    signal = Signal(name="worker_init")
    signal.connect(refuse_start_on_failed_checks)
    signal.send(sender=None)


@pytest.fixture
def bypassing_role(db: None) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER ROLE transfer BYPASSRLS")


@pytest.fixture(autouse=True)
def stay_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the test's database connection open."""
    monkeypatch.setattr("transfer_site.celery.connection.close", lambda: None)


def test_a_role_that_bypasses_row_level_security_ends_the_worker(
    bypassing_role: None, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        start()
    assert re.search(r"does not start[\s\S]*tenancy.E001[\s\S]*has BYPASSRLS", caplog.text)


@pytest.mark.django_db
def test_a_role_without_temporary_tables_ends_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    """Without temporary tables, the worker could not even check whether the database accepts its statements."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            f'REVOKE TEMPORARY ON DATABASE "{connection.settings_dict["NAME"]}" FROM PUBLIC, transfer'
        )
    with pytest.raises(SystemExit):
        start()
    assert "tenancy.E002" in caplog.text


def test_checks_that_raise_end_the_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("transfer_site.celery.call_command", broken)
    with pytest.raises(SystemExit):
        start()
    assert "its checks failed to run" in caplog.text
    assert "a bug" in caplog.text


def test_it_waits_for_the_database_before_the_checks(
    bypassing_role: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When a machine boots, its services may start in any order."""
    answers: Iterator[Exception] = iter([away("refused"), away("refused"), away("starting up")])

    def check(*args: Any, **options: Any) -> None:
        for answer in answers:
            raise answer
        call_command(*args, **options)

    monkeypatch.setattr("transfer_site.celery.call_command", check)
    monkeypatch.setattr("transfer_site.celery.SECONDS_BETWEEN_ATTEMPTS", 0)
    with pytest.raises(SystemExit):
        start()
    assert [line.message for line in caplog.records if "is waiting for" in line.message] == [
        "This worker is waiting for the database: refused",
        "This worker is waiting for the database: starting up",
    ]
    assert "tenancy.E001" in caplog.text


def test_it_waits_while_the_database_is_read_only(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While the database is read-only, the worker cannot check whether it accepts the statements of a transfer."""

    def writable_again(seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute("RESET default_transaction_read_only")

    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    monkeypatch.setattr("transfer_site.celery.time.sleep", writable_again)
    start()
    (warning,) = [line.message for line in caplog.records if "is waiting for" in line.message]
    assert "in a read-only transaction" in warning


@pytest.mark.django_db
def test_warnings_of_the_checks_are_logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("DROP INDEX ccr_by_agent")
    start()
    assert any("transfers.W101" in line for line in caplog.messages)
    assert capsys.readouterr().err == ""


@pytest.mark.worker
def test_it_can_be_stopped_while_it_waits(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "celery", "--quiet", "--app=transfer_site", "worker", "--concurrency=1"]
    nowhere = {"DATABASE_URL": "postgresql://transfer@127.0.0.1:1/transfer"}
    child = Child("worker", command, log=tmp_path / "log", environment=nowhere)
    child.start()
    try:
        assert wait_until(lambda: "is waiting for the database" in child.tail(50), 240), child.tail(50)
        child.ask_to_stop()
        assert child.wait(20)
    finally:
        child.kill()


def test_the_receiver_is_connected() -> None:
    assert refuse_start_on_failed_checks in worker_init._live_receivers(None)
