"""Prepare the undo of a transfer, choose its users, and confirm it. The records are not touched here."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import RoleAssignment, User
from accounts.permissions import TENANT_ADMINISTRATOR
from tests.fixtures.cast import Cast, add_pair, agent, person, transfer
from tests.fixtures.running import confirm
from tests.fixtures.undoing import mark_undone, prepare
from tests.transfers.actions.sheets import errors, events
from transfers import actions
from transfers.engine.failures.recheck import refusals
from transfers.engine.undo.prediction import Conflict, Prediction
from transfers.models import Kind, PairState, Participant, State, Transfer
from transfers.planning.background_counts import count_draft, plan_to_show
from transfers.planning.plan import plan_of
from transfers.planning.undo import groups
from transfers.planning.undo.plan import UndoPlan, check_predicted

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]


@pytest.fixture
def made(cast: Cast) -> Transfer:
    """A bulk transfer with the succeeded rows 2 (Ana → Bo) and 3 (Cy → Di), and row 4, which failed."""
    done = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    reason = {"code": "constraint", "reason": "A rule."}
    add_pair(done, 4, cast.eli, agent(cast.sales, "Flo Sales"), state=PairState.FAILED, **reason)
    return done


def rows(draft: Transfer) -> list[tuple[int, int | None, int | None]]:
    return [(row.number, row.from_id, row.to_id) for row in draft.rows.all()]


def refused(cast: Cast, made: Transfer) -> tuple[str, str]:
    """Return the sentence and the remedy with which the undo is refused."""
    with pytest.raises(actions.CannotUndo) as refusal:
        prepare(cast.ada, made)
    (problem,) = refusal.value.problems
    assert not Transfer.objects.filter(kind=Kind.UNDO, state=State.DRAFT).exists()
    return problem.sentence, problem.remedy


# --- Preparing -------------------------------------------------------------------------------------------------------


def test_the_draft_has_the_succeeded_pairs_with_source_and_target_exchanged(
    cast: Cast, made: Transfer
) -> None:
    draft = actions.undo(by=cast.ada, transfer=made, address="192.0.2.7")
    assert (draft.kind, draft.state, draft.undoes, draft.leaves_changed) == ("undo", "draft", made, False)
    assert rows(draft) == [(2, cast.bo.pk, cast.ana.pk), (3, cast.di.pk, cast.cy.pk)]
    assert plan_of(draft, cast.ada).ready
    (event,) = events("undo-prepared")
    assert (event.transfer_number, event.detail("pairs"), event.detail("of_transfer")) == (
        draft.number,
        2,
        made.number,
    )
    assert event.address == "192.0.2.7"


def test_records_are_given_back_to_a_user_without_employee_id(cast: Cast, made: Transfer) -> None:
    User.objects.filter(pk=cast.ana.pk).update(employee_id="")
    User.objects.filter(pk=cast.bo.pk).update(employee_id="E-1")
    assert errors(prepare(cast.ada, made)) == {}


def test_chosen_pairs_only(cast: Cast, made: Transfer) -> None:
    draft = prepare(cast.ada, made, made.pairs.get(source=cast.cy))
    assert rows(draft) == [(3, cast.di.pk, cast.cy.pk)]


def test_unknown_rows_and_failed_pairs_are_not_chosen(cast: Cast, made: Transfer) -> None:
    failed = made.pairs.get(source=cast.eli)
    with pytest.raises(actions.CannotUndo, match="No users are selected"):
        actions.undo(by=cast.ada, transfer=made, rows=[99, failed.row_number])


def test_the_same_undo_is_prepared_once_for_each_person(cast: Cast, made: Transfer) -> None:
    first = actions.undo(by=cast.ada, transfer=made)
    actions.leave_out(by=cast.ada, transfer=first, number=3)
    assert actions.undo(by=cast.ada, transfer=made) == first
    assert actions.undo(by=cast.vera, transfer=made) != first
    one = actions.undo(by=cast.ada, transfer=made, rows=[made.pairs.get(source=cast.ana).row_number])
    first.refresh_from_db()
    assert (first.state, one.state) == (State.DISCARDED, State.DRAFT)


def test_preparing_takes_a_constant_number_of_queries(cast: Cast) -> None:
    counts = []
    for size in (2, 3, 30):  # the first also reads permissions
        users = [agent(cast.support, f"Agent{size} Number{n}") for n in range(2 * size)]
        made = transfer(cast.ada, *zip(users[:size], users[size:], strict=True))
        with CaptureQueriesContext(connection) as captured:
            prepare(cast.ada, made)
        counts.append(len(captured))
    assert counts[1] == counts[2]


# --- Transfers that cannot be undone ---------------------------------------------------------------------------------


def test_an_open_transfer(cast: Cast) -> None:
    running = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)
    sentence, remedy = refused(cast, running)
    assert sentence == f"Transfer {running.number} has not ended yet."
    assert remedy == "Wait until it has ended, or stop it. Then it can be undone."


def test_an_undo(cast: Cast, made: Transfer) -> None:
    undo = mark_undone(cast.ada, made)
    sentence, remedy = refused(cast, undo)
    assert sentence == f"Transfer {undo.number} is an undo, which cannot be undone."
    assert remedy == "Run the transfer again instead."


def test_a_transfer_that_is_undone_already(cast: Cast, made: Transfer) -> None:
    mark_undone(cast.ada, made)
    sentence, remedy = refused(cast, made)
    assert sentence == f"All transferred users of transfer {made.number} have been undone already."
    assert remedy == "No action is needed."


def test_a_transfer_that_is_too_old(cast: Cast, made: Transfer, settings: Settings) -> None:
    settings.UNDO_DAYS = 7
    Transfer.objects.filter(pk=made.pk).update(finished_at=timezone.now() - timedelta(days=9))
    sentence, remedy = refused(cast, made)
    until = timezone.localdate() - timedelta(days=2)
    assert sentence == f"Transfer {made.number} could be undone until {until:%-d %b %Y}."
    assert "transfer in the other direction" in remedy


def test_a_transfer_that_becomes_too_old_before_the_confirmation(cast: Cast, made: Transfer) -> None:
    draft = prepare(cast.ada, made)
    Transfer.objects.filter(pk=made.pk).update(finished_at=timezone.now() - timedelta(days=40))
    with pytest.raises(actions.CannotConfirm, match="could be undone until"):
        confirm(Transfer.objects.get(pk=draft.pk), cast.ada)
    assert [event.transfer_number for event in events("confirmation-refused")] == [draft.number]


def test_an_installation_without_undo(cast: Cast, made: Transfer, settings: Settings) -> None:
    settings.UNDO_DAYS = 0
    sentence, remedy = refused(cast, made)
    assert sentence == "Transfers cannot be undone on this site."
    assert "UNDO_DAYS" in remedy


# --- Pairs that cannot be undone -------------------------------------------------------------------------------------


def test_last_in_first_out(cast: Cast, made: Transfer) -> None:
    """Row 2 cannot be undone before a later transfer of one of its users, in whatever role. Row 3 can."""
    later = transfer(cast.ada, (cast.eli, cast.ana))
    draft = prepare(cast.ada, made)
    assert errors(draft) == {2: ["undo-later-first"]}
    problem = draft.rows.get(number=2).problems[-1]
    assert problem["sentence"] == f"User {cast.ana.pk} took part in transfer {later.number} afterwards."
    assert problem["remedy"] == f"Undo transfer {later.number} first."


def test_the_newest_of_several_later_transfers_is_named(cast: Cast, made: Transfer) -> None:
    transfer(cast.ada, (cast.eli, cast.ana))
    newest = transfer(cast.ada, (cast.bo, cast.eli))
    assert f"transfer {newest.number} " in prepare(cast.ada, made).rows.get(number=2).problems[-1]["sentence"]


def test_a_later_transfer_that_is_undone_or_failed_is_no_obstacle(cast: Cast, made: Transfer) -> None:
    mark_undone(cast.ada, transfer(cast.ada, (cast.bo, cast.eli)))
    failed = transfer(cast.ada, (cast.ana, cast.eli), state=State.FAILED)
    failed.pairs.update(state=PairState.FAILED, code="constraint", reason="A rule.")
    assert errors(prepare(cast.ada, made)) == {}


def test_a_later_transfer_that_the_person_cannot_see_has_no_number(cast: Cast) -> None:
    made = transfer(cast.otto, (cast.ana, cast.bo))
    later = transfer(cast.ada, (cast.bo, cast.eli))
    draft = prepare(cast.otto, made)
    assert errors(draft) == {2: ["undo-hidden-later"]}
    assert str(later.number) not in str(draft.rows.get().problems[-1]["sentence"]).split()


def test_late_arrivals_are_undone_together_with_their_pair(cast: Cast, made: Transfer) -> None:
    late = [transfer(cast.ada, (cast.ana, cast.bo), keeps_target=True).pairs.get() for _ in range(2)]
    undo = confirm(prepare(cast.ada, made), cast.ada)
    own, other = made.pairs.get(source=cast.ana), made.pairs.get(source=cast.cy)
    assert undo.pairs.get(target=cast.ana).undoes == [late[1].pk, late[0].pk, own.pk]
    assert undo.pairs.get(target=cast.cy).undoes == [other.pk]


def test_late_arrivals_whose_journal_was_deleted_cannot_be_undone_any_more(
    cast: Cast, made: Transfer
) -> None:
    late = transfer(cast.ada, (cast.ana, cast.bo), keeps_target=True)
    draft = prepare(cast.ada, made)
    Transfer.objects.filter(pk=late.pk).update(forgotten_at=timezone.now())
    with pytest.raises(actions.CannotConfirm, match=f"Transfer {late.number} can no longer be undone"):
        confirm(draft, cast.ada)


def test_all_undone_transfers_are_locked_when_an_undo_is_confirmed(cast: Cast, made: Transfer) -> None:
    """`forget` waits, and then finds an open undo."""
    late = transfer(cast.ada, (cast.ana, cast.bo), keeps_target=True)
    draft = prepare(cast.ada, made)
    with CaptureQueriesContext(connection) as sent:
        confirm(draft, cast.ada)
    locks = [query["sql"] for query in sent if "FOR UPDATE" in query["sql"]]
    assert any(f'"id" = {made.pk}' in lock and str(late.pairs.get().pk) in lock for lock in locks)


def test_a_large_undo_is_not_compared_again_when_it_is_confirmed(
    cast: Cast, made: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run compares every record, so that the request need not take as long as the undo."""
    monkeypatch.setattr("transfers.planning.background_counts.COUNTED_AT_ONCE", 1)
    draft = prepare(cast.ada, made)
    count_draft(draft.pk)
    hashed = plan_to_show(draft, cast.ada).hash
    monkeypatch.setattr("transfers.planning.undo.plan.predict_undo", None)
    undo = actions.confirm(by=cast.ada, transfer=draft, plan_hash=hashed, typed_count=2)
    assert undo.state == State.QUEUED


def test_an_ordinary_transfer_of_the_same_users_has_to_be_undone_first(cast: Cast, made: Transfer) -> None:
    transfer(cast.ada, (cast.ana, cast.bo))
    assert errors(prepare(cast.ada, made)) == {2: ["undo-later-first"]}


def test_a_pair_that_somebody_else_has_undone_meanwhile(cast: Cast, made: Transfer) -> None:
    draft = prepare(cast.ada, made)
    mark_undone(cast.vera, made, made.pairs.get(source=cast.ana))
    actions.check_again(by=cast.ada, transfer=draft)
    assert errors(draft) == {2: ["already-undone"]}


def test_users_in_an_open_undo_are_busy(cast: Cast, made: Transfer) -> None:
    confirm(prepare(cast.ada, made, made.pairs.get(source=cast.ana)), cast.ada)
    assert errors(prepare(cast.ada, made)) == {2: ["user-busy", "user-busy"]}


def test_two_people_confirm_the_same_undo(cast: Cast, made: Transfer) -> None:
    cast.vera.roles.add(cast.ada.roles.get())
    drafts = [(prepare(by, made), by) for by in (cast.ada, User.objects.get(pk=cast.vera.pk))]
    confirm(*drafts[0])
    with pytest.raises(actions.CannotConfirm):
        confirm(*drafts[1])
    assert Participant.objects.count() == 4


def test_a_data_type_that_is_no_longer_installed(cast: Cast, made: Transfer) -> None:
    made.pairs.filter(source=cast.ana).update(counts={"gone.thing": {"source": 1, "moved": 1}})
    draft = prepare(cast.ada, made)
    assert "undo-not-installed" in errors(draft)[2]
    assert "gone.thing is no longer installed" in str(draft.rows.get(number=2).problems)


def test_users_are_checked_as_for_a_transfer_in_the_other_direction(cast: Cast, made: Transfer) -> None:
    tara = person(cast.abacus, "Tara Tenant", TENANT_ADMINISTRATOR)
    RoleAssignment.objects.create(role=tara.roles.get(), user=cast.ana)
    User.objects.filter(pk=cast.cy.pk).update(is_active=False)
    draft = prepare(cast.ada, made)
    assert errors(draft) == {2: ["tenant-administrator"]}
    assert [problem["code"] for problem in draft.rows.get(number=3).problems] == ["inactive-target"]


def test_users_outside_the_views_of_the_person_are_unknown(cast: Cast) -> None:
    made = transfer(cast.otto, (cast.ana, cast.eli))
    assert errors(prepare(cast.otto, made)) == {2: ["unknown-user"]}


# --- Changed since, and shared rows ----------------------------------------------------------------------------------


def prediction(*, left: int = 0, shared: tuple[int, ...] = (), why: str = "changed") -> Prediction:
    conflicts = tuple(Conflict("quality.ccr", "quality_ccr", f"({n})", 1, why) for n in range(left))
    return Prediction({"quality.ccr": {"returned": 5, "left": left}}, conflicts, shared, True)


def test_records_that_were_changed_are_named_by_type_and_number() -> None:
    ((row, problem),) = check_predicted({2: prediction(left=3)}, {2: (7,)})
    assert (row, problem.code) == (2, "changed-since")
    assert problem.sentence == "Changed since the transfer: CCRs (3)."
    assert "Leave what was changed since as it is" in problem.remedy


def test_shared_records_name_the_rows_that_are_missing(cast: Cast, made: Transfer) -> None:
    own, other = made.pairs.get(source=cast.ana), made.pairs.get(source=cast.cy)
    found = prediction(left=1, shared=(other.pk,), why="shared")
    more_than_kept = found._replace(counts={"quality.ccr": {"left": 101}})
    ((_, problem),) = check_predicted({2: more_than_kept}, {2: (own.pk,)})
    assert problem.code == "undo-shared"
    assert "the users of row 3 " in problem.sentence
    assert "together" in problem.remedy


def test_nothing_is_said_if_nothing_was_changed() -> None:
    assert not list(check_predicted({2: prediction()}, {2: (7,)}))


# --- Choosing --------------------------------------------------------------------------------------------------------


def test_a_row_is_left_out_and_taken_in_again(cast: Cast, made: Transfer) -> None:
    draft = prepare(cast.ada, made)
    assert actions.leave_out(by=cast.ada, transfer=draft, number=2) == 1
    plan = plan_of(draft, cast.ada)
    assert [pair.row_number for pair in plan.pairs] == [3]
    assert actions.take_in(by=cast.ada, transfer=draft, number=2) == 1
    assert len(plan_of(draft, cast.ada).pairs) == 2
    assert len(events("row-cleared", "row-restored")) == 2


def test_all_rows_with_errors_are_left_out(cast: Cast, made: Transfer) -> None:
    transfer(cast.ada, (cast.eli, cast.ana))
    draft = prepare(cast.ada, made)
    assert actions.leave_out(by=cast.ada, transfer=draft) == 1
    assert [pair.row_number for pair in plan_of(draft, cast.ada).pairs] == [3]
    assert plan_of(draft, cast.ada).ready


def test_what_was_changed_since_can_be_left(cast: Cast, made: Transfer) -> None:
    draft = prepare(cast.ada, made)
    before = plan_of(draft, cast.ada).hash
    actions.leave_changed(by=cast.ada, transfer=draft, leaves=True, address="192.0.2.7")
    draft.refresh_from_db()
    assert draft.leaves_changed
    plan = plan_of(draft, cast.ada)
    assert isinstance(plan, UndoPlan)
    assert plan.leaves_changed
    assert plan.hash != before
    assert [event.address for event in events("undo-leaves-changed")] == ["192.0.2.7"]


# --- Confirming ------------------------------------------------------------------------------------------------------


def test_the_pairs_of_a_confirmed_undo(cast: Cast, made: Transfer) -> None:
    undo = confirm(prepare(cast.ada, made), cast.ada)
    assert undo.state == State.QUEUED
    pairs = [(pair.row_number, pair.source_id, pair.target_id, pair.undoes) for pair in undo.pairs.all()]
    first, second = made.pairs.filter(state=PairState.SUCCEEDED)
    assert pairs == [
        (2, cast.bo.pk, cast.ana.pk, [first.pk]),
        (3, cast.di.pk, cast.cy.pk, [second.pk]),
    ]
    (event,) = events("undo-confirmed")
    assert (event.detail("pairs"), event.detail("of_transfer")) == (2, made.number)


def test_several_pairs_need_their_number_and_a_single_pair_does_not(cast: Cast, made: Transfer) -> None:
    draft = prepare(cast.ada, made)
    plan = plan_of(draft, cast.ada)
    with pytest.raises(actions.CannotConfirm, match="You typed 1"):
        actions.confirm(by=cast.ada, transfer=draft, plan_hash=plan.hash, typed_count=1)
    one = prepare(cast.ada, made, made.pairs.get(source=cast.ana))
    plan = plan_of(one, cast.ada)
    assert actions.confirm(by=cast.ada, transfer=one, plan_hash=plan.hash).state == State.QUEUED


def test_nobody_is_selected(cast: Cast, made: Transfer) -> None:
    draft = prepare(cast.ada, made)
    for number in (2, 3):
        actions.leave_out(by=cast.ada, transfer=draft, number=number)
    with pytest.raises(actions.CannotConfirm, match="No users are selected"):
        confirm(draft, cast.ada)


def test_the_permission_to_undo_is_needed(cast: Cast) -> None:
    draft = prepare(cast.otto, transfer(cast.otto, (cast.ana, cast.bo)))
    with pytest.raises(actions.CannotConfirm, match="permission"):
        confirm(draft, cast.otto)


def test_pairs_that_share_rows_are_in_one_chunk(
    cast: Cast, made: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chunks have one pair each, except that rows 2 and 4 share a row."""
    monkeypatch.setattr("transfers.actions.confirming.CHUNK_PAIRS", 1)
    made.pairs.filter(row_number=4).update(state=PairState.SUCCEEDED, code="", reason="")
    pairs = {pair.row_number: pair.pk for pair in made.pairs.all()}
    monkeypatch.setattr(groups, "joint_groups", lambda pks: [{pairs[2], pairs[4], 999}])
    undo = confirm(prepare(cast.ada, made), cast.ada)
    assert dict(undo.pairs.values_list("row_number", "chunk")) == {2: 0, 4: 0, 3: 1}


# --- Between the confirmation and the run ----------------------------------------------------------------------------


def test_the_run_checks_again_whether_a_pair_is_the_last_of_its_users(cast: Cast, made: Transfer) -> None:
    undo = confirm(prepare(cast.ada, made), cast.ada)
    assert refusals(undo, list(undo.pairs.all())) == {}
    transfer(cast.ada, (cast.eli, cast.ana))
    (failure,) = refusals(undo, list(undo.pairs.all())).values()
    assert failure.code == "changed-after-confirmation"
    assert "took part in transfer" in failure.reason


def test_the_run_checks_again_whether_a_pair_is_undone(cast: Cast, made: Transfer) -> None:
    undo = confirm(prepare(cast.ada, made), cast.ada)
    mark_undone(cast.vera, made, made.pairs.get(source=cast.cy))
    found = refusals(undo, list(undo.pairs.all()))
    assert found.keys() == {undo.pairs.get(target=cast.cy).pk}
    assert "already been undone" in str(found)


def test_late_arrivals_that_were_moved_after_the_confirmation(cast: Cast, made: Transfer) -> None:
    undo = confirm(prepare(cast.ada, made), cast.ada)
    transfer(cast.ada, (cast.ana, cast.bo), keeps_target=True)
    assert refusals(undo, list(undo.pairs.all())).keys() == {undo.pairs.get(target=cast.ana).pk}


# --- Retry -----------------------------------------------------------------------------------------------------------


def test_failed_pairs_of_an_undo_are_retried_as_an_undo(cast: Cast, made: Transfer) -> None:
    undo = mark_undone(cast.ada, made, leaves_changed=True)
    failed = undo.pairs.get(target=cast.ana)
    made.pairs.filter(source=cast.ana).update(undone_by=None)
    undo.pairs.filter(pk=failed.pk).update(state=PairState.FAILED, code="locked", reason="Locked.")
    draft = actions.retry(by=cast.ada, transfer=undo)
    assert (draft.kind, draft.undoes, draft.leaves_changed) == (Kind.UNDO, made, True)
    assert rows(draft) == [(2, cast.bo.pk, cast.ana.pk)]
    assert confirm(draft, cast.ada).pairs.get().undoes == [made.pairs.get(source=cast.ana).pk]
