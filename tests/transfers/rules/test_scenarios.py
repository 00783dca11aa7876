"""Transfer problems known from other systems, numbered A1 to E1. S is the source, T the target, and X is in no pair.

B4, B5, B7 and B8 are in `test_keys`, C3 and E1 in `test_owners`, and C4 in `test_children`.
"""

import pytest

from tests.apps.smallapp import models as small
from tests.fixtures import cast
from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.truth import Truth
from transfers.engine.batch import run_batch
from transfers.engine.failures.reasons import StepFailed
from transfers.models import JournalEntry, Kind, State

KEYED = "owner k"

SCENARIOS = {
    "A1": Truth(
        "IDs are kept",
        small.Plain,
        "owner v",
        *(("S 1", "T 1"),) * 3,
        *(("T 1", "same"),) * 2,
        ("X 1", "same"),
        s={"source": 3, "target": 2, "moved": 3},
    ),
    "A3": Truth(
        "equal content is not a conflict",
        small.Plain,
        "owner v",
        ("S 7", "T 7"),
        ("T 7", "same"),
        s={"source": 1, "target": 1, "moved": 1},
    ),
    "B1": Truth(
        "one conflict",
        small.Keyed,
        "owner k v",
        ("S 1 1", "T 1 1"),
        ("S 2 1", "dropped"),
        ("T 2 2", "same"),
        ("T 3 2", "same"),
        s={"source": 2, "target": 2, "moved": 1, "dropped": 1},
    ),
    "B2": Truth(
        "one conflict among fifty",
        small.Keyed,
        KEYED,
        ("S 1", "dropped"),
        *((f"S {k}", f"T {k}") for k in range(2, 51)),
        ("T 1", "same"),
        s={"source": 50, "target": 1, "moved": 49, "dropped": 1},
    ),
    "B3": Truth(
        "no conflict",
        small.Keyed,
        KEYED,
        ("S 1", "T 1"),
        ("T 2", "same"),
        ("T 3", "same"),
        ("T 4", "same"),
        s={"source": 1, "target": 3, "moved": 1},
    ),
    "B6": Truth(
        "a sum beyond the range of the column",
        small.Counter,
        "owner day n",
        ("S 1 2147483548", "merged"),
        ("T 1 5000", "T 1 2147483647"),
        s={"source": 1, "target": 1, "merged": 1},
    ),
    "C1": Truth(
        "two owners in a row",
        small.Two,
        "approver evaluator",
        ("S X", "T X"),
        ("X S", "X T"),
        ("S T", "T T"),
        ("S S", "T T"),
        s={"source": 4, "target": 1, "moved": 4},
    ),
    "D1": Truth(
        "overwritten",
        small.Sched,
        "owner slot",
        *((f"S {slot}", f"T {slot}") for slot in (1, 2, 3)),
        *((f"T {slot}", "replaced") for slot in (1, 2, 3, 4, 5)),
        s={"source": 3, "target": 5, "moved": 3, "replaced": 5},
    ),
    "D2": Truth(
        "nothing to overwrite with",
        small.Sched,
        "owner slot",
        *((f"T {slot}", "same") for slot in (1, 2, 3, 4, 5)),
        s={"target": 5},
    ),
    "D3": Truth(
        "the same slot on both sides",
        small.Sched,
        "owner slot",
        ("S 1", "T 1"),
        ("S 2", "T 2"),
        ("T 2", "replaced"),
        ("T 3", "replaced"),
        s={"source": 2, "target": 2, "moved": 2, "replaced": 2},
    ),
}


@pytest.mark.parametrize("number", SCENARIOS)
def test_scenario(people: People, number: str) -> None:
    SCENARIOS[number].check(people)


def test_a2_a_source_without_rows_succeeds_and_writes_none(people: People) -> None:
    for table, owner in (("smallapp_plain", "X"), ("smallapp_sched", "T")):
        model = running.type_of(table).model
        values = {"owner_id": people[owner].pk, "v": 1, "slot": 1}
        running.insert(table, [running.whole_row(model, id=1, **values)])
    before = running.world_of_records(running.small_types())
    ran = running.run_pairs(people.by, people.pairs)
    assert ran.world == before
    assert ran.counts == ran.predicted == {0: {"smallapp.sched": {"target": 1}}}
    assert not ran.discarded


def test_c2_a_violated_check_constraint_fails_the_pair_and_is_named(people: People) -> None:
    x, s, t = (people[letter].pk for letter in "XST")
    lines = [(s, x), (x, s), (s, t)]
    running.insert(
        "smallapp_twoapart",
        [{"id": n, "approver_id": a, "evaluator_id": b} for n, (a, b) in enumerate(lines, start=1)],
    )
    before = running.world_of_records(running.small_types())
    transfer = cast.transfer(people.by, people.pairs[0], state=State.RUNNING, kind=Kind.BULK)
    with pytest.raises(StepFailed) as failure:
        run_batch(transfer, [pair.pk for pair in transfer.pairs.all()])
    assert "smallapp.twoapart" in str(failure.value)
    assert "two_apart_are_two" in str(failure.value.__cause__)
    assert running.world_of_records(running.small_types()) == before
    assert not JournalEntry.objects.exists()


def test_d1_a_second_run_changes_nothing(people: People) -> None:
    lines = [("S", 1), ("S", 2), ("T", 2), ("T", 3)]
    running.insert(
        "smallapp_sched",
        [
            {"id": n, "owner_id": people[who].pk, "slot": k, "v": 0}
            for n, (who, k) in enumerate(lines, start=1)
        ],
    )
    once = running.run_pairs(people.by, people.pairs)
    again = running.run_pairs(people.by, people.pairs)
    assert again.world == once.world
    assert again.counts == {0: {"smallapp.sched": {"target": 2}}}
    assert not again.discarded
