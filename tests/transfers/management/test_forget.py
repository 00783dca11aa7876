"""`manage.py forget`: the journal of a transfer is deleted before its time."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import localdate
from pytest_django import Settings

from audit.models import AuditEvent
from tests.fixtures import records
from tests.fixtures.cast import Cast, transfer
from tests.fixtures.journal import deleted_by
from tests.fixtures.running import run_single
from tests.fixtures.undoing import mark_undone
from tests.fixtures.undos import undo_of
from transfers.actions import forgetting
from transfers.models import JournalEntry, State, Transfer, UndoConflict
from transfers.results.undo_deadline import in_time

pytestmark = pytest.mark.django_db


@pytest.fixture
def ended(cast: Cast) -> Transfer:
    records.schedule(cast.bo, 1)
    records.schedule(cast.ana, 1)
    return run_single(cast.ada, cast.ana, cast.bo)


def forget(number: int, *, by: str = "ada.admin", reason: str = "Erasure request 12") -> str:
    out = io.StringIO()
    call_command("forget", number, by=by, reason=reason, stdout=out)
    return out.getvalue()


def conflict_of(undo: Transfer) -> UndoConflict:
    return UndoConflict.objects.create(
        pair=undo.pairs.get(), data_type="t", table="t", key="(1)", why="changed"
    )


def test_the_journal_is_deleted_and_the_reason_recorded(
    cast: Cast, ended: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "PORTION", 1)
    other = run_single(cast.ada, cast.cy, cast.di)
    kept = JournalEntry.objects.exclude(transfer_id=ended.pk).count()
    entries = JournalEntry.objects.filter(transfer_id=ended.pk)
    number = entries.count()
    assert f"Deleted {number} journal entries of transfer {ended.number}." in forget(ended.number)
    assert not entries.exists()
    assert JournalEntry.objects.count() == kept
    assert deleted_by(ended) == []
    ended.refresh_from_db()
    assert not in_time(ended)
    other.refresh_from_db()
    assert in_time(other)
    event = AuditEvent.objects.get(kind="journal-forgotten")
    assert (event.transfer_number, event.actor_id, event.details) == (
        ended.number,
        cast.ada.pk,
        {"why": "Erasure request 12"},
    )


def test_what_undos_left_is_forgotten_with_it(cast: Cast, ended: Transfer) -> None:
    conflict_of(undo_of(ended))
    other = conflict_of(undo_of(transfer(cast.ada, (cast.cy, cast.di))))
    forget(ended.number)
    assert UndoConflict.objects.get() == other


def test_an_undo_has_no_journal(ended: Transfer) -> None:
    undo = undo_of(ended)
    conflict_of(undo)
    with pytest.raises(
        CommandError, match=f"is an undo, which has no journal.* transfer {ended.number}, which"
    ):
        forget(undo.number)
    assert UndoConflict.objects.exists()
    assert not AuditEvent.objects.filter(kind="journal-forgotten").exists()


def test_what_is_undone_already_stays_undone(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    conflict_of(mark_undone(cast.ada, made, made.pairs.get(source=cast.ana)))
    said = forget(made.number)
    assert "the list of 1 record that its undos left" in said
    assert "1 user had been undone, which is not changed. The transfer of the other 1 cannot be" in said


def test_a_second_time_it_says_since_when(ended: Transfer) -> None:
    forget(ended.number)
    said = forget(ended.number, reason="Erasure request 13")
    assert f"The journal of transfer {ended.number} was already deleted on {localdate():%-d %b %Y}." in said
    assert AuditEvent.objects.filter(kind="journal-forgotten").count() == 1


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_an_open_undo_is_not_interfered_with(ended: Transfer, state: State) -> None:
    undo = undo_of(ended, state)
    with pytest.raises(
        CommandError, match=f"is being undone by transfer {undo.number}.* Nothing was deleted."
    ):
        forget(ended.number)
    assert JournalEntry.objects.filter(transfer_id=ended.pk).exists()
    assert not AuditEvent.objects.filter(kind="journal-forgotten").exists()


def test_an_open_transfer_is_refused(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)
    with pytest.raises(CommandError, match="has not ended"):
        forget(made.number)


def test_after_an_interruption_it_continues(ended: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(rows: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(forgetting, "delete_in_portions", interrupted)
        with pytest.raises(KeyboardInterrupt):
            forget(ended.number)
    ended.refresh_from_db()
    since = ended.forgotten_at
    assert since is not None
    assert "Deleted" in forget(ended.number)
    ended.refresh_from_db()
    assert ended.forgotten_at == since
    assert AuditEvent.objects.filter(kind="journal-forgotten").count() == 1
    assert not JournalEntry.objects.filter(transfer_id=ended.pk).exists()


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("otto.operator", "may not do this"),
        ("frida.foreign", "There is no transfer"),
        ("unknown", "no active user"),
    ],
)
def test_it_needs_the_permission_and_the_tenant(cast: Cast, ended: Transfer, by: str, message: str) -> None:
    with pytest.raises(CommandError, match=message) as refused:
        forget(ended.number, by=by)
    assert refused.value.returncode == 2
    assert JournalEntry.objects.filter(transfer_id=ended.pk).exists()


def test_it_needs_a_reason(ended: Transfer, settings: Settings) -> None:
    with pytest.raises(CommandError, match="--reason: say why"):
        forget(ended.number, reason="  ")
