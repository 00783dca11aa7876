"""Undo with the real engine: records, results, audit events, conflicts, retries and later transfers."""

from typing import Any

import pytest

from records.quality.models import CCR
from tests.fixtures import records
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.html import one_line
from tests.fixtures.running import confirm, run, run_bulk
from tests.fixtures.undoing import prepare, run_undo
from tests.transfers.actions.sheets import errors, events
from transfers import actions
from transfers.models import JournalEntry, PairState, State, Transfer, UndoConflict
from transfers.planning.plan import plan_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def before(cast: Cast) -> dict[str, list[Any]]:
    """The records of four users before any transfer."""
    for user in (cast.ana, cast.bo, cast.cy, cast.di):
        records.everything(user, 2)
    return records.snapshot()


@pytest.fixture
def made(cast: Cast, before: dict[str, list[Any]]) -> Transfer:
    return run_bulk(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))


def changed_call(cast: Cast) -> CCR:
    """Change a call that was moved from Ana to Bo: it belongs to Eli now."""
    moved = CCR.objects.filter(agent=cast.bo).earliest("pk")
    CCR.objects.filter(pk=moved.pk).update(agent=cast.eli)
    return moved


def page(cast: Cast, made: Transfer) -> str:
    return one_line(signed_in(cast.ada).get(f"/transfers/{made.number}/").content.decode())


def test_a_transfer_and_its_undo_leave_every_record_as_it_was(
    cast: Cast, made: Transfer, before: dict[str, list[Any]]
) -> None:
    undo = run_undo(cast.ada, made)
    assert undo.state == State.SUCCEEDED
    assert records.snapshot() == before
    undone = dict(made.pairs.values_list("pk", "undone_by"))
    assert undone == {pair.undoes[-1]: pair.pk for pair in undo.pairs.all()}
    assert "Undone" in page(cast, made)
    assert "Undo successful" in page(cast, undo)


def test_the_events_of_an_undo(cast: Cast, made: Transfer) -> None:
    undo = run_undo(cast.ada, made)
    kinds = [event.kind for event in events("undo-confirmed", "undo-started", "pair-undone", "undo-finished")]
    assert kinds == ["undo-confirmed", "undo-started", "pair-undone", "pair-undone", "undo-finished"]
    first = events("pair-undone")[0]
    assert first.transfer_number == undo.number
    assert first.detail("counts") == undo.pairs.get(target=cast.ana).counts
    assert (first.detail("left"), first.detail("left_records")) == (0, [])


def test_the_preview_has_the_numbers_of_the_run(cast: Cast, made: Transfer) -> None:
    draft = prepare(cast.ada, made)
    predicted = {pair.row_number: pair.counts for pair in plan_of(draft, cast.ada).pairs}
    undo = run(confirm(draft, cast.ada))
    assert {pair.row_number: pair.counts for pair in undo.pairs.all()} == predicted


def test_one_of_two_pairs(cast: Cast, made: Transfer) -> None:
    pair = made.pairs.get(source=cast.cy)
    run_undo(cast.ada, made, pair)
    assert records.owned_by(cast.cy)
    assert not records.owned_by(cast.ana)
    assert "Undone in part" in page(cast, made)


def test_a_pair_with_changed_records_is_an_error_in_the_preview(cast: Cast, made: Transfer) -> None:
    changed_call(cast)
    draft = prepare(cast.ada, made)
    assert errors(draft) == {2: ["changed-since"]}
    assert "Changed since the transfer: CCRs (1)." in str(draft.rows.get(number=2).problems)
    assert actions.leave_out(by=cast.ada, transfer=draft) == 1
    undo = run(confirm(draft, cast.ada))
    assert [pair.row_number for pair in undo.pairs.all()] == [3]
    assert records.owned_by(cast.cy)


def test_changed_records_are_left_and_listed(cast: Cast, made: Transfer) -> None:
    call = changed_call(cast)
    undo = run_undo(cast.ada, made, leave_changed=True)
    assert undo.state == State.SUCCEEDED
    assert CCR.objects.get(pk=call.pk).agent == cast.eli
    (left,) = UndoConflict.objects.filter(pair__transfer=undo)
    assert (left.key, left.why) == (f"({call.pk})", "changed")
    assert events("pair-undone")[0].detail("left") == 1
    assert f"({call.pk})" in str(events("pair-undone")[0].detail("left_records"))
    content = page(cast, undo)
    assert f'<td data-label="Record">{call.pk}</td>' in content
    assert f"belongs to user {cast.eli.pk} now" in content


def test_records_that_change_after_the_confirmation_fail_their_pair_alone(cast: Cast, made: Transfer) -> None:
    undo = confirm(prepare(cast.ada, made), cast.ada)
    call = changed_call(cast)
    run(undo)
    assert undo.state == State.FINISHED_WITH_ERRORS
    failed = undo.pairs.get(state=PairState.FAILED)
    assert (failed.target, bool(failed.reason), bool(failed.remedy)) == (cast.ana, True, True)
    assert len(events("pair-not-undone")) == 1
    CCR.objects.filter(pk=call.pk).update(agent=cast.bo)
    assert run(confirm(actions.retry(by=cast.ada, transfer=undo), cast.ada)).state == State.SUCCEEDED
    assert records.owned_by(cast.ana)


def test_a_pair_whose_journal_is_incomplete_is_an_error_in_the_preview(cast: Cast, made: Transfer) -> None:
    lose_entry(made)
    assert errors(prepare(cast.ada, made)) == {2: ["undo-incomplete"]}


def test_a_journal_that_becomes_incomplete_after_the_confirmation_fails_its_pair_alone(
    cast: Cast, made: Transfer
) -> None:
    undo = confirm(prepare(cast.ada, made), cast.ada)
    lose_entry(made)
    run(undo)
    failed = undo.pairs.get(state=PairState.FAILED)
    assert (failed.target, failed.code) == (cast.ana, "journal-incomplete")
    assert records.owned_by(cast.cy)
    assert not records.owned_by(cast.ana)


def lose_entry(made: Transfer) -> None:
    entries = JournalEntry.objects.filter(
        transfer_id=made.pk, pair_id=made.pairs.get(source__username="ana.díaz").pk
    )
    entries.filter(pk=entries.filter(what="moved").earliest("pk").pk).delete()


def test_transfers_on_top_of_each_other_are_undone_in_reverse(
    cast: Cast, made: Transfer, before: dict[str, list[Any]]
) -> None:
    onward = run_bulk(cast.ada, (cast.bo, cast.eli))
    assert errors(prepare(cast.ada, made)) == {2: ["undo-later-first"]}
    run_undo(cast.ada, onward)
    run_undo(cast.ada, made)
    assert records.snapshot() == before


def test_late_arrivals_are_undone_with_their_transfer(cast: Cast, made: Transfer) -> None:
    late = records.call(cast.ana)
    moved = run(confirm(actions.move_late_arrivals(by=cast.ada, transfer=made), cast.ada))
    assert CCR.objects.get(pk=late.pk).agent == cast.bo
    undo = run_undo(cast.ada, made, made.pairs.get(source=cast.ana))
    assert CCR.objects.get(pk=late.pk).agent == cast.ana
    assert moved.pairs.get().undone_by == undo.pairs.get()
    assert f"/transfers/{undo.number}/" in page(cast, moved)


def test_a_stopped_undo_is_resumed_by_a_retry(
    cast: Cast, made: Transfer, before: dict[str, list[Any]]
) -> None:
    undo = confirm(prepare(cast.ada, made), cast.ada)
    actions.stop(by=cast.ada, transfer=undo)
    assert run(undo).state == State.STOPPED
    run(confirm(actions.retry(by=cast.ada, transfer=undo), cast.ada))
    assert records.snapshot() == before


def test_the_transfer_can_be_run_again_and_undone_again(
    cast: Cast, made: Transfer, before: dict[str, list[Any]]
) -> None:
    run_undo(cast.ada, made)
    again = run_bulk(cast.ada, (cast.ana, cast.bo))
    run_undo(cast.ada, again)
    assert records.snapshot() == before
