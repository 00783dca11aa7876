"""Whatever starts from outside of a request - a task, a command - says itself whose rows it wants.

The other tests make their worlds without a wall, so only here is it seen when one forgets.
"""

from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import call_command

from accounts import wall
from tests.transfers import records
from tests.transfers.cast import Cast
from tests.transfers.running import confirm, upload
from transfers import tasks
from transfers.engine.batch import run_batch
from transfers.engine.stage import BeyondTheWall
from transfers.models import AuditWaiting, DiscardedRow, DraftRow, State, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def confirmed(cast: Cast) -> Transfer:
    records.everything(cast.ana, 1)
    records.everything(cast.bo, 1)
    return confirm(upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di)), cast.ada)


@pytest.fixture
def nothing_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the site itself."""
    monkeypatch.setattr(wall, "outside", wall.NOBODY)


def state_of(transfer: Transfer) -> str:
    with wall.every_tenant():
        transfer.refresh_from_db()
    return transfer.state


def said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_worker_runs_a_transfer_and_seals_what_it_wrote(confirmed: Transfer, nothing_outside: None) -> None:
    tasks.run_transfer(confirmed.pk)
    assert state_of(confirmed) == State.SUCCEEDED
    with wall.every_tenant():
        assert not AuditWaiting.objects.exists()
        assert set(DiscardedRow.objects.values_list("tenant_id", flat=True)) == {confirmed.tenant_id}


def test_the_sweep_finds_the_transfers_of_every_tenant(confirmed: Transfer, nothing_outside: None) -> None:
    with patch.object(tasks, "wake") as woken:
        tasks.sweep()
    woken.assert_called_once_with(confirmed.pk)


def test_a_draft_is_counted(cast: Cast, nothing_outside: None) -> None:
    with wall.every_tenant():
        records.everything(cast.ana, 1)
        draft = upload(cast.ada, (cast.ana, cast.bo))
        DraftRow.objects.update(counts=None, impact=None)
    tasks.count_draft(draft.pk)
    with wall.every_tenant():
        assert DraftRow.objects.get().counts


def test_what_was_discarded_is_shown(confirmed: Transfer, nothing_outside: None) -> None:
    tasks.run_transfer(confirmed.pk)
    assert said("show_discarded", str(confirmed.pk))


def test_the_audit_log_is_verified(confirmed: Transfer, nothing_outside: None) -> None:
    tasks.verify_audit()
    assert "Nothing was changed." in said("verify_audit")


def test_the_command_line_acts_within_the_tenant_of_the_person(
    cast: Cast, nothing_outside: None, tmp_path: Path
) -> None:
    said("export_people", "--by", "frida.foreign", "--output", str(tmp_path / "people.csv"))
    lines = (tmp_path / "people.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == ["Frida"]
    assert wall.current() == wall.NOBODY


def test_a_batch_whose_users_cannot_all_be_seen_is_refused(
    cast: Cast, confirmed: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when everything that should have said so before was silent."""
    monkeypatch.setattr("transfers.engine.batch.refusals", lambda transfer, pairs: {})
    type(cast.cy).objects.filter(pk=cast.cy.pk).update(tenant=cast.foreign)
    before = records.snapshot()
    with pytest.raises(BeyondTheWall):
        run_batch(confirmed, list(confirmed.pairs.values_list("pk", flat=True)))
    assert records.snapshot() == before
