"""Each change to a draft checks the whole file again. A confirmed transfer cannot be changed."""

from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.fixtures import records
from tests.fixtures.cast import Cast, agent, transfer
from tests.fixtures.running import confirm
from tests.transfers.actions.sheets import about_file, as_stored, errors, events, kinds, line, row, send
from transfers import actions
from transfers.models import DraftRow, Participant, State, Transfer
from transfers.planning import counts
from transfers.planning.plan import plan_of

pytestmark = pytest.mark.django_db
CHANGES = ("row-changed", "row-cleared", "direction-swapped", "draft-discarded")


def fix(cast: Cast, draft: Transfer, number: int, **cells: str) -> None:
    actions.fix_row(by=cast.ada, transfer=draft, number=number, **cells)


# --- One row ---------------------------------------------------------------------------------------------------------


def test_a_fixed_row_is_checked_again(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, "7000777"))
    fix(cast, draft, 2, to_text=str(cast.bo.pk))
    assert errors(draft) == {}
    assert (row(draft, 2).to_id, row(draft, 2).status) == (cast.bo.pk, DraftRow.Status.WARNING)
    fix(cast, draft, 2, to_text="1,234")
    assert errors(draft) == {2: ["id-thousands-mark"]}
    (event, _) = events("row-changed")
    assert (event.detail("row"), event.detail("to_text")) == (2, str(cast.bo.pk))


def test_a_fix_in_one_row_clears_the_error_of_another(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo), line(cast.cy, cast.bo))
    assert list(errors(draft)) == [2, 3]
    fix(cast, draft, 3, to_text=str(cast.di.pk))
    assert errors(draft) == {}


def test_a_fix_in_one_row_can_cause_an_error_in_another(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo), line(cast.cy, cast.di))
    fix(cast, draft, 3, to_text=str(cast.di.pk), from_text=str(cast.bo.pk))
    assert errors(draft) == {2: ["chain"], 3: ["chain"]}


def test_an_emptied_target_is_an_error(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo))
    fix(cast, draft, 2, to_text=" ")
    assert errors(draft) == {2: ["no-to-user-id"]}


def test_only_the_changed_pair_is_counted_again(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo), line(cast.cy, "7000777"))
    with patch.object(counts, "predict", wraps=counts.predict) as predict:
        fix(cast, draft, 3, to_text=str(cast.di.pk))
    assert [(pair.source_id, pair.target_id) for pair in predict.call_args.args[0]] == [
        (cast.cy.pk, cast.di.pk)
    ]


def test_a_fixed_row_is_counted_for_its_new_pair(cast: Cast) -> None:
    records.schedule(cast.ana, 1)
    records.schedule(cast.bo, 1, activities=3)
    draft = send(cast.ada, line(cast.ana, cast.bo))
    assert row(draft, 2).impact == {"transferred": 1, "deleted": 4}
    fix(cast, draft, 2, to_text=str(cast.cy.pk))
    assert row(draft, 2).impact == {"transferred": 1, "deleted": 0}


def test_stored_counts_are_recounted_for_the_confirmation(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo), line(cast.cy, "7000777"))
    records.call(cast.ana)
    fix(cast, draft, 3, to_text=str(cast.di.pk))
    assert row(draft, 2).counts == {}
    assert plan_of(draft, cast.ada).totals.source == 1


def test_the_name_in_the_file_is_compared_until_the_id_changes(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo, cast.cy))
    fix(cast, draft, 2, to_text=str(cast.di.pk))
    assert errors(draft) == {2: ["name-of-another-user"]}
    fix(cast, draft, 2, to_text=str(cast.di.pk), from_text=str(cast.ana.pk))
    assert errors(draft) == {2: ["name-of-another-user"]}
    fix(cast, draft, 2, to_text=str(cast.di.pk), from_text=str(cast.bo.pk))
    assert errors(draft) == {}


# --- Clearing --------------------------------------------------------------------------------------------------------


def test_a_cleared_row_is_not_selected_and_blocks_no_other(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo), line(cast.cy, cast.bo))
    actions.clear_row(by=cast.ada, transfer=draft, number=3)
    assert errors(draft) == {}
    assert row(draft, 3).status == DraftRow.Status.CLEARED
    assert [pair.row_number for pair in plan_of(draft, cast.ada).pairs] == [2]


def test_clearing_twice_is_clearing_once(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo))
    for _ in range(2):
        actions.clear_row(by=cast.ada, transfer=draft, number=2)
    assert kinds(events(*CHANGES)) == ["row-cleared"]
    assert about_file(draft) == ["no-users-selected"]


def test_a_fix_selects_a_cleared_row_again(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo))
    actions.clear_row(by=cast.ada, transfer=draft, number=2)
    fix(cast, draft, 2, to_text=str(cast.bo.pk))
    assert plan_of(draft, cast.ada).ready


# --- Swapping --------------------------------------------------------------------------------------------------------


def test_swapping_the_direction_swaps_every_row(cast: Cast) -> None:
    records.call(cast.bo)
    draft = send(cast.ada, line(cast.ana, cast.bo, cast.ana), line(cast.cy, cast.di))
    actions.swap_direction(by=cast.ada, transfer=draft)
    assert [(stored.from_id, stored.to_id) for stored in draft.rows.all()] == [
        (cast.bo.pk, cast.ana.pk),
        (cast.di.pk, cast.cy.pk),
    ]
    assert row(draft, 2).counts == {"quality.ccr": {"source": 1, "moved": 1}}
    assert errors(draft) == {}


def test_swapping_twice_restores_the_draft(cast: Cast) -> None:
    draft = send(
        cast.ada,
        line(cast.ana, cast.bo, cast.ana),
        line(cast.cy, cast.di, cast.ana),  # another user's name
        line("1.9E+01", "x"),
        line("00019", "1,234"),
        f"{cast.eli.pk},{cast.nina.pk},E,S,more",  # more cells than the header
        line("", cast.vera),
        line(f"1\x00{cast.ana.pk}", cast.vera),
        line(cast.otto, cast.otto),
    )
    actions.clear_row(by=cast.ada, transfer=draft, number=2)
    before = as_stored(draft)
    actions.swap_direction(by=cast.ada, transfer=draft)
    assert as_stored(draft) != before
    actions.swap_direction(by=cast.ada, transfer=draft)
    assert as_stored(draft) == before


def test_swapping_does_not_resolve_a_problem_of_the_row(cast: Cast) -> None:
    """A row with too many cells keeps its error: an unquoted 1,234 is read as two cells, which may both be user IDs."""
    draft = send(cast.ada, f"{cast.ana.pk},{cast.bo.pk},Ana,Díaz,more", line(cast.cy, cast.di, cast.bo))
    assert errors(draft) == {2: ["long-row"], 3: ["name-of-another-user"]}
    actions.swap_direction(by=cast.ada, transfer=draft)
    assert errors(draft) == {2: ["long-row"], 3: ["name-of-another-user"]}


def test_the_name_follows_its_user_to_the_other_column(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo, cast.ana))
    actions.swap_direction(by=cast.ada, transfer=draft)
    fix(cast, draft, 2, to_text=str(cast.ana.pk), from_text=str(cast.cy.pk))
    assert row(draft, 2).first_name == "Ana"
    fix(cast, draft, 2, to_text=str(cast.di.pk))
    assert (row(draft, 2).first_name, errors(draft)) == ("", {})


def test_swapping_200_rows_needs_as_many_queries_as_5(cast: Cast) -> None:
    numbers = []
    for count in (5, 200):
        sheet = [f"{10**6 + n},x{n}" for n in range(count)]
        draft = send(cast.ada, *sheet)
        with CaptureQueriesContext(connection) as captured:
            actions.swap_direction(by=cast.ada, transfer=draft)
        numbers.append(len(captured))
    assert numbers[0] == numbers[1]


# --- Checking again, and discarding ----------------------------------------------------------------------------------


def test_checking_again_notices_that_users_are_free(cast: Cast) -> None:
    running = transfer(cast.ada, (cast.ana, cast.eli), state=State.RUNNING)
    Participant.objects.create(user=cast.ana, transfer=running)
    draft = send(cast.ada, line(cast.ana, cast.bo))
    assert errors(draft) == {2: ["user-busy"]}
    Participant.objects.all().delete()
    actions.check_again(by=cast.ada, transfer=draft)
    assert errors(draft) == {}


def test_a_discarded_draft_keeps_no_rows(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo))
    for _ in range(2):
        actions.discard(by=cast.ada, transfer=draft)
    draft.refresh_from_db()
    assert (draft.state, draft.rows.count()) == (State.DISCARDED, 0)
    assert draft.finished_at is not None
    assert kinds(events(*CHANGES)) == ["draft-discarded"]


# --- Too late --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["confirmed", "discarded"])
def test_a_draft_that_ended_in_the_meantime_does_not_change(cast: Cast, end: str) -> None:
    """The actions are called with a draft object that was loaded before the draft was confirmed or discarded."""
    draft = send(cast.ada, line(cast.ana, cast.bo), line(cast.cy, cast.di))
    if end == "confirmed":
        confirm(draft, cast.ada)
    else:
        actions.discard(by=cast.ada, transfer=draft)
    before, recorded = as_stored(draft), len(events(*CHANGES))
    fix(cast, draft, 2, to_text=str(agent(cast.support, "New One").pk))
    actions.clear_row(by=cast.ada, transfer=draft, number=2)
    actions.swap_direction(by=cast.ada, transfer=draft)
    actions.check_again(by=cast.ada, transfer=draft)
    if end == "confirmed":
        actions.discard(by=cast.ada, transfer=draft)
    assert as_stored(draft) == before
    assert len(events(*CHANGES)) == recorded
    assert Transfer.objects.get(pk=draft.pk).state == (
        State.QUEUED if end == "confirmed" else State.DISCARDED
    )


def test_every_change_raises_the_version(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo))
    fix(cast, draft, 2, to_text=str(cast.cy.pk))
    actions.swap_direction(by=cast.ada, transfer=draft)
    draft.refresh_from_db()
    assert draft.version == 3
