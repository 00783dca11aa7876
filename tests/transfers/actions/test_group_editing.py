"""All rows with the same problem are changed at once. Each row has the audit event that a change of it alone has."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.fixtures.cast import Cast, agent
from tests.fixtures.running import confirm
from tests.transfers.actions.sheets import HEADER, as_stored, errors, events, line, row, send
from transfers import actions
from transfers.models import DraftRow, Transfer
from transfers.people_csv import IDENTITY

pytestmark = pytest.mark.django_db
CHANGES = ("row-changed", "row-cleared", "row-restored")
Status = DraftRow.Status


def clear(by: User, draft: Transfer, problem: str, count: int) -> bool:
    return actions.clear_rows(by=by, transfer=draft, problem=problem, count=count, address="192.0.2.7")


def accept(by: User, draft: Transfer, problem: str, count: int) -> bool:
    return actions.accept_suggestions(by=by, transfer=draft, problem=problem, count=count)


def statuses(draft: Transfer) -> list[str]:
    return list(draft.rows.values_list("status", flat=True))


def test_all_rows_with_an_error_are_cleared(cast: Cast) -> None:
    draft = send(
        cast.ada, line(cast.ana, "#N/A"), line(cast.cy, cast.di), line(cast.bo, "#N/A"), line(cast.eli, "x")
    )

    assert clear(cast.ada, draft, "id-is-formula", 2)

    assert statuses(draft) == [Status.CLEARED, Status.WARNING, Status.CLEARED, Status.ERROR]
    assert [(event.kind, event.detail("row"), event.transfer_number) for event in events(*CHANGES)] == [
        ("row-cleared", 2, draft.number),
        ("row-cleared", 4, draft.number),
    ]
    assert {(event.actor_id, event.address) for event in events(*CHANGES)} == {(cast.ada.pk, "192.0.2.7")}


def test_clearing_a_group_clears_the_errors_it_caused(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo), line(cast.bo, cast.cy), line(cast.di, cast.eli))
    assert errors(draft) == {2: ["chain"], 3: ["chain"]}

    assert clear(cast.ada, draft, "chain", 2)

    assert errors(draft) == {}


def test_cleared_rows_are_restored_together(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, "#N/A"), line(cast.bo, "#N/A"), line(cast.cy, cast.di))
    before = as_stored(draft)
    clear(cast.ada, draft, "id-is-formula", 2)

    assert actions.restore_rows(by=cast.ada, transfer=draft, count=2)

    assert as_stored(draft) == before
    assert [event.detail("row") for event in events("row-restored")] == [2, 3]


def test_all_suggestions_are_accepted(cast: Cast) -> None:
    users = [agent(cast.support, f"Agent Number{n}", pk=123_001 + n) for n in range(4)]
    draft = send(
        cast.ada,
        line(cast.ana, '"123,001"'),
        line('"123,002"', '"123,003"'),
        line(cast.bo, "9,,9"),
        line(cast.cy, users[3]),
    )

    assert accept(cast.ada, draft, "id-thousands-mark", 2)

    assert (row(draft, 2).from_id, row(draft, 2).to_id) == (cast.ana.pk, users[0].pk)
    assert (row(draft, 3).from_id, row(draft, 3).to_id) == (users[1].pk, users[2].pk)
    assert list(errors(draft)) == [4]
    changed = [(event.detail("row"), event.detail("to_text")) for event in events(*CHANGES)]
    assert changed == [(2, str(users[0].pk)), (3, str(users[2].pk))]


def test_accepting_together_equals_accepting_one_by_one(cast: Cast) -> None:
    """The names in the file are checked against the new users in both cases."""
    agent(cast.support, "Flo Fine", pk=123_456)
    sheet = (
        line('"123,456"', cast.bo, cast.di) + f",{cast.di.username},di@example.com,E-7",
        line(cast.cy, '"123,456"', cast.cy) + f",{cast.cy.username},,",
        line(cast.eli, '"123,457"') + ",,,",
    )
    header = f"{HEADER},User Name,Email,Employee ID"
    together, alone = send(cast.ada, *sheet, header=header), send(cast.ada, *sheet, header=header)
    texts = [set(found) for found in together.rows.values_list(*IDENTITY.values()).order_by("number")]
    assert [found == {""} for found in texts] == [False, False, True]

    assert accept(cast.ada, together, "id-thousands-mark", 3)
    actions.fix_row(by=cast.ada, transfer=alone, number=2, from_text="123456", to_text=str(cast.bo.pk))
    actions.fix_row(by=cast.ada, transfer=alone, number=3, to_text="123456")
    actions.fix_row(by=cast.ada, transfer=alone, number=4, to_text="123457")

    def stored(draft: Transfer) -> list[dict]:
        return [{**found, "id": 0, "transfer_id": 0} for found in as_stored(draft)]

    assert stored(together) == stored(alone)
    texts = [set(found) for found in together.rows.values_list(*IDENTITY.values()).order_by("number")]
    assert [found == {""} for found in texts] == [True, False, True], "the texts were about another user"


def test_nothing_changes_if_the_number_of_rows_is_another(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, "#N/A"), line(cast.bo, "#N/A"), line(cast.cy, '"1,234"'))
    actions.clear_row(by=cast.ada, transfer=draft, number=2)
    before, recorded = as_stored(draft), len(events(*CHANGES))

    assert not clear(cast.ada, draft, "id-is-formula", 2)
    assert not accept(cast.ada, draft, "id-thousands-mark", 2)
    assert not actions.restore_rows(by=cast.ada, transfer=draft, count=2)
    assert not clear(cast.ada, draft, "chain", 0)

    assert as_stored(draft) == before
    assert len(events(*CHANGES)) == recorded


def test_warnings_are_not_cleared(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo), line(cast.cy, cast.di))

    assert not clear(cast.ada, draft, "active-source", 2)

    assert statuses(draft) == [Status.WARNING, Status.WARNING]


def test_a_confirmed_draft_does_not_change(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo), line(cast.cy, "#N/A"), line(cast.di, "#N/A"))
    for number in (3, 4):
        actions.clear_row(by=cast.ada, transfer=draft, number=number)
    confirm(draft, cast.ada)
    before = as_stored(draft)

    assert not actions.restore_rows(by=cast.ada, transfer=draft, count=2)

    assert as_stored(draft) == before


@pytest.mark.parametrize("what", ["clear", "accept", "restore"])
def test_200_rows_need_as_many_queries_as_5(cast: Cast, what: str) -> None:
    numbers = []
    for count in (5, 200):
        draft = send(cast.ada, *(f'{10**6 + n},"1,{n:03}"' for n in range(1, count + 1)))
        if what == "restore":
            clear(cast.ada, draft, "id-thousands-mark", count)
        with CaptureQueriesContext(connection) as captured:
            if what == "restore":
                assert actions.restore_rows(by=cast.ada, transfer=draft, count=count)
            else:
                assert (clear if what == "clear" else accept)(cast.ada, draft, "id-thousands-mark", count)
        numbers.append(len(captured))
    assert numbers[0] == numbers[1]
