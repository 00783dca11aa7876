"""The engine and the reference model agree on every row, count and discarded row.

The environment variable RULES_EXAMPLES sets the number of examples per table. If it is set, each run uses
different examples, and each is undone too, as a few of each table are in `test_undo.py`.
"""

import os

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings

from tests.harness.oracle.world import World
from tests.transfers.rules import drawing
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from tests.transfers.rules.running import (
    expected,
    in_order,
    insert,
    only,
    run_pairs,
    type_of,
    world_of_records,
)
from transfers.rules import keeping_target

EXAMPLES = int(os.environ.get("RULES_EXAMPLES", "0"))

thoroughly = settings(
    max_examples=EXAMPLES or 5,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("table", drawing.TABLES)
def test_engine_and_model_agree(people: People, table: str) -> None:
    agree_on_worlds(people, table)


@pytest.mark.parametrize("table", [table for table in drawing.TABLES if type_of(table).overwrites])
def test_engine_and_model_agree_on_late_arrivals(people: People, table: str) -> None:
    agree_on_worlds(people, table, late=True)


def agree_on_worlds(people: People, table: str, *, late: bool = False) -> None:
    people.suit(type_of(table))

    @thoroughly
    @given(drawing.worlds(table).filter(lambda world: world[table]))  # an empty table shows nothing
    def agree(world: World) -> None:
        with transaction.atomic():
            compare(people, table, world, late=late)
            transaction.set_rollback(True)

    agree()


def compare(people: People, table: str, world: World, *, late: bool) -> None:
    for name, rows in world.items():
        insert(name, people.spell(rows))
    entry = type_of(table)
    before, rows_before = world_of_records([entry]), rows_as_text([entry])
    rules = keeping_target(entry) if late else entry
    model = expected(before, people.pairs, people.users.values(), [rules])
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry], late=late)
    assert ran.world == {name: in_order(rows) for name, rows in model.world.items()}
    assert ran.counts == model.plain_counts()
    assert ran.predicted == ran.counts
    assert in_order(ran.discarded) == in_order(model.discarded)
    if EXAMPLES or late:
        restore(ran.transfer_id)
        assert rows_as_text([entry]) == rows_before
