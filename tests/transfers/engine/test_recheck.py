"""The run checks rights and users again. A pair fails if a change after the confirmation affects it."""

import pytest

from accounts.models import AccessViewAssignment, RoleAssignment, User
from accounts.permissions import TENANT_ADMINISTRATOR
from tests.fixtures import records
from tests.fixtures.cast import Cast, person
from tests.fixtures.running import confirm, run, upload
from transfers.models import PairState, State, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def confirmed(cast: Cast) -> Transfer:
    for user in (cast.ana, cast.bo, cast.cy, cast.di):
        records.everything(user, 1)
    return confirm(upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di)), cast.ada)


def failed_of(transfer: Transfer) -> list[tuple[str, str]]:
    return [(p.source_name, p.code) for p in transfer.pairs.filter(state=PairState.FAILED)]


def test_nothing_changed(confirmed: Transfer) -> None:
    assert run(confirmed).state == State.SUCCEEDED


def test_a_target_who_became_tenant_administrator(cast: Cast, confirmed: Transfer) -> None:
    role = RoleAssignment.objects.get(user=person(cast.abacus, "Tara Tenant", TENANT_ADMINISTRATOR)).role
    RoleAssignment.objects.create(user=cast.bo, role=role)
    run(confirmed)
    assert confirmed.state == State.FINISHED_WITH_ERRORS
    assert failed_of(confirmed) == [("Ana Díaz", "changed-after-confirmation")]
    assert "tenant administrator" in confirmed.pairs.get(state=PairState.FAILED).reason
    assert records.owned_by(cast.ana)


def test_a_source_who_left_the_view(cast: Cast, confirmed: Transfer) -> None:
    User.objects.filter(pk=cast.cy.pk).update(tenant=cast.foreign)
    run(confirmed)
    assert failed_of(confirmed) == [("Cy Young", "changed-after-confirmation")]
    assert "No user has the ID" in confirmed.pairs.get(state=PairState.FAILED).reason


def test_a_target_that_became_inactive_fails_the_pair(cast: Cast, confirmed: Transfer) -> None:
    User.objects.filter(pk=cast.di.pk).update(is_active=False)
    run(confirmed)
    assert failed_of(confirmed) == [("Cy Young", "changed-after-confirmation")]


def test_an_inactive_target_that_was_confirmed_runs(cast: Cast) -> None:
    User.objects.filter(pk=cast.bo.pk).update(is_active=False)
    assert run(confirm(upload(cast.ada, (cast.ana, cast.bo)), cast.ada)).state == State.SUCCEEDED
    cast.bo.refresh_from_db()
    assert not cast.bo.is_active


def test_the_acting_person_lost_the_view(cast: Cast, confirmed: Transfer) -> None:
    AccessViewAssignment.objects.filter(user=cast.ada).delete()
    assert run(confirmed).state == State.FAILED
    assert len(failed_of(confirmed)) == 2


@pytest.mark.parametrize("change", ["role", "inactive"])
def test_the_acting_person_lost_the_permission(cast: Cast, confirmed: Transfer, change: str) -> None:
    if change == "role":
        RoleAssignment.objects.filter(user=cast.ada).delete()
    else:
        User.objects.filter(pk=cast.ada.pk).update(is_active=False)
    before = records.snapshot()
    assert run(confirmed).state == State.FAILED
    assert [code for _, code in failed_of(confirmed)] == ["person-may-not"] * 2
    assert records.snapshot() == before
