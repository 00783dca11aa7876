"""Tasks and commands set their own tenant context, because they run outside a request.

Other tests run with all tenants visible, so only these notice a missing context.
"""

from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import call_command

from audit.models import AuditWaiting
from audit.tasks import verify_audit
from tenancy import context
from tenancy.context import NO_TENANT, all_tenants_context, current_setting
from tests.fixtures import records
from tests.fixtures.cast import Cast
from tests.fixtures.running import confirm, upload
from transfers import tasks
from transfers.engine.batch import run_batch
from transfers.engine.stage import OutsideTenant
from transfers.models import DraftRow, JournalEntry, State, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def confirmed(cast: Cast) -> Transfer:
    records.everything(cast.ana, 1)
    records.everything(cast.bo, 1)
    return confirm(upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di)), cast.ada)


@pytest.fixture
def no_tenant_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the tenant unset outside the blocks that set one, as in production."""
    monkeypatch.setattr(context, "outside", NO_TENANT)


def state_of(transfer: Transfer) -> str:
    with all_tenants_context():
        transfer.refresh_from_db()
    return transfer.state


def output_of(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_worker_runs_a_transfer_and_seals_what_it_wrote(
    confirmed: Transfer, no_tenant_by_default: None
) -> None:
    tasks.run_transfer(confirmed.pk)
    assert state_of(confirmed) == State.SUCCEEDED
    with all_tenants_context():
        assert not AuditWaiting.objects.exists()
        assert set(JournalEntry.objects.values_list("tenant_id", flat=True)) == {confirmed.tenant_id}


def test_the_recovery_sweep_finds_the_transfers_of_every_tenant(
    confirmed: Transfer, no_tenant_by_default: None
) -> None:
    with patch.object(tasks, "wake") as woken:
        tasks.recovery_sweep()
    woken.assert_called_once_with(confirmed.pk)


def test_a_draft_is_counted(cast: Cast, no_tenant_by_default: None) -> None:
    with all_tenants_context():
        records.everything(cast.ana, 1)
        draft = upload(cast.ada, (cast.ana, cast.bo))
        DraftRow.objects.update(counts=None, impact=None)
    tasks.count_draft(draft.pk)
    with all_tenants_context():
        assert DraftRow.objects.get().counts


def test_discarded_records_are_shown(confirmed: Transfer, no_tenant_by_default: None) -> None:
    tasks.run_transfer(confirmed.pk)
    assert output_of("show_discarded", str(confirmed.number))


def test_the_audit_log_is_verified(confirmed: Transfer, no_tenant_by_default: None) -> None:
    verify_audit()
    assert "Nothing was changed." in output_of("verify_audit")


def test_the_command_line_acts_within_the_tenant_of_the_person(
    cast: Cast, no_tenant_by_default: None, tmp_path: Path
) -> None:
    output_of("export_people", "--by", "frida.foreign", "--output", str(tmp_path / "people.csv"))
    lines = (tmp_path / "people.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == ["Frida"]
    assert current_setting() == NO_TENANT


def test_a_batch_whose_users_cannot_all_be_seen_is_refused(
    cast: Cast, confirmed: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is refused even if the earlier checks are skipped."""
    monkeypatch.setattr("transfers.engine.batch.refusals", lambda transfer, pairs: {})
    type(cast.cy).objects.filter(pk=cast.cy.pk).update(tenant=cast.foreign)
    before = records.snapshot()
    with pytest.raises(OutsideTenant):
        run_batch(confirmed, list(confirmed.pairs.values_list("pk", flat=True)))
    assert records.snapshot() == before
