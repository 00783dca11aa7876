"""A pair that was undone counts as not transferred, and an undo is no transfer from the target to the source."""

import pytest
from django.test import Client
from django.utils import timezone

from tests.fixtures import records
from tests.fixtures.cast import Cast, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.running import run_single
from tests.fixtures.undos import undo_of
from transfers import actions
from transfers.engine.completion import finish_if_done
from transfers.models import Kind, PairState, State, Transfer, UndoConflict
from transfers.planning.plan import make_plan, plan_of
from transfers.results.exports import log_table
from transfers.results.late_arrivals import count_late, due, find_late
from transfers.results.undo import records_in_words
from transfers.validation import CandidateRow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]


@pytest.fixture
def done(cast: Cast) -> Transfer:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    made.pairs.update(finished_at=timezone.now())
    return made


def codes(cast: Cast, source: int, target: int) -> set[str]:
    plan = make_plan(cast.ada, [CandidateRow(2, source, target)])
    return {problem.code for problem in (*plan.errors, *plan.warnings)}


# --- Earlier transfers -----------------------------------------------------------------------------------------------


def test_a_pair_that_was_undone_was_not_transferred_before(cast: Cast, done: Transfer) -> None:
    assert "transferred-before" in codes(cast, cast.ana.pk, cast.bo.pk)
    undo_of(done)
    assert "transferred-before" not in codes(cast, cast.ana.pk, cast.bo.pk)
    assert "transferred-before" not in codes(cast, cast.bo.pk, cast.ana.pk)


def test_the_data_of_a_source_whose_transfer_was_undone_is_its_own_again(cast: Cast, done: Transfer) -> None:
    assert "target-was-source" in codes(cast, cast.cy.pk, cast.ana.pk)
    undo_of(done)
    assert "target-was-source" not in codes(cast, cast.cy.pk, cast.ana.pk)
    assert "target-was-source" not in codes(cast, cast.cy.pk, cast.bo.pk)


# --- Late arrivals ---------------------------------------------------------------------------------------------------


def test_a_pair_that_was_undone_has_no_late_arrivals_and_neither_has_the_undo(cast: Cast) -> None:
    done = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    for user in (cast.ana, cast.bo, cast.cy):
        records.call(user)
    assert len(find_late(done)) == 2
    undo = undo_of(done, number=1)
    (late,) = find_late(done)
    assert done.pairs.get(pk=late).source == cast.cy
    assert find_late(undo) == {}
    assert due(9) == [done.pk]


def test_if_the_later_transfer_was_undone_its_source_has_late_arrivals_of_the_earlier_one(
    cast: Cast, done: Transfer
) -> None:
    records.call(cast.ana)
    later = transfer(cast.ada, (cast.ana, cast.cy))
    assert find_late(done) == {}
    undo_of(later)
    assert len(find_late(done)) == 1


def test_late_arrivals_prepared_before_the_undo_are_refused(cast: Cast) -> None:
    records.call(cast.ana)
    done = run_single(cast.ada, cast.ana, cast.bo)
    records.call(cast.ana)
    draft = actions.move_late_arrivals(by=cast.ada, transfer=done)
    assert plan_of(draft, cast.ada).ready
    undo_of(done)
    (problem,) = plan_of(draft, cast.ada).errors
    assert problem.code == "undone-since"


def test_when_an_undo_ends_the_late_arrivals_are_counted_again(cast: Cast, done: Transfer) -> None:
    records.call(cast.ana)
    count_late(done.pk)
    undo = undo_of(done, State.RUNNING)
    undo.pairs.update(state=PairState.SUCCEEDED)
    assert finish_if_done(undo.pk)
    done.refresh_from_db()
    assert (done.late_rows, done.late_counted_at) == ({}, None)


def test_the_page_of_an_undo_has_no_part_about_late_arrivals(cast: Cast, done: Transfer) -> None:
    records.call(cast.ana)
    count_late(done.pk)
    undo = undo_of(done)
    client = signed_in(cast.ada)
    assert (
        client.get(f"/transfers/{undo.number}/late-arrivals/", headers={"HX-Request": "true"}).status_code
        == 302
    )
    assert (
        client.get(f"/transfers/{done.number}/late-arrivals/", headers={"HX-Request": "true"}).status_code
        == 200
    )


# --- Lists and files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/transfer/", "/transfers/"])
def test_the_lists_say_what_was_undone(cast: Cast, address: str) -> None:
    single = transfer(cast.ada, (cast.ana, cast.bo))
    undo = undo_of(single)
    bulk = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    undo_of(bulk, number=1)
    rows = rows_by_transfer(signed_in(cast.ada), address)
    assert "Undone" in rows[single.pk]
    assert "Succeeded" not in rows[single.pk]
    assert "Succeeded" in rows[undo.pk]
    assert "data moves to" not in rows[undo.pk]
    assert rows[undo.pk].index(f"ID {cast.bo.pk}") < rows[undo.pk].index(f"ID {cast.ana.pk}")
    assert "2 users · 1 undone" in rows[bulk.pk]
    assert "Succeeded" in rows[bulk.pk]


def rows_by_transfer(client: Client, address: str) -> dict[int, str]:
    page = client.get(address)
    entries = page.context["entries"] if "entries" in page.context else page.context["latest"]
    body = one_line(page.content.decode()).split("<tbody>")[1]
    return {entry.transfer.pk: row for entry, row in zip(entries, body.split("<tr>")[1:], strict=True)}


def test_the_list_names_the_undone_transfer_and_filters_undos(cast: Cast, done: Transfer) -> None:
    undo = undo_of(done)
    client = signed_in(cast.ada)
    assert f"Undo of transfer {done.number}" in one_line(client.get("/transfers/").content.decode())
    found = client.get("/transfers/", {"kind": "undo"}).context["entries"]
    assert [entry.transfer for entry in found] == [undo]


def test_the_audit_log_of_a_transfer_says_what_was_undone(cast: Cast) -> None:
    done = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    undo = undo_of(done, number=1)
    results = [row[6] for row in log_table(done).rows]
    assert results == ["Undone", "Transferred"]
    assert [row[6] for row in log_table(undo).rows] == ["Undone"]


def test_a_bulk_transfer_and_an_undo_may_be_open_at_once(cast: Cast) -> None:
    """Their users differ, which the participants ensure."""
    done = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    transfer(cast.ada, (cast.eli, cast.nina), kind=Kind.BULK, state=State.RUNNING)
    undo_of(done, State.QUEUED)
    assert Transfer.objects.filter(state__in=(State.QUEUED, State.RUNNING)).count() == 2


def test_an_undo_is_not_called_a_transfer(cast: Cast, done: Transfer) -> None:
    undo = undo_of(done, State.RUNNING)
    assert undo.name == f"Transfer {undo.number}: undo of transfer {done.number}"
    page = one_line(signed_in(cast.ada).get("/help/").content.decode())
    assert "Undo running:" in page


def test_keys_of_records_are_shown_safely() -> None:
    left = UndoConflict(data_type="gone", table="notes", key='("A\u202e-7")', why=UndoConflict.Why.CHANGED)
    [record] = records_in_words([left])
    assert record.name == 'notes "A\ufffd-7"'
