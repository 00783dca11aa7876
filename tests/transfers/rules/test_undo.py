"""Undo after several transfers on top of each other (R17), and after other programs have written since (R18).

That an undo leaves everything as it was before the transfer (R16) is tested wherever the tests call `restore`.
"""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import User
from tests.harness.oracle.small_tables import SMALL_TABLES
from tests.harness.oracle.world import Row, World
from tests.transfers.rules import drawing, running
from tests.transfers.rules.people import SOURCES, People
from tests.transfers.rules.restoring import restore, rows_as_text
from tests.transfers.rules.running import UserPair, insert, only, run_pairs, type_of, undo_all
from transfers.engine.compiler.owners import column_of
from transfers.models import PairState, TransferPair, UndoConflict
from transfers.rules import ArrayColumn, Combine, DataType, JsonPath, Merge, Sum

few = settings(
    max_examples=1,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # shrinking an example takes minutes
)
NOT_DIVIDED = (
    "also to users for whom it is not undone",
    "also to users for whom they are not undone",
    "that another record has now",
    "that other records have now",
)
NEW = 1000  # the IDs of rows that were inserted since begin here


def worlds(table: str) -> st.SearchStrategy[World]:
    """Draw worlds with rows. Hypothesis begins with the simplest, which is empty and would show nothing."""
    return drawing.worlds(table).filter(lambda world: len(world[table]) > 1)


def run_after_leaving(people: People, pairs: list[UserPair], table: str, batches: int = 1) -> int:
    """Deactivate the sources, as their transfers are confirmed without warnings, and transfer these pairs."""
    sources = [source.pk for source, _ in pairs]
    User.objects.filter(pk__in=[user.pk for user in people.users.values()]).update(is_active=True)
    User.objects.filter(pk__in=sources).update(is_active=False)
    entry = type_of(table)
    with only(entry):
        return run_pairs(people.by, pairs, [entry], batches=batches).transfer_id


@pytest.mark.parametrize("table", drawing.TABLES)
def test_three_transfers_undone_in_reverse_leave_every_row_as_it_was(people: People, table: str) -> None:
    people.suit(type_of(table))
    t, v, x = (people[letter] for letter in "TVX")

    @few
    @given(worlds(table))
    def undone(world: World) -> None:
        with transaction.atomic():
            for name, rows in world.items():
                insert(name, people.spell(rows))
            seen, made = [rows_as_text([type_of(table)])], []
            for pairs in (people.pairs, [(t, x)], [(x, v)]):
                made.append(run_after_leaving(people, pairs, table))
                seen.append(rows_as_text([type_of(table)]))
            for transfer_id in reversed(made):
                seen.pop()
                restore(transfer_id)
                assert rows_as_text([type_of(table)]) == seen[-1]
            transaction.set_rollback(True)

    undone()


def test_a_row_that_was_deleted_in_two_ways_returns_once(people: People) -> None:
    """Row 2 has both users of a pair, so that it is dropped as the source's and replaced as the target's."""
    s, t = people["S"].pk, people["T"].pk
    slot = {"slot": 1}
    insert("smallapp_shift", [{"id": 1, "worker_id": s, "planner_id": None} | slot])
    insert("smallapp_shift", [{"id": 2, "worker_id": t, "planner_id": s} | slot])
    before = rows_as_text([type_of("smallapp_shift")])
    made = run_after_leaving(people, people.pairs, "smallapp_shift")
    restore(made)
    assert rows_as_text([type_of("smallapp_shift")]) == before
    [counts] = TransferPair.objects.filter(transfer__undoes=made, source=people["T"]).values_list(
        "counts", flat=True
    )
    assert counts == {"smallapp.shift": {"returned": 1, "restored": 1}}


def has_lists(entry: DataType) -> bool:
    return any(isinstance(owner, ArrayColumn | JsonPath) for owner in entry.owners)


def worlds_with_shared_lists(table: str) -> st.SearchStrategy[World]:
    """Draw worlds in which a row has the sources of both pairs, so that two batches change it."""
    return worlds(table).filter(
        lambda world: any(all(f"letter='{source}'" in str(row) for source in SOURCES) for row in world[table])
    )


LISTS = [table for table in drawing.TABLES if has_lists(type_of(table))]


@pytest.mark.parametrize("table", LISTS)
def test_lists_that_were_changed_in_several_batches_are_divided(people: People, table: str) -> None:
    """The chunks of a transfer are batches. Their pairs are undone in any order, as if only the others had been run."""
    entry, (first, second) = type_of(table), people.pairs
    people.suit(entry)

    @few
    @given(worlds_with_shared_lists(table))
    def divided(world: World) -> None:
        with transaction.atomic():
            for name, rows in world.items():
                insert(name, people.spell(rows))
            before = rows_as_text([entry])
            for one, other in [(first, second), (second, first)]:
                only_other = rows_after_only(people, other, table)
                with transaction.atomic():
                    made = run_after_leaving(people, people.pairs, table, batches=2)
                    undo_completely(made, one)
                    assert rows_as_text([entry]) == only_other
                    undo_completely(made, other)
                    assert rows_as_text([entry]) == before
                    transaction.set_rollback(True)
            made = run_after_leaving(people, people.pairs, table, batches=2)
            restore(made)
            assert rows_as_text([entry]) == before
            transaction.set_rollback(True)

    divided()


def rows_after_only(people: People, pair: UserPair, table: str) -> Any:
    """Return the rows as they are if only this pair is transferred. Nothing is kept."""
    with transaction.atomic():
        run_after_leaving(people, [pair], table)
        found = rows_as_text([type_of(table)])
        transaction.set_rollback(True)
    return found


def undo_completely(transfer_id: int, pair: UserPair) -> None:
    [undone] = undo_all(transfer_id, sources=pair[:1])
    assert (undone.state, undone.reason) == (PairState.SUCCEEDED, "")


@pytest.mark.parametrize("table", drawing.TABLES)
def test_without_one_pair_it_is_as_if_only_the_other_had_been_transferred(people: People, table: str) -> None:
    """Unless the pairs share a row that cannot be divided, or a row of the other pair needs a key that a row of this
    one had: then the pair is not undone, and nothing is changed.
    """
    entry, (first, second) = type_of(table), people.pairs
    people.suit(entry)

    @few
    @given(worlds(table))
    def divided(world: World) -> None:
        with transaction.atomic():
            for name, rows in world.items():
                insert(name, people.spell(rows))
            before = rows_as_text([entry])
            only_second = rows_after_only(people, second, table)
            made = run_after_leaving(people, people.pairs, table)
            of_both = rows_as_text([entry])
            [pair] = undo_all(made, sources=first[:1])
            if pair.state == PairState.SUCCEEDED:
                assert rows_as_text([entry]) == only_second
                [pair] = undo_all(made, sources=second[:1])
                assert (pair.state, pair.reason) == (PairState.SUCCEEDED, "")
                assert rows_as_text([entry]) == before
            else:
                assert any(words in pair.reason for words in NOT_DIVIDED), pair.reason
                assert rows_as_text([entry]) == of_both
            transaction.set_rollback(True)

    divided()


def in_texts(users: list[int]) -> dict[str, Any]:
    return {"document": {"to": {"users": [str(user) for user in users]}}}


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("smallapp_watchlist", lambda users: {"users": users}),
        ("smallapp_panel", lambda users: {"users": users}),
        ("smallapp_subscription", in_texts),
        ("smallapp_brief", lambda users: {"document": {"by": users[0], "to": {"users": users}}}),
    ],
)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_list_of_the_sources_of_two_pairs_is_taken_back_for_one_after_the_other(
    people: People, table: str, row: Any, order: tuple[int, int]
) -> None:
    listed = [people[letter].pk for letter in "SXUS"]
    entry = type_of(table)
    insert(table, [running.whole_row(entry.model, id=1, **row(listed))])
    before = rows_as_text([entry])
    made = run_after_leaving(people, people.pairs, table)
    for number in order:
        [pair] = undo_all(made, sources=people.pairs[number][:1])
        assert (pair.state, pair.reason) == (PairState.SUCCEEDED, "")
        if number == order[0]:
            (source, target), (other, _) = people.pairs[number], people.pairs[order[1]]
            found = str(rows_as_text([entry])[table])
            assert (str(source.pk) in found, str(other.pk) in found) == (True, False), (found, target)
    assert rows_as_text([entry]) == before


def test_a_list_that_somebody_has_changed_since_is_in_conflict(people: People) -> None:
    entry = type_of("smallapp_watchlist")
    users = [people[letter].pk for letter in "SU"]
    insert("smallapp_watchlist", [running.whole_row(entry.model, id=1, users=users)])
    made = run_after_leaving(people, people.pairs, "smallapp_watchlist")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE smallapp_watchlist SET users = users || %s::bigint", [people["X"].pk])
    now = rows_as_text([entry])
    [pair] = undo_all(made, sources=people.pairs[0][:1])
    assert "1 record was changed" in pair.reason
    pairs = undo_all(made, leave_changed=True)
    assert [found.counts for found in pairs] == [{"smallapp.watchlist": {"left": 1, "stays": 1}}] * 2
    assert rows_as_text([entry]) == now


@st.composite
def since(draw: st.DrawFn, table: str) -> list[tuple[str, int, str, Row]]:
    """Draw what other programs do: ("insert" | "update" | "delete", number of the row, column, row with values)."""
    row = st.fixed_dictionaries(drawing.TABLES[table])
    column = st.sampled_from(sorted(drawing.TABLES[table]))
    what = st.sampled_from(["insert", "insert", "update", "update", "delete"])
    return draw(st.lists(st.tuples(what, st.integers(0, 9), column, row), min_size=1, max_size=5))


@pytest.mark.parametrize("table", drawing.TABLES)
def test_an_undo_never_takes_what_came_later(people: People, table: str) -> None:
    people.suit(type_of(table))

    @few
    @given(worlds(table), since(table))
    def keeps(world: World, changes: list[Any]) -> None:
        with transaction.atomic():
            for name, rows in world.items():
                insert(name, people.spell(rows))
            made = run_after_leaving(people, people.pairs, table)
            left = by_key(table)
            for number, change in enumerate(changes):
                write(people, table, NEW + number, *change)
            for leave_changed in (False, True):
                with transaction.atomic():
                    check_undo(table, made, left, leave_changed=leave_changed)
                    transaction.set_rollback(True)
            transaction.set_rollback(True)

    keeps()


def check_undo(table: str, transfer_id: int, left: dict[str, Row], *, leave_changed: bool) -> None:
    now, text = by_key(table), rows_as_text([type_of(table)])
    pairs = undo_all(transfer_id, leave_changed=leave_changed)
    undone = [pair for pair in pairs if pair.state == PairState.SUCCEEDED]
    if leave_changed:
        assert undone == pairs, [pair.reason for pair in pairs]
    else:
        assert all(pair.reason and pair.remedy for pair in pairs if pair not in undone)
    if not undone:
        assert rows_as_text([type_of(table)]) == text
    assert conflicts_of(pairs) == {pair.pk: left_of(pair) for pair in undone if left_of(pair)} | {
        pair.pk: conflicts_of([pair])[pair.pk] for pair in pairs if pair not in undone
    }
    check_what_came_later(table, left, now, by_key(table))


def check_what_came_later(
    table: str, left: dict[str, Row], now: dict[str, Row], after: dict[str, Row]
) -> None:
    """left: the rows as the transfer left them; now: as other programs left them; after: after the undo."""
    sums = summed_names(type_of(table))
    for key in now.keys() - left.keys():
        assert after[key] == now[key]  # inserted since
    for key in left.keys() - now.keys():
        assert key not in after  # deleted since
    for key in left.keys() & now.keys():
        changed = {name for name in now[key] if now[key][name] != left[key][name]} - sums
        assert {name: after[key][name] for name in changed} == {name: now[key][name] for name in changed}


def summed_names(data_type: DataType) -> set[str]:
    rule = data_type.rule
    if not (isinstance(rule, Combine) and isinstance(rule.on_clash, Merge)):
        return set()
    folds = rule.on_clash.columns.items()
    return {column_of(data_type.model, name) for name, fold in folds if isinstance(fold, Sum)}


def conflicts_of(pairs: list[TransferPair]) -> dict[int, int]:
    found: dict[int, int] = {}
    for conflict in UndoConflict.objects.filter(pair__in=pairs):
        found[conflict.pair_id] = found.get(conflict.pair_id, 0) + conflict.n
    return found


def left_of(pair: TransferPair) -> int:
    return sum(numbers.get("left", 0) for numbers in (pair.counts or {}).values())


def by_key(table: str) -> dict[str, Row]:
    """Return the rows by their primary key. Tables without one are compared as a whole only."""
    names = SMALL_TABLES[table].pk
    return {str([row[name] for name in names]): row for row in running.rows_of(table)} if names else {}


def write(people: People, table: str, new_id: int, what: str, number: int, column: str, values: Row) -> None:
    """Write as another program does. What violates a constraint is not written."""
    row = people.spell(values)
    for name in ("id", "rec_no"):
        if (name,) == SMALL_TABLES[table].pk:
            row = {name: new_id} | row
    place = f"ctid = (SELECT ctid FROM {table} AS t ORDER BY t::text LIMIT 1 OFFSET {number})"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if what == "insert":
                insert(table, [row])
            elif what == "update":
                value = f"(jsonb_populate_record(NULL::{table}, %s)).{column}"
                cursor.execute(
                    f"UPDATE {table} SET {column} = {value} WHERE {place}", [running.json.dumps(row)]
                )
            else:
                cursor.execute(f"DELETE FROM {table} WHERE {place}")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except DatabaseError:
        pass
