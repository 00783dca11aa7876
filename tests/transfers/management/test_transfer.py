"""`manage.py transfer` checks and runs a transfer as the browser does, and returns exit codes for scripts."""

import csv
import io
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
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, RoleAssignment, User
from accounts.permissions import Permission
from audit.models import AuditEvent
from records.quality.models import CCR
from tests.conftest import WorkerProcess, reachable_test_database
from tests.fixtures import running
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.roles import as_owner
from tests.harness.databases import away, full_disk
from tests.harness.servers import Servers
from transfers import actions
from transfers.engine.locks import workers_at
from transfers.management import follow
from transfers.models import PairState, State, Transfer
from transfers.planning import plan
from transfers.planning.plan import Plan
from transfers.results.progress import Progress

Pair = tuple[running.Cell, running.Cell]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PATIENCE", 0)


class Run:
    """A callable that runs the command on a file with the given pairs and returns what the command printed.

    If the command raises an error, `output` contains what was printed before the error.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = ""

    def __call__(self, *pairs: Pair, by: str = "ada.admin", **options: object) -> str:
        out = io.StringIO()
        try:
            call_command("transfer", people_csv(self.folder, *pairs), by=by, stdout=out, **options)
        finally:
            self.output = out.getvalue()
        return self.output


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    return Run(tmp_path)


def people_csv(folder: Path, *pairs: Pair) -> Path:
    file = folder / "people.csv"
    file.write_bytes(running.people_csv(*pairs).getvalue())
    return file


def calls(*agents: User) -> None:
    now = timezone.now()
    for number, who in enumerate(agents):
        CCR.objects.create(agent=who, contact_id=number, channel="voice", started_at=now, ended_at=now)


def owners() -> list[int]:
    return list(CCR.objects.order_by("pk").values_list("agent_id", flat=True))


def test_a_file_is_transferred(cast: Cast, run: Run) -> None:
    calls(cast.ana, cast.ana, cast.cy)

    output = run((cast.ana, cast.bo), (cast.cy, cast.di))

    assert owners() == [cast.bo.pk, cast.bo.pk, cast.di.pk]
    assert Transfer.objects.get().state == State.SUCCEEDED
    assert "2 rows read as UTF-8, comma: 0 blank, 2 selected." in output
    assert f"Ana Díaz ({cast.ana.pk}) → Bo Chen ({cast.bo.pk}): Ana's data moves to Bo" in output
    assert "No worker is running, so this command transfers the data itself." in output
    assert "2 of 2 done" in output
    assert "Data Transfer Successful" in output
    kinds = set(AuditEvent.objects.values_list("kind", flat=True))
    assert {"file-uploaded", "transfer-confirmed", "transfer-finished"} <= kinds


def test_one_pair_fails_and_the_others_succeed(cast: Cast, run: Run, tmp_path: Path, refuse_di: None) -> None:
    calls(cast.ana, cast.cy)

    with pytest.raises(CommandError, match="1 user not transferred") as refusal:
        run((cast.ana, cast.bo), (cast.cy, cast.di), audit=tmp_path / "errors.csv")

    assert refusal.value.returncode == 1
    assert owners() == [cast.bo.pk, cast.cy.pk]
    transfer = Transfer.objects.get()
    failed = transfer.pairs.get(state=PairState.FAILED)
    output = run.output
    assert "The user IDs listed below were not transferred." in output
    assert f"row 3: Cy Young ({cast.cy.pk}) → Di Ng ({cast.di.pk}): {failed.reason}" in output
    page = signed_in(cast.ada).get(reverse("transfers:transfer-errors", args=[transfer.pk]))
    assert (tmp_path / "errors.csv").read_bytes() == b"".join(page.streaming_content)
    rows = list(csv.DictReader((tmp_path / "errors.csv").read_text("utf-8-sig").splitlines()))
    assert [row["From User ID"] for row in rows] == [str(cast.cy.pk)]
    assert AuditEvent.objects.filter(kind="audit-downloaded", actor_id=cast.ada.pk).count() == 2


@pytest.fixture
def refuse_di(cast: Cast) -> Iterator[None]:
    """Add a check constraint that no model declares, so that Di cannot have calls."""
    name = "no_calls_for_di"
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE quality_ccr ADD CONSTRAINT {name} CHECK (agent_id <> {cast.di.pk}) NOT VALID"
        )
    yield
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE quality_ccr DROP CONSTRAINT IF EXISTS {name}")


def test_a_dry_run_prints_the_plan_and_changes_nothing(cast: Cast, run: Run, tmp_path: Path) -> None:
    calls(cast.ana, cast.ana)

    output = run((cast.ana, cast.bo), dry_run=True, audit=tmp_path / "errors.csv")

    assert owners() == [cast.ana.pk, cast.ana.pk]
    assert [line.split() for line in output.splitlines() if line.startswith("CCRs")] == [
        ["CCRs", "2", "2", "0", "0", "0"]
    ]
    assert "2 records combined, 0 records deleted from the Target Users." in output
    assert "Dry run: nothing was changed." in output
    assert not Transfer.objects.exclude(state=State.DISCARDED).exists()
    assert not (tmp_path / "errors.csv").exists()


def test_all_problems_are_printed_and_nothing_starts(cast: Cast, run: Run) -> None:
    calls(cast.ana)

    with pytest.raises(CommandError, match="3 errors in this file") as refusal:
        run((cast.ana, cast.bo), (cast.cy, "7000777"), (cast.di, "19.5"), (cast.ada, cast.eli))

    assert refusal.value.returncode == 2
    output = run.output
    assert "error    row 3    No user has the ID 7000777." in output
    assert "error    row 4    " in output
    assert "error    row 5    Ada Admin" in output
    assert "warning  row 2    Ana Díaz" in output
    assert owners() == [cast.ana.pk]
    assert not Transfer.objects.exclude(state=State.DISCARDED).exists()


def test_a_file_without_a_selection_starts_nothing(cast: Cast, run: Run) -> None:
    with pytest.raises(CommandError, match="No users selected") as refusal:
        run((cast.ana, ""))
    assert refusal.value.returncode == 2


def test_a_file_that_is_not_csv_is_refused(cast: Cast, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(b"%PDF-1.7 and so on")

    with pytest.raises(CommandError, match="PDF") as refusal:
        call_command("transfer", file, by="ada.admin")

    assert refusal.value.returncode == 2
    assert AuditEvent.objects.filter(kind="file-refused").exists()


def test_a_missing_file_is_named(cast: Cast, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="gone.csv cannot be read"):
        call_command("transfer", tmp_path / "gone.csv", by="ada.admin")


def test_the_audit_file_is_checked_before_anything_is_moved(cast: Cast, run: Run, tmp_path: Path) -> None:
    calls(cast.ana)

    with pytest.raises(CommandError, match="--audit: .* cannot be written"):
        run((cast.ana, cast.bo), audit=tmp_path)

    assert owners() == [cast.ana.pk]
    assert not Transfer.objects.exists()


@pytest.mark.parametrize("name", ["otto.operator", "vera.viewer", "nina.nobody"])
def test_the_missing_permission_is_named(cast: Cast, run: Run, name: str) -> None:
    with pytest.raises(CommandError, match="needs the permission: Transfer data in bulk") as refusal:
        run((cast.ana, cast.bo), by=name)

    assert refusal.value.returncode == 2
    assert not Transfer.objects.exists()


def test_users_out_of_the_persons_view_are_unknown(cast: Cast, run: Run) -> None:
    bulk = Role.objects.create(tenant=cast.abacus, name="Bulk", permissions=[Permission.TRANSFER_BULK.value])
    RoleAssignment.objects.create(user=cast.otto, role=bulk)

    with pytest.raises(CommandError):
        run((cast.ana, cast.eli), by="otto.operator@example.com")

    assert f"No user has the ID {cast.eli.pk}." in run.output


def test_a_terminal_gets_a_progress_bar_on_one_line() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    view = follow.View(follow.OutputWrapper(terminal))
    progress = Progress(412, 118, 2, 0, 0, 0, None, None)
    view.show_progress(progress)
    view.show_progress(progress, last=True)

    assert terminal.getvalue().count("\n") == 1
    assert "[########......................] 120 of 412 done · 2 failed" in terminal.getvalue()


def test_the_command_holds_the_counting_lock(cast: Cast, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    worker_counts = []

    def plan_of(draft: Transfer, by: User) -> Plan:
        worker_counts.append(workers_at(draft.pk))
        return plan.plan_of(draft, by)

    monkeypatch.setattr("transfers.management.commands.transfer.plan_of", plan_of)
    run((cast.ana, cast.bo), dry_run=True)
    assert worker_counts == [1]


# --- With other processes --------------------------------------------------------------------------------------------


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
        _, output = process.communicate(timeout=20)

    transfer = Transfer.objects.get()
    assert process.returncode == 130, output
    assert f"continues on the server. To stop it, open /transfers/{transfer.pk}/" in output
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
        output, errors = process.communicate(timeout=40)

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
        output, errors = process.communicate(timeout=40)

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
            _, errors = process.communicate(timeout=20)

    assert process.returncode == 130, errors
    assert "The database does not answer (" in errors
    assert "If the transfer has started, it continues when the database is available again." in errors
    assert "Traceback" not in errors
    assert Transfer.objects.get().state == State.QUEUED


@pytest.mark.worker
def test_without_a_database_nothing_starts(transactional_db: None, tmp_path: Path, servers: Servers) -> None:
    cast = Cast()
    with servers.without_postgres(), command(people_csv(tmp_path, (cast.ana, cast.bo))) as process:
        _, errors = process.communicate(timeout=20)

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
