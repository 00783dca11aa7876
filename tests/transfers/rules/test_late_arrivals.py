"""Late arrivals: what would be overwritten is combined, and nothing of the target's gives way to it."""

import pytest
from django.db import transaction
from hypothesis import given

from tests.oracle.world import World
from tests.transfers.rules import drawing, running
from tests.transfers.rules.made_up import MadeUp
from tests.transfers.rules.people import People
from tests.transfers.rules.running import expected, in_order, insert, only, run_pairs, type_of
from tests.transfers.rules.test_against_the_model import thoroughly
from tests.transfers.rules.test_contract import nothing_is_lost, the_numbers_add_up, the_source_is_nowhere
from transfers.engine.preview import rows_of_sources
from transfers.engine.stage import StagedPair
from transfers.registry import data_types
from transfers.rules import DataType, keeping_target

OVERWRITTEN = [entry for entry in data_types() if entry.overwrites]
TABLES = [table for table in drawing.TABLES if type_of(table).overwrites]

every_overwritten_type = pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=entry.key) for entry in OVERWRITTEN]
)


@every_overwritten_type
def test_nothing_of_the_target_gives_way(people: People, entry: DataType) -> None:
    MadeUp(people).fill(entry)
    before = running.world_of_records([entry])
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry], late=True)
    nothing_is_lost(before, ran)
    the_numbers_add_up(entry, ran)
    the_source_is_nowhere(people, entry, ran)
    assert not [row for row in ran.discarded if row.reason == "replaced"]


@pytest.mark.parametrize("table", TABLES)
def test_engine_and_model_agree_on_late_arrivals(people: People, table: str) -> None:
    @thoroughly
    @given(drawing.worlds(table))
    def agree(world: World) -> None:
        with transaction.atomic():
            compare(people, table, world)
            transaction.set_rollback(True)

    agree()


def compare(people: People, table: str, world: World) -> None:
    for name, rows in world.items():
        insert(name, people.spell(rows))
    entry = type_of(table)
    before = running.world_of_records([entry])
    model = expected(before, people.pairs, people.users.values(), [keeping_target(entry)])
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry], late=True)
    assert ran.world == {name: in_order(rows) for name, rows in model.world.items()}
    assert ran.counts == model.plain_counts() == ran.foretold
    assert in_order(ran.discarded) == in_order(model.discarded)


def test_what_the_sources_hold_by_now_is_counted_row_by_row(people: People) -> None:
    letters = [("S", "X"), ("S", "S"), ("U", "S"), ("T", "V")]
    rows = [{"approver_id": people[one].pk, "evaluator_id": people[two].pk} for one, two in letters]
    running.insert("smallapp_two", [{"id": n, **row} for n, row in enumerate(rows, start=1)])
    staged = [StagedPair(n, source.pk, target.pk) for n, (source, target) in enumerate(people.pairs)]
    assert rows_of_sources(staged) == {0: {"smallapp.two": 3}, 1: {"smallapp.two": 1}}


def test_there_is_something_to_compare() -> None:
    assert len(OVERWRITTEN) > 10
    assert len(TABLES) > 1
