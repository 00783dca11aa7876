"""`manage.py transfer` with a worker, after Ctrl-C, and while the database is unavailable."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import connection

from tests.conftest import WorkerProcess, reachable_test_database
from tests.fixtures.cast import Cast
from tests.harness.databases import away, full_disk
from tests.harness.servers import Servers
from tests.transfers.management.running import Run, calls, owners, people_csv
from transfers import actions
from transfers.management import follow
from transfers.models import State, Transfer


@pytest.mark.worker
def test_a_worker_runs_it_and_the_command_follows(
    celery_worker_process: WorkerProcess, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "PATIENCE", 60)
    cast = Cast()
    calls(cast.ana)

    output = run((cast.ana, cast.bo))

    assert owners() == [cast.bo.pk]
    assert "No worker" not in output
    assert "Data Transfer Successful" in output
    log = celery_worker_process.log.read_text()
    assert f"INFO transfers.engine.batch: transfer={Transfer.objects.get().pk} pairs=1 seconds=" in log


def interrupt_a_statement(*args: object, **words: object) -> None:
    """Simulate Ctrl-C between sending a statement and reading its result, when the driver cannot cancel it."""
    connection.ensure_connection()
    connection.connection.pgconn.send_query(b"SELECT pg_sleep(5)")
    raise KeyboardInterrupt


@contextmanager
def command(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `manage.py transfer` in a separate process, which is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "transfer", file, "--by=ada.admin"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": reachable_test_database()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    assert any(text in line for line in process.stdout), process.communicate()[1]


@pytest.mark.worker
def test_ctrl_c_leaves_it_to_the_workers(transactional_db: None, tmp_path: Path) -> None:
    """Ctrl-C is pressed right after the transfer has started, before the command begins to process it."""
    cast = Cast()
    calls(cast.ana)
    with command(people_csv(tmp_path, (cast.ana, cast.bo))) as process:
        wait_for_line(process, "Started as transfer")
        process.send_signal(signal.SIGINT)
        _, output = process.communicate(timeout=240)

    transfer = Transfer.objects.get()
    assert process.returncode == 130, output
    assert f"continues on the server. To stop it, open /transfers/{transfer.number}/" in output
    assert "Traceback" not in output
    assert transfer.state == State.QUEUED


@pytest.mark.parametrize(
    ("at", "output", "left"),
    [
        ("actions.upload", "Nothing was changed", []),
        ("plan_of", "Nothing was changed", [State.DISCARDED]),  # interrupted while it holds the counting lock
        ("follow", "continues on the server", [State.QUEUED]),
    ],
)
def test_ctrl_c_in_the_middle_of_a_statement(
    transactional_db: None, run: Run, monkeypatch: pytest.MonkeyPatch, at: str, output: str, left: list[State]
) -> None:
    cast = Cast()
    monkeypatch.setattr(f"transfers.management.commands.transfer.{at}", interrupt_a_statement)
    with pytest.raises(CommandError, match=output) as ended:
        run((cast.ana, cast.bo))
    assert ended.value.returncode == 130
    assert list(Transfer.objects.values_list("state", flat=True)) == left


@pytest.mark.worker
def test_it_waits_for_an_unavailable_database(
    transactional_db: None, tmp_path: Path, servers: Servers
) -> None:
    cast = Cast()
    calls(cast.ana)
    with command(people_csv(tmp_path, (cast.ana, cast.bo))) as process:
        wait_for_line(process, "Started as transfer")
        with servers.without_postgres():
            wait_for_line(process, "Reconnecting to the database…")
        output, errors = process.communicate(timeout=240)

    assert process.returncode == 0, errors
    assert "Data Transfer Successful" in output
    assert errors == ""
    assert owners() == [cast.bo.pk]


@pytest.mark.worker
def test_it_waits_for_a_full_disk(transactional_db: None, tmp_path: Path) -> None:
    """The disk is full during a batch, which the command processes itself because no worker is running."""
    cast = Cast()
    calls(cast.ana)
    with command(people_csv(tmp_path, (cast.ana, cast.bo))) as process:
        with full_disk():
            wait_for_line(
                process,
                "The database cannot do this now (could not extend file: No space left on device).",
            )
        output, errors = process.communicate(timeout=240)

    assert process.returncode == 0, errors
    assert "Data Transfer Successful" in output
    assert "Traceback" not in errors
    assert owners() == [cast.bo.pk]


@pytest.mark.worker
def test_ctrl_c_while_the_database_is_unavailable(
    transactional_db: None, tmp_path: Path, servers: Servers
) -> None:
    cast = Cast()
    with command(people_csv(tmp_path, (cast.ana, cast.bo))) as process:
        wait_for_line(process, "Started as transfer")
        with servers.without_postgres():
            wait_for_line(process, "Reconnecting to the database…")
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=240)

    assert process.returncode == 130, errors
    assert "The database does not answer (" in errors
    assert "If the transfer has started, it continues when the database is available again." in errors
    assert "Traceback" not in errors
    assert Transfer.objects.get().state == State.QUEUED


@pytest.mark.worker
def test_without_a_database_nothing_starts(transactional_db: None, tmp_path: Path, servers: Servers) -> None:
    cast = Cast()
    with servers.without_postgres(), command(people_csv(tmp_path, (cast.ana, cast.bo))) as process:
        _, errors = process.communicate(timeout=240)

    assert process.returncode == 2, errors
    assert "The database does not answer" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_confirmation_whose_answer_was_lost(
    cast: Cast, run: Run, monkeypatch: pytest.MonkeyPatch, confirmed: bool
) -> None:
    """The connection is lost during the commit, so only the database knows whether the transfer was confirmed."""
    confirm = actions.confirm

    def lost(**words: Any) -> Transfer:
        if confirmed:
            confirm(**words)
        raise away("the connection is lost")

    monkeypatch.setattr(actions, "confirm", lost)
    monkeypatch.setattr(connection, "close", lambda: None)  # the connection holds the test's transaction
    calls(cast.ana)
    if confirmed:
        assert "Data Transfer Successful" in run((cast.ana, cast.bo))
        assert owners() == [cast.bo.pk]
    else:
        with pytest.raises(CommandError, match=r"The transfer did not start. Nothing was changed") as refusal:
            run((cast.ana, cast.bo))
        assert refusal.value.returncode == 2
        assert owners() == [cast.ana.pk]
