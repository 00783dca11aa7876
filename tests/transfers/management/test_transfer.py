"""`manage.py transfer` checks and runs a transfer as the browser does, and returns exit codes for scripts."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from accounts.models import Role, RoleAssignment, User
from accounts.permissions import Permission
from audit.models import AuditEvent
from tests.fixtures.cast import Cast, agent, signed_in
from tests.fixtures.roles import as_owner
from tests.transfers.management.running import Run, calls, owners
from transfers.engine.locks import workers_at
from transfers.management import follow
from transfers.models import PairState, State, Transfer
from transfers.planning import plan
from transfers.planning.plan import Plan
from transfers.results.progress import Progress


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


def test_a_warning_that_rows_share_is_said_once(cast: Cast, run: Run) -> None:
    calls(cast.ana, cast.cy)

    output = run((cast.ana, cast.bo), (cast.cy, cast.di), (cast.ana, cast.bo), dry_run=True)

    assert output.count("still active") == 1
    assert "warning  3 rows   3 Source Users are still active." in output
    assert " Rows 2, 3 and 4.\n" in output
    assert "warning  row 4    Row 4 repeats row 2." in output


def test_an_error_that_is_different_in_each_row_is_said_for_each(cast: Cast, run: Run) -> None:
    with pytest.raises(CommandError, match="2 errors in this file"):
        run((cast.ana, 7000777), (cast.cy, 7000778))
    assert "error    row 2    No user has the ID 7000777." in run.output
    assert "error    row 3    No user has the ID 7000778." in run.output


def test_a_suspicious_file_needs_an_option(cast: Cast, run: Run) -> None:
    sources, targets = ([agent(cast.support, f"{name}{n} X") for n in range(5)] for name in "ST")
    pairs = list(zip(sources, targets, strict=True))
    with pytest.raises(CommandError, match="rises or falls by one.* add --accept-warnings") as refusal:
        run(*pairs)
    assert refusal.value.returncode == 2
    assert Transfer.objects.get().state == State.DISCARDED
    assert "5 of 5 done" in run(*pairs, accept_warnings=True)


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
    page = signed_in(cast.ada).get(reverse("transfers:transfer-errors", args=[transfer.number]))
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
    heading, line = (line for line in output.splitlines() if "merged" in line or line.startswith("CCRs"))
    assert line.split() == ["CCRs", "2", "2", "0", "0", "0"]
    columns = re.finditer(r"\w+", heading)
    assert all(line[column.end() - 1].isdigit() for column in columns), "each number is below its heading"
    assert "2 records to move, 0 records of the Target Users to delete." in output
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
    assert "warning  4 rows   4 Source Users are still active." in output
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
