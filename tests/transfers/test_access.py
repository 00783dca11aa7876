import pytest
from django.http import Http404
from pytest_django import DjangoAssertNumQueries

from accounts.access import PermissionMissing
from accounts.models import AccessView, User
from audit.log import record
from tests.fixtures.cast import Cast, cache_rights, draft, transfer
from transfers.access import (
    access_draft,
    access_transfer,
    access_transfer_to_run,
    visible_events,
    visible_transfers,
)
from transfers.models import Kind, State, Transfer


def may_open(person: User, made: Transfer) -> bool:
    """Return whether the user may open the transfer. Assert that the access check and the list agree."""
    listed = visible_transfers(person).filter(pk=made.pk).exists()
    try:
        access_transfer(person, made.number)
    except Http404:
        assert not listed
        return False
    assert listed
    return True


def test_who_may_open_a_transfer(cast: Cast) -> None:
    inside = transfer(cast.ada, (cast.ana, cast.bo))
    across = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.eli))
    people = (cast.ada, cast.vera, cast.otto, cast.nina, cast.frida)

    assert [may_open(person, inside) for person in people] == [True, True, True, False, False]
    assert [may_open(person, across) for person in people] == [True, True, False, False, False]


def test_own_transfer_stays_open_without_permission_and_view(cast: Cast) -> None:
    made = transfer(cast.nina, (cast.ana, cast.eli))

    assert may_open(cast.nina, made)


def test_an_inactive_view_shows_nothing(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    AccessView.objects.filter(name="Support only").update(is_active=False)

    assert not may_open(cast.otto, made)


def test_only_its_maker_can_open_a_draft(cast: Cast) -> None:
    made = draft(cast.ada)

    assert access_draft(cast.ada, made.number) == made
    assert not may_open(cast.vera, made)
    for person in (cast.vera, cast.otto, cast.frida):
        with pytest.raises(Http404):
            access_draft(person, made.number)


def test_a_confirmed_transfer_is_not_a_draft(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))

    with pytest.raises(Http404):
        access_draft(cast.ada, made.number)


@pytest.mark.parametrize("number", [0, 1, 2**63, 10**40])
def test_unknown_id_is_not_found(cast: Cast, number: int) -> None:
    with pytest.raises(Http404):
        access_transfer(cast.ada, number)


def test_running_needs_the_permission_for_the_kind(cast: Cast) -> None:
    single = transfer(cast.ada, (cast.ana, cast.bo))
    bulk = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.RUNNING)

    assert access_transfer_to_run(cast.otto, single.number) == single
    with pytest.raises(PermissionMissing, match="Transfer data in bulk"):
        access_transfer_to_run(cast.otto, bulk.number)
    with pytest.raises(PermissionMissing, match="Transfer one user's data"):
        access_transfer_to_run(cast.vera, single.number)


def test_the_list_needs_one_query(cast: Cast, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(3):
        transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    cache_rights(cast.otto)

    with django_assert_num_queries(1):
        assert len(visible_transfers(cast.otto)) == 3


def test_the_audit_log_is_limited_by_the_view(cast: Cast) -> None:
    across = transfer(cast.ada, (cast.ana, cast.eli))
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ana)
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.eli)
    record("transfer-started", tenant_id=cast.abacus.pk, transfer_number=across.number)
    record("signed-in", tenant_id=cast.foreign.pk, by=cast.frida)

    assert visible_events(cast.vera).count() == 3
    assert [event.actor_id for event in visible_events(cast.otto)] == [cast.ana.pk]


def test_only_its_maker_sees_the_events_of_a_draft(cast: Cast) -> None:
    """A draft's events can name users who are not in the confirmed transfer and whom other people may not see."""
    made = transfer(cast.ada, (cast.ana, cast.bo))
    about = {"tenant_id": cast.abacus.pk, "by": cast.ada, "transfer_number": made.number}
    record("row-changed", **about, row=3, from_text="18", to_text="19")
    record("row-cleared", **about, row=3)
    record("confirmation-refused", **about, reason="Eli Sales (5) is a tenant administrator.")
    record("transfer-confirmed", **about, pairs=1, transferred=0, deleted=0)
    record("pair-failed", **about, source_name="A", source_id=1, target_name="B", target_id=2, reason="")

    assert [event.kind for event in visible_events(cast.otto)] == ["pair-failed", "transfer-confirmed"]
    for person in (cast.ada, cast.vera):
        assert visible_events(person).count() == 5
