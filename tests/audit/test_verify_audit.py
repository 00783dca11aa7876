"""`manage.py verify_audit` and the daily task report what the verification finds."""

import io

import pytest
from django.core.management import CommandError, call_command

from audit.chain import state_of
from audit.models import AuditEvent
from audit.tasks import verify_audit
from tests.audit.tampering import Tamper, wrong
from tests.fixtures.cast import Cast


def call(*words: str) -> str:
    out = io.StringIO()
    call_command("verify_audit", *words, stdout=out)
    return out.getvalue()


def test_the_command_reports_an_unchanged_log(cast: Cast, sealed: list[int]) -> None:
    lines = call().splitlines()
    assert lines[0].startswith(f"Tenant {cast.abacus.pk}: 7 events in 3 seals. Nothing was changed. Head: ")
    assert lines[1].startswith(f"Tenant {cast.foreign.pk}: 1 event in 1 seal. Nothing was changed. Head: ")
    event = AuditEvent.objects.filter(kind="audit-verified").first()
    assert event is not None
    assert event.details["result"] == "Nothing was changed."


def test_the_command_exits_with_1_and_names_the_event(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE id = {sealed[0]}")
    out = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("verify_audit", stdout=out)
    assert raised.value.returncode == 1
    assert "Event 1 of seal 1 was changed." in out.getvalue()
    call("--tenant", str(cast.foreign.pk))


def test_an_unknown_tenant_is_an_error(cast: Cast) -> None:
    with pytest.raises(CommandError, match="There is no tenant 999999"):
        call("--tenant", "999999")


def test_a_truncated_chain_is_detected_with_a_saved_head(
    cast: Cast, sealed: list[int], tamper: Tamper
) -> None:
    head = state_of(cast.abacus.pk).digest
    call("--holds", head)
    tamper(f"DELETE FROM audit_auditevent WHERE id = {sealed[6]}")
    tamper(f"DELETE FROM audit_auditseal WHERE number >= 3 AND tenant_id = {cast.abacus.pk}")
    tamper("DELETE FROM audit_auditevent WHERE kind = 'audit-verified'; DELETE FROM audit_auditwaiting")
    assert wrong(cast) == ""
    with pytest.raises(CommandError, match="the end of a chain was cut off"):
        call("--holds", head)


def test_the_daily_verification_logs_an_error(
    cast: Cast, sealed: list[int], tamper: Tamper, caplog: pytest.LogCaptureFixture
) -> None:
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE id = {sealed[0]}")
    verify_audit()
    assert next(entry.levelname for entry in caplog.records if "was changed" in entry.message) == "ERROR"
