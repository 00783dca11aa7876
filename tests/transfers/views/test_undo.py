"""The pages of an undo: the button on the page of a transfer, the preview, the confirmation and the result."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from tests.fixtures.cast import Cast, agent, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.undoing import mark_undone, prepare
from tests.transfers.actions.sheets import events
from transfers.models import Kind, PairState, State, Transfer, UndoConflict
from transfers.planning.plan import plan_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]


@pytest.fixture
def made(cast: Cast) -> Transfer:
    return transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))


@pytest.fixture
def ada(cast: Cast) -> Client:
    return signed_in(cast.ada)


def address(name: str, made: Transfer) -> str:
    return reverse(f"transfers:{name}", args=[made.number])


def page(user: User, name: str, made: Transfer, /, **query: Any) -> str:
    response = signed_in(user).get(address(name, made), query)
    assert response.status_code == 200
    return one_line(response.content.decode())


def post(client: Client, name: str, made: Transfer, /, **form: Any) -> HttpResponse:
    return client.post(address(name, made), form, follow=True)


def draft_of(made: Transfer) -> Transfer:
    return Transfer.objects.get(undoes=made, state=State.DRAFT)


# --- The page of the transfer ----------------------------------------------------------------------------------------


def test_the_page_offers_the_undo_and_says_until_when(cast: Cast, made: Transfer, settings: Settings) -> None:
    settings.UNDO_DAYS = 7
    until = timezone.localdate() + timedelta(days=7)
    content = page(cast.ada, "transfer-detail", made)
    assert "Undo this transfer" in content
    assert "Undo selected users" in content
    assert f"It can be undone until {until:%-d %b %Y}" in content


def test_without_the_permission_there_is_only_the_deadline(cast: Cast, made: Transfer) -> None:
    content = page(cast.vera, "transfer-detail", made)
    assert "It can be undone until" in content
    assert "Undo this transfer" not in content
    assert signed_in(cast.vera).post(address("transfer-undo", made)).status_code == 403


def test_after_the_deadline_there_is_no_button(cast: Cast, made: Transfer) -> None:
    Transfer.objects.filter(pk=made.pk).update(finished_at=timezone.now() - timedelta(days=40))
    content = page(cast.ada, "transfer-detail", made)
    assert "It could be undone until" in content
    assert "Undo this transfer" not in content


def test_a_single_transfer_has_no_checkboxes(cast: Cast) -> None:
    content = page(cast.ada, "transfer-detail", transfer(cast.ada, (cast.ana, cast.bo)))
    assert "Undo this transfer" in content
    assert "Undo selected users" not in content
    assert 'name="row"' not in content


def test_the_button_opens_the_preview(cast: Cast, made: Transfer, ada: Client) -> None:
    response = post(ada, "transfer-undo", made)
    assert response.redirect_chain == [(address("undo-preview", draft_of(made)), 302)]
    assert post(ada, "transfer-undo", made).redirect_chain == response.redirect_chain


def test_selected_users_only(cast: Cast, made: Transfer, ada: Client) -> None:
    own = made.pairs.get(source=cast.cy)
    post(ada, "transfer-undo", made, selected="1", row=[own.row_number, "x", "9" * 30])
    assert [row.number for row in draft_of(made).rows.all()] == [3]


def test_nobody_selected(made: Transfer, ada: Client) -> None:
    response = post(ada, "transfer-undo", made, selected="1")
    assert "No users are selected. Select at least one user" in response.content.decode()
    assert not Transfer.objects.filter(kind=Kind.UNDO).exists()


def test_a_transfer_that_cannot_be_undone_says_why(cast: Cast, ada: Client) -> None:
    running = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)
    assert "has not ended yet. Wait until" in post(ada, "transfer-undo", running).content.decode()


def test_undone_pairs_are_marked_and_the_transfers_are_linked(cast: Cast, made: Transfer) -> None:
    undo = mark_undone(cast.ada, made, made.pairs.get(source=cast.ana))
    content = page(cast.ada, "transfer-detail", made, show="all")
    assert "Undone in part" in content
    assert address("transfer-detail", undo) in content
    assert "1 of 1 user undone" in content
    assert "Undo the rest of this transfer" in content
    assert content.count('name="row"') == 1
    assert "Undone in part" in page(cast.ada, "transfer-detail", made)
    back = page(cast.ada, "transfer-detail", undo)
    assert address("transfer-detail", made) in back
    assert f"Transfer {undo.number}: undo of transfer {made.number}" in back
    assert "Undo successful" in back
    assert "Undo this transfer" not in back


def test_the_list_says_what_is_undone(cast: Cast, made: Transfer) -> None:
    client = signed_in(cast.ada)

    def listed() -> str:
        return one_line(client.get(reverse("transfers:transfer-list")).content.decode())

    assert "Undone" not in listed()
    mark_undone(cast.ada, made, made.pairs.get(source=cast.ana))
    assert "Undone in part" in listed()
    mark_undone(cast.ada, made)
    assert "Undone in part" not in listed()
    assert "Undone" in listed()


def test_the_undo_of_a_transfer_that_one_may_not_open_is_not_linked(cast: Cast) -> None:
    """Otto sees the users of the undo, but not all of those of the transfer."""
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.eli))
    undo = mark_undone(cast.ada, made, made.pairs.get(source=cast.ana))
    content = page(cast.otto, "transfer-detail", undo)
    assert f"transfer {made.number}." in content
    assert address("transfer-detail", made) not in content


# --- The preview -----------------------------------------------------------------------------------------------------


def test_the_preview_names_the_users_in_the_direction_of_the_undo(cast: Cast, made: Transfer) -> None:
    content = page(cast.ada, "undo-preview", prepare(cast.ada, made))
    assert f"Undo transfer {made.number}" in content
    assert "Leave what was changed since as it is" in content
    assert content.index("Bo Chen") < content.index("Ana Díaz")


def test_the_numbers_of_what_goes_back_and_what_was_changed(cast: Cast, made: Transfer) -> None:
    draft = prepare(cast.ada, made, leave_changed=True)
    impact = {
        "transferred": 12, "deleted": 0, "restored": 3, "reverted": 0, "stays": 4, "left": 2,
        "shared_with": [], "is_complete": True,
        "conflicts": [["quality.ccr", "quality_ccr", "(18)", 1, "changed"]],
    }  # fmt: skip
    counts = {"quality.ccr": {"returned": 12, "restored": 3, "stays": 4, "left": 2}}
    draft.rows.filter(number=2).update(counts=counts, impact=impact)
    content = page(cast.ada, "undo-preview", draft)
    assert "<strong>12</strong> go back" in content
    assert "<strong>3</strong> to restore" in content
    assert "quality_ccr (18) was changed" in content


def test_leaving_out_and_taking_in(cast: Cast, made: Transfer, ada: Client) -> None:
    draft = prepare(cast.ada, made)
    response = post(ada, "undo-rows", draft, leave_out="2")
    assert "1 left out" in one_line(response.content.decode())
    assert draft.rows.get(number=2).status == "cleared"
    post(ada, "undo-rows", draft, take_in="2")
    assert draft.rows.get(number=2).status != "cleared"


def test_all_users_with_errors_are_left_out(cast: Cast, made: Transfer, ada: Client) -> None:
    later = transfer(cast.ada, (cast.eli, cast.ana))
    draft = prepare(cast.ada, made)
    content = page(cast.ada, "undo-preview", draft)
    assert "1 user has an error" in content
    assert address("transfer-detail", later) in content
    assert 'id="run" disabled' in content
    assert 'id="run" disabled' not in one_line(post(ada, "undo-rows", draft, errors="1").content.decode())


def test_the_box_for_what_was_changed(cast: Cast, made: Transfer, ada: Client) -> None:
    draft = prepare(cast.ada, made)
    for form, expected in (({"leaves": "1"}, True), ({}, False)):
        assert post(ada, "undo-changed", draft, **form).status_code == 200
        draft.refresh_from_db()
        assert draft.leaves_changed is expected
    assert len(events("undo-leaves-changed", "undo-leaves-nothing")) == 2


def test_discarding(cast: Cast, made: Transfer, ada: Client) -> None:
    draft = prepare(cast.ada, made)
    assert "Nothing was undone." in post(ada, "undo-discard", draft).content.decode()
    draft.refresh_from_db()
    assert draft.state == State.DISCARDED


def test_a_preview_that_is_no_longer_a_draft(cast: Cast, made: Transfer, ada: Client) -> None:
    draft = prepare(cast.ada, made)
    post(ada, "undo-discard", draft)
    response = ada.get(address("undo-preview", draft))
    assert response["Location"] == address("transfer-detail", made)
    undo = mark_undone(cast.ada, made)
    assert ada.get(address("undo-preview", undo))["Location"] == address("transfer-detail", undo)


def test_the_preview_of_a_bulk_is_not_that_of_an_undo(cast: Cast, made: Transfer, ada: Client) -> None:
    draft = prepare(cast.ada, made)
    assert ada.get(address("preview", draft)).status_code == 302


def test_the_preview_takes_a_constant_number_of_queries(cast: Cast) -> None:
    counts = []
    for size in (2, 9):
        users = [agent(cast.support, f"Agent{size} Number{n}") for n in range(2 * size)]
        done = transfer(cast.ada, *zip(users[:size], users[size:], strict=True))
        draft, client = prepare(cast.ada, done), signed_in(cast.ada)
        for name, shown in (("undo-preview", draft), ("transfer-detail", done)):
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address(name, shown)).status_code == 200
            counts.append(len(captured))
    assert counts[:2] == counts[2:]


def test_a_large_undo_is_counted_in_the_background(
    cast: Cast, made: Transfer, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transfers.planning.plan.COUNTED_AT_ONCE", 1)
    monkeypatch.setattr("transfers.tasks.ask_to_count", lambda transfer_id: None)
    draft = prepare(cast.ada, made)
    content = page(cast.ada, "undo-preview", draft)
    assert "Counting the records: 0 of 2 pairs" in content
    assert "The records are still being counted." in content
    assert "Counting" not in one_line(post_get(ada, draft).content.decode())


def post_get(client: Client, draft: Transfer) -> HttpResponse:
    return client.get(address("undo-counting", draft), follow=True)


# --- The confirmation ------------------------------------------------------------------------------------------------


def test_several_users_are_confirmed_by_their_number(cast: Cast, made: Transfer, ada: Client) -> None:
    draft = prepare(cast.ada, made)
    content = page(cast.ada, "transfer-confirmation", draft)
    assert f"Undo transfer {made.number} for 2 users?" in content
    assert "Undo for 2 users" in content
    assert 'name="typed_count"' in content
    form = {"plan_hash": plan_of(draft, cast.ada).hash}
    assert "Type the number of users" in post(ada, "transfer-confirmation", draft, **form).content.decode()
    post(ada, "transfer-confirmation", draft, **form, typed_count="2")
    draft.refresh_from_db()
    assert draft.state == State.QUEUED


def test_one_user_is_confirmed_by_a_box(cast: Cast, made: Transfer, ada: Client) -> None:
    draft = prepare(cast.ada, made, made.pairs.get(source=cast.ana))
    content = page(cast.ada, "transfer-confirmation", draft)
    assert "I have checked what goes back" in content
    form = {"plan_hash": plan_of(draft, cast.ada).hash, "checked": "on"}
    response = post(ada, "transfer-confirmation", draft, **form)
    assert response.redirect_chain == [(address("transfer-detail", draft), 302)]


def test_the_page_of_a_queued_undo(cast: Cast, made: Transfer, ada: Client) -> None:
    draft = prepare(cast.ada, made)
    form = {"plan_hash": plan_of(draft, cast.ada).hash, "typed_count": "2"}
    content = one_line(post(ada, "transfer-confirmation", draft, **form).content.decode())
    assert f"Transfer {draft.number}: undo of transfer {made.number}" in content
    assert "Stop after the current users" in content
    assert "0 of 2 users undone" in page(cast.ada, "transfer-detail", made)
    post(ada, "transfer-stop", draft)
    draft.refresh_from_db()
    assert draft.state == State.STOPPED
    stopped = page(cast.ada, "transfer-detail", draft)
    assert "User IDs that were not undone" in stopped
    assert "Retry failed undos" in stopped
    assert "retry.csv" not in stopped


# --- The result ------------------------------------------------------------------------------------------------------


def test_records_that_were_left_are_listed_and_in_the_csv(cast: Cast, made: Transfer, ada: Client) -> None:
    undo = mark_undone(cast.ada, made, leaves_changed=True)
    UndoConflict.objects.create(
        pair=undo.pairs.get(target=cast.ana),
        data_type="quality.ccr",
        table="quality_ccr",
        key="(18)",
        why="deleted",
    )
    content = page(cast.ada, "transfer-detail", undo)
    assert "Records that were left as they are" in content
    assert "quality_ccr (18)" in content
    assert "was deleted" in content
    csv = b"".join(ada.get(address("undo-left", undo)).streaming_content).decode()
    assert "quality_ccr,(18),was deleted" in csv
    assert f"{undo.number},2,{cast.bo.pk},Bo Chen,{cast.ana.pk},Ana Díaz,Undone" in csv


def test_the_log_has_the_numbers_of_the_undo(cast: Cast, made: Transfer, ada: Client) -> None:
    undo = mark_undone(cast.ada, made)
    undo.pairs.filter(target=cast.ana).update(counts={"quality.ccr": {"returned": 12, "left": 2, "stays": 4}})
    lines = b"".join(ada.get(address("transfer-log", undo)).streaming_content).decode().splitlines()
    assert "given back" in lines[0]
    assert "12,0,0,2,4" in lines[1]


def test_a_failed_pair_of_an_undo(cast: Cast, made: Transfer) -> None:
    undo = mark_undone(cast.ada, made)
    undo.pairs.filter(target=cast.ana).update(
        state=PairState.FAILED, code="changed-since", reason="2 records."
    )
    Transfer.objects.filter(pk=undo.pk).update(state=State.FINISHED_WITH_ERRORS)
    content = page(cast.ada, "transfer-detail", undo)
    assert "Errors occurred during the undo. The user IDs listed below were not undone." in content
    assert "Not undone" in content
    assert "2 records." in content


def test_the_late_arrivals_of_an_undo_are_not_moved(cast: Cast, made: Transfer, ada: Client) -> None:
    undo = mark_undone(cast.ada, made)
    assert "Late arrivals" not in page(cast.ada, "transfer-detail", undo)
