"""Guarantees for every data type of every installed app, whatever its rule."""

from collections import Counter

import pytest

from accounts.models import User
from audit.models import AuditEvent
from tests.harness.oracle.places import places
from tests.harness.oracle.world import Row, World
from tests.transfers.rules import running
from tests.transfers.rules.made_up import MadeUp
from tests.transfers.rules.people import People
from transfers.registry import data_types
from transfers.rules import DataType, Profile


def is_ours(entry: DataType) -> bool:
    return entry.model.__module__.startswith(("accounts.", "transfers."))


every_type = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.key) for entry in data_types()])


@pytest.fixture
def before(people: People, entry: DataType) -> World:
    people.suit(entry)
    MadeUp(people).fill(entry)
    return running.world_of_records([entry])


@pytest.fixture
def ran(people: People, entry: DataType, before: World) -> running.Ran:
    with running.only(entry):
        return running.run_pairs(people.by, people.pairs, [entry])


def test_there_are_types_to_try() -> None:
    """Without any, pytest would skip the other tests here and report success."""
    assert data_types()


@every_type
def test_the_contract(people: People, entry: DataType, before: World, ran: running.Ran) -> None:
    nothing_is_lost(before, ran)
    the_numbers_add_up(entry, ran)
    bystanders_are_untouched(people, entry, before, ran)
    each_pair_is_audited_once(people)
    if not isinstance(entry.rule, Profile):
        the_source_is_nowhere(people, entry, ran)


@pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=entry.key) for entry in data_types() if is_ours(entry)]
)
def test_the_model_agrees(people: People, entry: DataType, before: World, ran: running.Ran) -> None:
    """For the product's own types, the reference model gives the same rows, counts and discarded rows as the engine."""
    model = running.expected(before, people.pairs, User.objects.all(), [entry])
    assert ran.world == {name: running.in_order(rows) for name, rows in model.world.items()}
    assert ran.counts == model.plain_counts()
    assert running.in_order(ran.discarded) == running.in_order(model.discarded)


@every_type
def test_a_second_run_changes_nothing(people: People, entry: DataType, ran: running.Ran) -> None:
    with running.only(entry):
        again = running.run_pairs(people.by, people.pairs, [entry])
    assert again.world == ran.world
    assert not again.discarded
    assert all(set(numbers) == {"target"} for types in again.counts.values() for numbers in types.values())


def nothing_is_lost(before: World, ran: running.Ran) -> None:
    for table, rows in before.items():
        discarded = [row.row for row in ran.discarded if row.table == table]
        assert len(rows) == len(ran.world[table]) + len(discarded)
        assert all(row in rows for row in discarded)


def the_numbers_add_up(entry: DataType, ran: running.Ran) -> None:
    assert ran.counts == ran.predicted
    assert ran.counts
    for number, types in ran.counts.items():
        counts = types[entry.key]
        outcomes = [counts.get(outcome, 0) for outcome in ("moved", "dropped", "merged")]
        assert counts["source"] == sum(outcomes)
        assert isinstance(entry.rule, Profile) or discarded_by_outcome(ran, number) == {
            outcome: counts[outcome]
            for outcome in ("dropped", "merged", "replaced", "children")
            if outcome in counts
        }


def discarded_by_outcome(ran: running.Ran, pair: int) -> dict[str, int]:
    return dict(Counter(row.reason for row in ran.discarded if row.pair == pair))


def bystanders_are_untouched(people: People, entry: DataType, before: World, ran: running.Ran) -> None:
    table = entry.model._meta.db_table
    bystanders = [row for row in before[table] if not holders(people, entry, row, "STUV")]
    assert bystanders
    assert all(row in ran.world[table] for row in bystanders)


def the_source_is_nowhere(people: People, entry: DataType, ran: running.Ran) -> None:
    rows = ran.world[entry.model._meta.db_table]
    assert not [row for row in rows if holders(people, entry, row, "SU")]
    assert [row for row in rows if holders(people, entry, row, "T")]


def each_pair_is_audited_once(people: People) -> None:
    events = AuditEvent.objects.filter(tenant_id=people.here.pk, pair_id__isnull=False)
    assert len(set(events.values_list("pair_id"))) == events.count() == len(people.pairs)


def holders(people: People, entry: DataType, row: Row, letters: str) -> list[str]:
    """Return those of `letters` whose users are in at least one owner column of the row."""
    spots = places(entry, running.known(people.users.values()))
    return [letter for letter in letters if any(spot.holds(row, people[letter].pk) for spot in spots)]
