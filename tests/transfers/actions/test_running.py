"""Stop a transfer, and retry the pairs that were not transferred."""

from unittest.mock import patch

import pytest

from accounts.models import User
from tests.fixtures.cast import Cast, add_pair, transfer
from tests.fixtures.running import confirm, run, run_bulk, run_single, upload
from tests.transfers.actions.sheets import errors, events, kinds
from transfers import actions
from transfers.models import Kind, PairState, Participant, State, Transfer
from transfers.planning.plan import plan_of

pytestmark = pytest.mark.django_db


def queued(cast: Cast) -> Transfer:
    return confirm(upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di)), cast.ada)


def states(made: Transfer) -> list[str]:
    return list(made.pairs.values_list("state", flat=True))


# --- Stop ------------------------------------------------------------------------------------------------------------


def test_a_transfer_that_has_not_started_stops_at_once(cast: Cast) -> None:
    made = queued(cast)
    actions.stop(by=cast.ada, transfer=made, address="192.0.2.7")
    made.refresh_from_db()
    assert made.state == State.STOPPED
    assert None not in (made.stop_requested_at, made.finished_at)
    assert states(made) == [PairState.NOT_STARTED] * 2
    assert not Participant.objects.exists()
    asked, ended = events("stop-requested", "transfer-finished")
    assert (asked.actor_id, asked.address, asked.transfer_number) == (cast.ada.pk, "192.0.2.7", made.number)
    assert (ended.detail("state"), ended.detail("not_started")) == ("Stopped", 2)


def test_its_users_are_free_for_another_transfer(cast: Cast) -> None:
    actions.stop(by=cast.ada, transfer=queued(cast))
    assert run_bulk(cast.ada, (cast.ana, cast.bo)).state == State.SUCCEEDED


def test_stopping_twice_stops_once(cast: Cast) -> None:
    made = queued(cast)
    for _ in range(2):
        actions.stop(by=cast.ada, transfer=made)
    assert kinds(events("stop-requested", "transfer-finished")) == ["stop-requested", "transfer-finished"]


def test_a_repeated_stop_request_is_recorded_once(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)
    with patch("transfers.actions.running.finish_if_done"):
        for _ in range(2):
            actions.stop(by=cast.ada, transfer=made)
    assert kinds(events("stop-requested")) == ["stop-requested"]


def test_a_worker_after_the_stop_has_nothing_to_do(cast: Cast) -> None:
    made = queued(cast)
    actions.stop(by=cast.ada, transfer=made)
    assert run(made).state == State.STOPPED
    assert states(made) == [PairState.NOT_STARTED] * 2


def test_transferred_pairs_stay_transferred(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), state=State.RUNNING)
    made.pairs.filter(source=cast.ana).update(state=PairState.SUCCEEDED)
    actions.stop(by=cast.ada, transfer=made)
    assert states(made) == [PairState.SUCCEEDED, PairState.NOT_STARTED]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.STOPPED])
def test_a_transfer_that_has_ended_cannot_be_stopped(cast: Cast, state: State) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), state=state)
    actions.stop(by=cast.ada, transfer=made)
    made.refresh_from_db()
    assert (made.state, made.stop_requested_at, events("stop-requested")) == (state, None, [])


def test_a_draft_cannot_be_stopped(cast: Cast) -> None:
    draft = upload(cast.ada, (cast.ana, cast.bo))
    actions.stop(by=cast.ada, transfer=draft)
    draft.refresh_from_db()
    assert (draft.state, draft.stop_requested_at) == (State.DRAFT, None)


# --- Retry -----------------------------------------------------------------------------------------------------------


def ended_with_errors(cast: Cast) -> Transfer:
    """Create a stopped transfer in which row 2 succeeded, row 3 failed and row 4 was not started."""
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.STOPPED)
    add_pair(made, 3, cast.cy, cast.di, state=PairState.FAILED, code="constraint", reason="A rule.")
    add_pair(made, 4, cast.eli, cast.nina, state=PairState.NOT_STARTED)
    return made


def test_a_retry_has_exactly_the_untransferred_pairs(cast: Cast) -> None:
    made = ended_with_errors(cast)
    draft = actions.retry(by=cast.ada, transfer=made, address="192.0.2.7")
    assert (draft.kind, draft.state, draft.requested_by) == (Kind.BULK, State.DRAFT, cast.ada)
    assert draft.file_summary["retry_of"] == made.number
    rows = [(row.number, row.from_id, row.to_id, row.status) for row in draft.rows.all()]
    assert rows == [(3, cast.cy.pk, cast.di.pk, "warning"), (4, cast.eli.pk, cast.nina.pk, "warning")]
    assert plan_of(draft, cast.ada).ready
    (event,) = events("retry-prepared")
    assert (event.transfer_number, event.detail("pairs"), event.detail("of_transfer")) == (
        draft.number,
        2,
        made.number,
    )


def test_a_retry_can_be_edited_and_run(cast: Cast) -> None:
    draft = actions.retry(by=cast.ada, transfer=ended_with_errors(cast))
    actions.clear_row(by=cast.ada, transfer=draft, number=4)
    actions.fix_row(by=cast.ada, transfer=draft, number=3, to_text=str(cast.vera.pk))
    assert draft.file_summary["retry_of"]
    assert run(confirm(draft, cast.ada)).state == State.SUCCEEDED


def test_a_retry_is_checked_for_the_person_who_retries(cast: Cast) -> None:
    draft = actions.retry(by=cast.otto, transfer=ended_with_errors(cast))
    assert errors(draft) == {4: ["unknown-user", "unknown-user"]}


def test_retrying_twice_makes_one_draft(cast: Cast) -> None:
    made = ended_with_errors(cast)
    first = actions.retry(by=cast.ada, transfer=made)
    assert actions.retry(by=cast.ada, transfer=made) == first
    assert actions.retry(by=cast.vera, transfer=made) != first
    actions.discard(by=cast.ada, transfer=first)
    assert actions.retry(by=cast.ada, transfer=made) not in (first, made)


def test_a_single_transfer_is_retried_as_a_single_transfer(cast: Cast) -> None:
    made = transfer(cast.otto, (cast.ana, cast.bo), state=State.FAILED)
    made.pairs.update(state=PairState.FAILED, code="constraint", reason="A rule.")
    draft = actions.retry(by=cast.otto, transfer=made)
    assert (draft.kind, draft.rows.get().from_id) == (Kind.SINGLE, cast.ana.pk)


def test_without_anything_to_retry_the_transfer_is_returned(cast: Cast) -> None:
    """The person is sent to the transfer's page, which says that the transfer succeeded or is still running."""
    done = run_single(cast.otto, cast.ana, cast.bo)
    running = transfer(cast.ada, (cast.cy, cast.di), state=State.RUNNING)
    running.pairs.update(state=PairState.FAILED, code="constraint", reason="A rule.")
    for made in (done, running):
        assert actions.retry(by=cast.otto, transfer=made) == made
    assert not Transfer.objects.filter(state=State.DRAFT).exists()
    assert events("retry-prepared") == []


def test_a_retry_checks_users_as_they_are_now(cast: Cast) -> None:
    made = ended_with_errors(cast)
    User.objects.filter(pk=cast.cy.pk).update(tenant=cast.foreign, team=None)
    assert errors(actions.retry(by=cast.ada, transfer=made)) == {3: ["unknown-user"]}
