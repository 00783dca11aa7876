"""If an access view or a user is changed while a transfer runs, the change applies from the next chunk on."""

from typing import Any

import pytest

from accounts.models import AccessView, AccessViewAssignment, AccessViewTeam, User
from accounts.people import actions as accounts
from accounts.people.actions import UserFields
from accounts.people.changes import fingerprint, state_of_user, state_of_view
from accounts.permissions import TENANT_ADMINISTRATOR, TRANSFER_ADMINISTRATOR
from tests.fixtures import records
from tests.fixtures.cast import Cast, person
from tests.fixtures.running import confirm, run, upload
from tests.fixtures.undoing import prepare
from tests.transfers.actions.sheets import errors
from transfers.actions import PlanChanged
from transfers.actions import confirm as confirm_plan
from transfers.engine import worker
from transfers.models import PairState, State, Transfer
from transfers.planning.plan import plan_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(cast: Cast) -> User:
    return person(
        cast.abacus,
        "Tess Boss",
        TENANT_ADMINISTRATOR,
        AccessView.objects.get(name="EnterpriseView", tenant=cast.abacus),
    )


@pytest.fixture
def nora(cast: Cast) -> User:
    return person(cast.abacus, "Nora Narrow", TRANSFER_ADMINISTRATOR, narrow())


def narrow() -> AccessView:
    return AccessView.objects.get(name="Support only")


@pytest.fixture
def half_done(cast: Cast, nora: User, monkeypatch: pytest.MonkeyPatch) -> Transfer:
    """A transfer of two chunks with one pair each. The first chunk is done, and the second is pending."""
    monkeypatch.setattr("transfers.actions.confirming.CHUNK_PAIRS", 1)
    for user in (cast.ana, cast.cy):
        records.everything(user, 1)
    made = confirm(upload(nora, (cast.ana, cast.bo), (cast.cy, cast.di)), nora)
    assert list(made.pairs.values_list("chunk", flat=True)) == [0, 1]
    worker.start(made.pk)
    worker.work_on_a_chunk(Transfer.objects.get(pk=made.pk), float("inf"))
    assert states(made) == [PairState.SUCCEEDED, PairState.PENDING]
    return made


def states(made: Transfer) -> list[str]:
    return list(made.pairs.order_by("row_number").values_list("state", flat=True))


def change_view(boss: User, view: AccessView, **changed: Any) -> None:
    facts: dict[str, Any] = {
        "name": view.name,
        "is_active": view.is_active,
        "teams": view.teams.values_list("pk", flat=True),
    }
    was = fingerprint(state_of_view(view))
    accounts.change_view(by=boss, view_id=view.pk, was=was, **(facts | changed))


def deactivate_user(boss: User, user: User) -> None:
    user = User.objects.get(pk=user.pk)
    fields = UserFields(
        user.username,
        user.first_name,
        user.last_name,
        user.email,
        team_id=user.team_id,
        is_active=False,
        roles=frozenset(user.roles.values_list("pk", flat=True)),
        views=frozenset(user.access_views.values_list("pk", flat=True)),
    )
    accounts.change_user(by=boss, user_id=user.pk, fields=fields, was=fingerprint(state_of_user(user)))


CHANGES = {
    "a team removed from the view": lambda boss, cast, nora: change_view(boss, narrow(), teams=[]),
    "the view made inactive": lambda boss, cast, nora: change_view(boss, narrow(), is_active=False),
    "the view deleted": lambda boss, cast, nora: accounts.delete_view(by=boss, view_id=narrow().pk),
    "the view taken from the person": lambda boss, cast, nora: accounts.unassign_view(
        by=boss, view_id=narrow().pk, user_id=nora.pk
    ),
    "the person deactivated": lambda boss, cast, nora: deactivate_user(boss, nora),
    "the target deactivated": lambda boss, cast, nora: deactivate_user(boss, cast.di),
    "the source given a wider view": lambda boss, cast, nora: accounts.assign_view(
        by=boss, view_id=AccessView.objects.get(tenant=boss.tenant, is_enterprise=True).pk, user_id=cast.cy.pk
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_applies_from_the_next_chunk_on(
    cast: Cast, boss: User, nora: User, half_done: Transfer, change: str
) -> None:
    CHANGES[change](boss, cast, nora)
    before = records.snapshot()
    run(half_done)
    assert records.snapshot() == before
    assert states(half_done) == [PairState.SUCCEEDED, PairState.FAILED]
    assert half_done.state == State.FINISHED_WITH_ERRORS


def test_without_a_change_the_next_chunk_runs(half_done: Transfer) -> None:
    run(half_done)
    assert states(half_done) == [PairState.SUCCEEDED] * 2


def test_a_view_assigned_to_another_person_has_no_effect(cast: Cast, boss: User, half_done: Transfer) -> None:
    accounts.assign_view(by=boss, view_id=narrow().pk, user_id=cast.nina.pk)
    assert AccessViewAssignment.objects.filter(user=cast.nina).exists()
    run(half_done)
    assert states(half_done) == [PairState.SUCCEEDED] * 2


def test_an_undo_gives_no_view_back_that_the_person_could_not_assign(
    cast: Cast, boss: User, nora: User
) -> None:
    """Ana's assignment was deleted because Bo has the same one. Since then the view has got users Nora cannot see."""
    view = AccessView.objects.create(tenant=cast.abacus, name="Also support")
    AccessViewTeam.objects.create(view=view, team=cast.support)
    for user in (cast.ana, cast.bo):
        AccessViewAssignment.objects.create(view=view, user=user)
    made = run(confirm(upload(nora, (cast.ana, cast.bo)), nora))
    undo = confirm(prepare(nora, made), nora)
    accounts.unassign_view(by=boss, view_id=view.pk, user_id=cast.bo.pk)
    change_view(boss, view, teams=[cast.support.pk, cast.sales.pk])
    (failed,) = run(undo).pairs.all()
    assert f"User {cast.ana.pk} would get back a view with users that you cannot see." in failed.reason
    assert errors(prepare(nora, made)) == {2: ["undo-gives-view-back"]}
    assert not cast.ana.access_views.exists()
    run(confirm(prepare(boss, made), boss))
    assert cast.ana.access_views.get() == view


def test_a_user_renamed_under_a_pending_draft_is_shown_again(cast: Cast, boss: User, nora: User) -> None:
    """The confirmation page names the users, so the plan must be shown again if a name has changed."""
    records.everything(cast.ana, 1)
    draft = upload(nora, (cast.ana, cast.bo))
    seen = plan_of(draft, nora)
    User.objects.filter(pk=cast.bo.pk).update(first_name="Beau")
    with pytest.raises(PlanChanged) as changed:
        confirm_plan(by=nora, transfer=draft, plan_hash=seen.hash, typed_count=1)
    target = changed.value.plan.pairs[0].target
    assert target
    assert target.name == "Beau Chen"
