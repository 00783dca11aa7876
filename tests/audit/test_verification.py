"""Changed, deleted, reordered and inserted events and seals are reported."""

import pytest

from audit import chain, verification
from audit.chain import DIGEST_OF_EVENT, seal
from audit.log import record
from audit.models import AuditEvent
from audit.verification import verify
from tests.audit.tampering import INSERT_BACK_DATED, Tamper, run, wrong
from tests.fixtures.cast import Cast


def time_of(event_id: int) -> str:
    return AuditEvent.objects.get(pk=event_id).at.isoformat(sep=" ", timespec="microseconds")


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'signed-in'",
        "at = at + interval '1 microsecond'",
        "actor_id = 7",
        "actor_name = actor_name || ' '",
        "address = NULL",
        "transfer_number = 1",
        "pair_id = 1",
        """details = details || '{"row": 99}'""",
    ],
)
def test_a_changed_event_is_reported(cast: Cast, sealed: list[int], tamper: Tamper, change: str) -> None:
    tamper(f"UPDATE audit_auditevent SET {change} WHERE id = {sealed[4]}")
    assert wrong(cast) == "Event 2 of seal 2 was changed."


def test_several_changed_events_are_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE id IN ({sealed[6]}, {sealed[2]}, {sealed[5]})")
    tamper(f"DELETE FROM audit_auditevent WHERE id = {sealed[4]}")
    assert wrong(cast).split(". ") == [
        "Event 3 of seal 1 was changed",
        "Event 2 of seal 2 is missing",
        "Event 3 of seal 2 was changed",
        "Event 1 of seal 3 was changed.",
    ]


def test_findings_beyond_the_limit_are_counted(
    cast: Cast, sealed: list[int], tamper: Tamper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "MAX_LISTED", 2)
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE tenant_id = {cast.abacus.pk}")
    assert wrong(cast) == (
        "Event 1 of seal 1 was changed. Event 2 of seal 1 was changed. Further findings: 5."
    )


def test_a_missing_event_is_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"DELETE FROM audit_auditevent WHERE id = {sealed[3]}")
    assert wrong(cast) == "Event 1 of seal 2 is missing."


def test_an_event_moved_to_another_tenant_is_missing(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(f"UPDATE audit_auditevent SET tenant_id = {cast.foreign.pk} WHERE id = {sealed[0]}")
    assert wrong(cast) == "Event 1 of seal 1 is missing."
    assert verify(cast.foreign.pk).wrong.startswith(f"The event of {time_of(sealed[0])} is in no seal")


def test_two_events_with_swapped_ids_are_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    one, two = sealed[0], sealed[1]
    tamper(
        f"UPDATE audit_auditevent SET id = CASE id WHEN {one} THEN -1 ELSE -2 END WHERE id IN ({one}, {two})"
    )
    tamper(f"UPDATE audit_auditevent SET id = CASE id WHEN -1 THEN {two} ELSE {one} END WHERE id IN (-1, -2)")
    assert wrong(cast) == "Event 1 of seal 1 was changed. Event 2 of seal 1 was changed."


def test_two_swapped_events_of_a_seal_are_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(
        "UPDATE audit_auditseal SET events = events[2:2] || events[1:1] || events[3:3],"
        f" digests = digests[2:2] || digests[1:1] || digests[3:3] WHERE number = 1 AND tenant_id = {cast.abacus.pk}"
    )
    assert wrong(cast) == "Seal 1 was changed, or its events were reordered."


def test_a_forged_seal_breaks_the_next(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    """An event, its digest and its seal's digest are changed consistently, but later seals are unchanged."""
    of_seal = f"number = 1 AND tenant_id = {cast.abacus.pk}"
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE id = {sealed[0]}")
    tamper(
        f"UPDATE audit_auditseal SET digests[1] = (SELECT {DIGEST_OF_EVENT} FROM audit_auditevent AS e"
        f" WHERE id = {sealed[0]}) WHERE {of_seal}"
    )
    tamper(
        "UPDATE audit_auditseal AS s SET digest = "
        + chain.DIGEST_OF_SEAL.replace("%%", "%").replace("before.digest", "NULL::bytea")
        + f" WHERE {of_seal}"
    )
    assert wrong(cast) == "Seal 2 was changed, or its events were reordered."


@pytest.mark.parametrize(
    ("gone", "text"),
    [(1, "Seal 1 is missing; the next one is 2."), (2, "Seal 2 is missing; the next one is 3.")],
)
def test_a_missing_seal_is_reported(
    cast: Cast, sealed: list[int], tamper: Tamper, gone: int, text: str
) -> None:
    tamper(f"DELETE FROM audit_auditseal WHERE number = {gone} AND tenant_id = {cast.abacus.pk}")
    first, *others = wrong(cast).split(". ")
    assert f"{first}." == text
    freed = sealed[3 * (gone - 1) : 3 * gone]
    named = [f"The event of {time_of(event)} is in no seal: it was added, or kept" for event in freed]
    assert all(other.startswith(name) for other, name in zip(others, named, strict=True))


def test_an_inserted_event_is_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    tamper(
        "INSERT INTO audit_auditevent (tenant_id, kind, actor_name, details)"
        f" VALUES ({cast.abacus.pk}, 'signed-in', '', '{{}}')"
    )
    assert "is in no seal" in wrong(cast)


def test_an_event_deleted_before_it_was_sealed_is_reported(
    cast: Cast, sealed: list[int], tamper: Tamper
) -> None:
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    late = AuditEvent.objects.latest("id").pk
    tamper(f"DELETE FROM audit_auditevent WHERE id = {late}")
    assert wrong(cast) == "Event 1 of seal 4 is missing."


def test_a_made_up_waiting_event_does_not_hide_later_findings(
    cast: Cast, sealed: list[int], tamper: Tamper
) -> None:
    tamper(f"INSERT INTO audit_auditwaiting (event_id, tenant_id) VALUES (-7, {cast.abacus.pk})")
    assert wrong(cast) == "Event 1 of seal 4 is missing."
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    late = AuditEvent.objects.filter(tenant_id=cast.abacus.pk).latest("id").pk
    seal(cast.abacus.pk)
    tamper(f"UPDATE audit_auditevent SET pair_id = 1 WHERE id = {late}")
    assert "Event 2 of seal 5 was changed." in wrong(cast)


def test_an_event_kept_from_being_sealed_is_reported(cast: Cast, sealed: list[int], tamper: Tamper) -> None:
    record("signed-out", tenant_id=cast.abacus.pk, by=cast.ada)
    late = AuditEvent.objects.latest("id").pk
    tamper("DELETE FROM audit_auditwaiting")
    assert wrong(cast) == (
        f"The event of {time_of(late)} is in no seal: it was added, or kept from being sealed, outside the"
        " application."
    )


def test_events_that_cannot_be_sealed_are_counted(
    cast: Cast, as_owner: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulate another session that never releases the sealer's lock."""
    monkeypatch.setattr(verification, "seal", lambda tenant_id: 0)
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)
    assert wrong(cast) == ""
    run(INSERT_BACK_DATED.format(tenant=cast.abacus.pk))
    assert wrong(cast) == "1 event could not be sealed for more than an hour: another session holds the lock."
