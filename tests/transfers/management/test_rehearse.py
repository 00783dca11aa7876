"""`manage.py rehearse` tries a people.csv, prints what would fail, and leaves nothing."""

import csv
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import AuditEvent
from tests.fixtures.cast import Cast, transfer
from tests.fixtures.roles import as_owner
from tests.transfers.management.running import Pair, calls, owners, people_csv
from transfers.management.commands import rehearse
from transfers.models import Rehearsal, State, Transfer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]


class Rehearse:
    """A callable that rehearses a file with the given pairs and returns what was printed, also before an error."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = ""

    def __call__(self, *pairs: Pair, by: str = "ada.admin", **options: object) -> str:
        out = io.StringIO()
        try:
            call_command("rehearse", people_csv(self.folder, *pairs), by=by, stdout=out, **options)
        finally:
            self.output = out.getvalue()
        return self.output


@pytest.fixture
def command(tmp_path: Path) -> Rehearse:
    return Rehearse(tmp_path)


@pytest.fixture
def refuse_di(cast: Cast) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE quality_ccr ADD CONSTRAINT no_calls CHECK (agent_id <> {cast.di.pk}) NOT VALID"
        )


def test_a_file_that_would_be_transferred(cast: Cast, command: Rehearse) -> None:
    calls(cast.ana, cast.ana, cast.cy)
    output = command((cast.ana, cast.bo), (cast.cy, cast.di))
    assert owners() == [cast.ana.pk, cast.ana.pk, cast.cy.pk]
    tables = [line.split() for line in output.splitlines() if line.startswith("CCRs")]
    assert tables == [["CCRs", "3", "3", "0", "0", "0"]] * 2  # of the plan, and of the rehearsal
    assert "The numbers differ" not in output
    assert "group 1: 2 users, 0 would fail, 0." in output
    assert "quality_ccr: RowExclusiveLock for up to 0." in output
    assert "2 of 2 users would be transferred, in 0." in output
    assert Transfer.objects.get().state == State.DISCARDED
    assert not Rehearsal.objects.exists()
    assert {"rehearsal-started", "rehearsal-finished"} <= set(
        AuditEvent.objects.values_list("kind", flat=True)
    )


def test_a_pair_that_would_fail(cast: Cast, command: Rehearse, tmp_path: Path, refuse_di: None) -> None:
    calls(cast.ana, cast.cy)
    with pytest.raises(CommandError, match="1 user would not be transferred") as refusal:
        command((cast.ana, cast.bo), (cast.cy, cast.di), report=tmp_path / "report.csv")
    assert refusal.value.returncode == 1
    assert owners() == [cast.ana.pk, cast.cy.pk]
    assert f"row 3: Cy Young ({cast.cy.pk}) → Di Ng ({cast.di.pk}): CCRs: " in command.output
    assert "constraint no_calls" in command.output
    rows = list(csv.DictReader((tmp_path / "report.csv").read_text("utf-8-sig").splitlines()))
    assert [row["Result"] for row in rows] == ["Would be transferred", "Would not be transferred"]


def test_a_file_with_errors_is_not_rehearsed(cast: Cast, command: Rehearse) -> None:
    with pytest.raises(CommandError, match="1 error in this file") as refusal:
        command((cast.ana, cast.bo), (cast.cy, "7000777"))
    assert refusal.value.returncode == 2
    assert not AuditEvent.objects.filter(kind="rehearsal-started").exists()


def test_a_transfer_that_is_running_is_a_reason_not_to_start(cast: Cast, command: Rehearse) -> None:
    transfer(cast.vera, (cast.eli, cast.nina), (cast.cy, cast.di), state=State.RUNNING)
    with pytest.raises(CommandError, match="A bulk transfer is running") as refusal:
        command((cast.ana, cast.bo))
    assert refusal.value.returncode == 2


def test_many_pairs_are_counted_first(cast: Cast, command: Rehearse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transfers.planning.plan.COUNTED_AT_ONCE", 1)
    calls(cast.ana)
    assert "2 of 2 users would be transferred" in command((cast.ana, cast.bo), (cast.cy, cast.di))


def test_without_the_permission(cast: Cast, command: Rehearse) -> None:
    with pytest.raises(CommandError, match="may not do this") as refusal:
        command((cast.ana, cast.bo), by="otto.operator")
    assert refusal.value.returncode == 2


def test_a_report_that_cannot_be_written_is_named_first(
    cast: Cast, command: Rehearse, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="--report: .* cannot be written"):
        command((cast.ana, cast.bo), report=tmp_path / "no" / "report.csv")
    assert not Transfer.objects.exists()


def test_ctrl_c_leaves_nothing(cast: Cast, command: Rehearse, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **options: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(rehearse, "work_on_rehearsal", interrupt)
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own transaction
    with pytest.raises(CommandError, match="Nothing was changed") as refusal:
        command((cast.ana, cast.bo))
    assert refusal.value.returncode == 130
    assert not Rehearsal.objects.exists()
