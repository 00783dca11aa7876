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
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.managers import boss
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
    assert f"You can undo it until {until:%-d %b %Y}." in content


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
        content = one_line(client.get(reverse("transfers:transfer-list")).content.decode())
        return content.split('id="list"')[1]  # after the filter, whose choices have the same words

    assert "Undone" not in listed()
    mark_undone(cast.ada, made, made.pairs.get(source=cast.ana))
    assert "Undone in part" in listed()
    mark_undone(cast.ada, made)
    assert "Undone in part" not in listed()
    assert "Undone" in listed()


def test_the_page_of_a_user_says_what_is_undone(cast: Cast, made: Transfer) -> None:
    mark_undone(cast.ada, made, made.pairs.get(source=cast.ana))
    mark_undone(cast.ada, transfer(cast.ada, (cast.eli, cast.ana)))
    tess = boss(cast)
    transfers = page_of_user(tess, cast.ana)
    assert transfers.count(" Undone ") == 2
    assert "Transferred" not in transfers
    assert "Transferred" in page_of_user(tess, cast.cy)


def page_of_user(by: User, user: User) -> str:
    response = signed_in(by).get(reverse("accounts:user-edit", args=[user.pk]))
    return one_line(response.content.decode()).split('id="transfers-title"')[1]


def test_the_undo_of_a_transfer_that_one_may_not_open_is_not_linked(cast: Cast) -> None:
    """Otto sees the users of the undo, but not all of those of the transfer."""
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.eli))
    undo = mark_undone(cast.ada, made, made.pairs.get(source=cast.ana))
    content = page(cast.otto, "transfer-detail", undo)
    assert f"transfer {made.number}." in content
    assert address("transfer-detail", made) not in content


def test_an_undone_transfer_is_not_called_successful(cast: Cast, made: Transfer) -> None:
    undo = mark_undone(cast.ada, made)
    undo.pairs.filter(target=cast.ana).update(counts={"quality.ccr": {"returned": 12, "left": 3}})
    content = page(cast.ada, "transfer-detail", made)
    assert "Data Transfer Successful" not in content
    assert "<h2>Undone</h2>" in content
    assert "2 of 2 users undone · 3 records left as they are." in content
    assert "Succeeded" not in content.split('id="outcome"')[0]
    assert f"<title>Undone: {made.name} " in content


def test_a_single_transfer_is_told_in_the_past_tense(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    assert "data moved to" in page(cast.ada, "transfer-detail", made)
    made.pairs.update(state=PairState.FAILED, code="locked", reason="Locked.")
    assert "data was not moved to" in page(cast.ada, "transfer-detail", made)
    Transfer.objects.filter(pk=made.pk).update(state=State.RUNNING, finished_at=None)
    made.pairs.update(state=PairState.PENDING, code="", reason="")
    assert "data moves to" in page(cast.ada, "transfer-detail", made)


@pytest.mark.parametrize("done", ["undone", "undone in part", "succeeded"])
def test_the_list_can_be_filtered_by_what_is_undone(cast: Cast, made: Transfer, done: str) -> None:
    part = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    mark_undone(cast.ada, part, part.pairs.get(source=cast.ana))
    mark_undone(cast.ada, made)
    response = signed_in(cast.ada).get(reverse("transfers:transfer-list"), {"state": done})
    shown = {entry.transfer.pk for entry in response.context["entries"]} & {made.pk, part.pk}
    assert shown == {"undone": {made.pk}, "undone in part": {part.pk}, "succeeded": {made.pk, part.pk}}[done]


def test_the_numbers_of_a_transfer_add_up_with_those_of_its_undo(cast: Cast, made: Transfer) -> None:
    """Restored is what was merged, dropped and deleted, with its child records."""
    moved = {"source": 15, "target": 4, "moved": 12, "merged": 2, "dropped": 1, "replaced": 4}
    moved |= {"children": 6, "replaced_children": 5}
    made.pairs.filter(source=cast.ana).update(counts={"quality.ccr": moved})
    content = page(cast.ada, "transfer-detail", made)
    assert "12 records moved · 2 merged · 1 dropped" in content
    assert "9 records of the Target Users deleted (5 of them child records)" in content
    assert "· 1 child record of merged or dropped records deleted" in content
    assert "12 moved · 2 merged ·" in content.split('id="counts"')[1]
    undo = mark_undone(cast.ada, made)
    back = {"returned": 12, "restored": 7, "children": 6, "reverted": 2}
    undo.pairs.filter(target=cast.ana).update(counts={"quality.ccr": back})
    content = page(cast.ada, "transfer-detail", undo)
    assert "12 records given back · 13 restored (6 of them child records) · 2 changed back" in content
    assert '<th scope="col" class="num">Changed back</th>' in content
    assert "the transfer changed without moving them" in content


def test_selected_users_are_undone_where_they_are_listed(cast: Cast, made: Transfer) -> None:
    users = page(cast.ada, "transfer-detail", made).split('<details class="fold" open>')[1]
    assert users.count('name="row"') == 2
    assert 'id="undo-selected"' in users
    assert '<details class="fold" open>' not in page(cast.vera, "transfer-detail", made)


def test_a_running_undo_is_called_one(cast: Cast, made: Transfer) -> None:
    undo = mark_undone(cast.ada, made)
    Transfer.objects.filter(pk=undo.pk).update(state=State.QUEUED, finished_at=None)
    content = page(cast.ada, "transfer-detail", undo)
    assert "The undo goes on." in content
    assert "This undo is queued" in content


def test_why_there_is_nothing_to_undo(cast: Cast, made: Transfer, ada: Client) -> None:
    mark_undone(cast.ada, made)
    said = post(ada, "transfer-undo", made).content.decode()
    assert f"All transferred users of transfer {made.number} have been undone already." in said
    failed = transfer(cast.ada, (cast.ana, cast.bo), state=State.FAILED)
    failed.pairs.update(state=PairState.FAILED, code="locked", reason="Locked.")
    assert (
        f"Transfer {failed.number} transferred no users."
        in post(ada, "transfer-undo", failed).content.decode()
    )


# --- The preview -----------------------------------------------------------------------------------------------------


def test_the_pages_of_an_undo_belong_to_transfers(cast: Cast, made: Transfer) -> None:
    draft = prepare(cast.ada, made)
    for name in ("undo-preview", "transfer-confirmation"):
        content = page(cast.ada, name, draft)
        assert '<a href="/transfers/" aria-current="true">Transfers</a>' in content
        assert content.count('aria-current="true"') == 2  # in the bar and in the menu of narrow screens
        assert f'<a href="/transfers/{made.number}/">Transfer {made.number}</a>' in content


def test_a_single_undo_has_neither_rows_nor_anyone_to_leave_out(cast: Cast) -> None:
    draft = prepare(cast.ada, transfer(cast.ada, (cast.ana, cast.bo)))
    content = page(cast.ada, "undo-preview", draft)
    assert "Row" not in content
    assert "Leave out" not in content
    assert "Row" not in page(cast.ada, "transfer-confirmation", draft)


def test_the_box_says_what_counts_as_changed(cast: Cast, made: Transfer) -> None:
    content = page(cast.ada, "undo-preview", prepare(cast.ada, made))
    assert "given to another user, were deleted, or have other values in what was transferred" in content
    assert "Changes of other columns do not count: they go back with the record." in content
    assert "Count again" in content.split('id="numbers"')[0]


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
    assert "CCRs 18: was changed" in content


def test_leaving_out_and_taking_in(cast: Cast, made: Transfer, ada: Client) -> None:
    draft = prepare(cast.ada, made)
    response = post(ada, "undo-rows", draft, leave_out="2")
    assert "1 left out" in one_line(response.content.decode())
    assert draft.rows.get(number=2).status == "cleared"
    shown = one_line(response.content.decode())
    assert shown.index('id="row-2"') < shown.index('id="row-3"')
    assert "Take back in" in shown
    assert response.redirect_chain[0][0].endswith("#row-2")
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
    assert "Counting the records" not in one_line(post_get(ada, draft).content.decode())


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
    assert '<td data-label="Record">18</td>' in content
    assert "was deleted since" in content
    csv = b"".join(ada.get(address("undo-left", undo)).streaming_content).decode()
    assert "quality_ccr,18,was deleted since" in csv
    assert f"{undo.number},2,{cast.bo.pk},Bo Chen,{cast.ana.pk},Ana Díaz,Undone" in csv


def test_a_left_record_says_whose_it_is_now(cast: Cast, made: Transfer) -> None:
    undo = mark_undone(cast.ada, made, leaves_changed=True)
    own = undo.pairs.get(target=cast.ana)
    kept, given = (records.call(user) for user in (cast.bo, cast.cy))
    for number in (kept.pk, given.pk):
        UndoConflict.objects.create(
            pair=own, data_type="quality.ccr", table="quality_ccr", key=f"({number})", why="changed"
        )
    content = page(cast.ada, "transfer-detail", undo)
    assert f"belongs to user {cast.cy.pk} now" in content
    assert "was changed" in content


def test_a_user_out_of_view_is_not_named_as_the_one_whose_it_is_now(cast: Cast, made: Transfer) -> None:
    undo = mark_undone(cast.otto, made, leaves_changed=True)
    given = records.call(cast.eli)
    UndoConflict.objects.create(
        pair=undo.pairs.get(target=cast.ana),
        data_type="quality.ccr",
        table="quality_ccr",
        key=f"({given.pk})",
        why="changed",
    )
    assert f"belongs to user {cast.eli.pk} now" in page(cast.ada, "transfer-detail", undo)
    content = page(cast.otto, "transfer-detail", undo)
    assert "was changed" in content
    assert "belongs to user" not in content


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
