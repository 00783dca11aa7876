"""A transfer of late arrivals combines records that other transfers overwrite, and replaces no row of the target.

Late arrivals are records that were added to the source after its transfer. `test_against_the_model.py` compares such
transfers with the reference model.
"""

import pytest

from tests.transfers.rules import running
from tests.transfers.rules.made_up import MadeUp
from tests.transfers.rules.people import People
from tests.transfers.rules.running import only, run_pairs
from tests.transfers.rules.test_contract import nothing_is_lost, the_numbers_add_up, the_source_is_nowhere
from transfers.engine.prediction import rows_of_sources
from transfers.engine.stage import StagedPair
from transfers.registry import data_types
from transfers.rules import DataType

OVERWRITTEN = [entry for entry in data_types() if entry.overwrites]

every_overwritten_type = pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=entry.key) for entry in OVERWRITTEN]
)


@every_overwritten_type
def test_no_row_of_the_target_is_replaced(people: People, entry: DataType) -> None:
    MadeUp(people).fill(entry)
    before = running.world_of_records([entry])
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry], late=True)
    nothing_is_lost(before, ran)
    the_numbers_add_up(entry, ran)
    the_source_is_nowhere(people, entry, ran)
    assert not [row for row in ran.discarded if row.reason == "replaced"]


def test_current_rows_of_the_sources_are_counted_once_each(people: People) -> None:
    letters = [("S", "X"), ("S", "S"), ("U", "S"), ("T", "V")]
    rows = [{"approver_id": people[one].pk, "evaluator_id": people[two].pk} for one, two in letters]
    running.insert("smallapp_two", [{"id": n, **row} for n, row in enumerate(rows, start=1)])
    staged = [StagedPair(n, source.pk, target.pk) for n, (source, target) in enumerate(people.pairs)]
    assert rows_of_sources(staged) == {0: {"smallapp.two": 3}, 1: {"smallapp.two": 1}}


def test_there_are_overwritten_types() -> None:
    assert len(OVERWRITTEN) > 10
