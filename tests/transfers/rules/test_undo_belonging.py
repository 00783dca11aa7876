"""An undo gives no record to another person than the one who had it, and changes none that others have now."""

from typing import Any

import pytest

from accounts.models import User
from tests.transfers.rules.featured import put
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.running import insert, rows_of, undo_all
from tests.transfers.rules.test_undo import run_after_leaving
from transfers.models import PairState, TransferPair, UndoConflict


def refused(made: int) -> TransferPair:
    """Undo the transfer, whose only record is in conflict, first strictly and then without the record."""
    [pair] = undo_all(made)
    assert pair.state == PairState.FAILED
    [pair] = undo_all(made, leave_changed=True)
    return pair


def conflicts(pair: TransferPair) -> list[tuple[str, str]]:
    return [(row.key, row.why) for row in UndoConflict.objects.filter(pair=pair).order_by("key")]


@pytest.mark.parametrize(
    ("table", "column", "more", "is_dropped"),
    [
        ("smallapp_outsidetext", "external_id", {"k": 1}, False),
        ("smallapp_outsidetext", "external_id", {"k": 1}, True),
        ("smallapp_badge", "employee_id", {"door": 1}, False),
        ("smallapp_badge", "employee_id", {"door": 1}, True),
        ("smallapp_login", "username", {"at": 1}, False),
    ],
)
def test_a_person_whose_id_somebody_else_has_now(
    people: People, table: str, column: str, more: dict[str, Any], is_dropped: bool
) -> None:
    S, T = people["S"], people["T"]
    held = "person" if column == "external_id" else column
    tenant = {} if column == "external_id" else {"tenant_id": people.here.pk}
    owners = [S, T] if is_dropped else [S]
    insert(
        table, [{"id": n, held: getattr(who, column), **tenant, **more} for n, who in enumerate(owners, 1)]
    )
    made = run_after_leaving(people, people.pairs[:1], table)
    after, theirs = rows_of(table), getattr(S, column)
    User.objects.filter(pk=S.pk).update(**{column: "other"})
    User.objects.filter(pk=people["X"].pk).update(**{column: theirs})
    assert conflicts(refused(made)) == [("(1)", "not theirs")]
    assert rows_of(table) == after


@pytest.mark.parametrize(
    ("table", "column", "of_key", "deleted"),
    [
        ("smallapp_outsidetext", "person", "k", "(1)"),  # S's record was dropped
        ("smallapp_outsidebig", "person_no", "slot", "(2)"),  # T's was replaced
    ],
)
def test_deleted_records_of_two_people_whose_ids_were_exchanged_since(
    people: People, table: str, column: str, of_key: str, deleted: str
) -> None:
    """With its number, the record would be that of the other one now."""
    S, T = people["S"], people["T"]
    insert(table, [{"id": n, column: who.external_id, of_key: 1} for n, who in enumerate((S, T), 1)])
    made = run_after_leaving(people, people.pairs[:1], table)
    after = rows_of(table)
    User.objects.filter(pk=S.pk).update(external_id="for the moment")
    User.objects.filter(pk=T.pk).update(external_id=S.external_id)
    User.objects.filter(pk=S.pk).update(external_id=T.external_id)
    assert (deleted, "not theirs") in conflicts(refused(made))
    assert rows_of(table) == after


@pytest.mark.parametrize(
    ("table", "since"),
    [
        ("smallapp_attachment", "UPDATE smallapp_attachment SET kind = 'team'"),
        ("smallapp_badge", "UPDATE smallapp_badge SET tenant_id = {there}"),
    ],
)
def test_a_record_that_is_no_users_any_more_or_of_another_tenant(
    people: People, table: str, since: str
) -> None:
    S = people["S"]
    row = {
        "smallapp_attachment": {"kind": "user", "object_id": S.pk, "name": "a"},
        "smallapp_badge": {"tenant_id": people.here.pk, "employee_id": S.employee_id, "door": 1},
    }[table]
    insert(table, [{"id": 1, **row}])
    made = run_after_leaving(people, people.pairs[:1], table)
    execute(since.format(there=people.there.pk))
    after = rows_of(table)
    assert conflicts(refused(made)) == [("(1)", "not theirs")]
    assert rows_of(table) == after


def test_a_merged_record_that_another_user_has_now(people: People) -> None:
    """Neither it nor the record that was merged into it goes back."""
    put(people, "smallapp_counter", ("T", 1, 10), ("S", 1, 5), columns="owner day n")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_counter")
    execute("UPDATE smallapp_counter SET owner_id = %s", people["X"].pk)
    pair = refused(made)
    assert conflicts(pair) == [("(1)", "not theirs"), ("(2)", "folded")]
    assert [(row["owner_id"], row["n"]) for row in rows_of("smallapp_counter")] == [(people["X"].pk, 15)]


def test_a_child_does_not_return_to_a_record_that_has_the_key_of_its_parent(people: People) -> None:
    """The child of T's replaced shift, whose number X's shift has now, stays deleted."""
    S, T, X = (people[letter].pk for letter in "STX")
    insert("smallapp_shift", [{"id": n, "worker_id": who, "slot": n} for n, who in ((1, S), (2, T))])
    insert("smallapp_shiftbreak", [{"id": 1, "shift_id": 2}])
    made = run_after_leaving(people, people.pairs[:1], "smallapp_shift")
    insert("smallapp_shift", [{"id": 2, "worker_id": X, "slot": 9}])
    pair = refused(made)
    assert [row.why for row in UndoConflict.objects.filter(pair=pair).order_by("table")] == [
        "key taken",
        "parent gone",
    ]
    assert rows_of("smallapp_shiftbreak") == []
