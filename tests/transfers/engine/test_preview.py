"""The preview predicts the counts of the run exactly, because preview and run use the same compiled rules."""

import random

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent
from tests.fixtures.running import confirm, run, upload
from transfers.engine.prediction import predict
from transfers.engine.stage import StagedPair
from transfers.planning.plan import plan_of

pytestmark = pytest.mark.django_db


def tangle(users: list[User], seed: int) -> None:
    """Create random records of several types for the users, with conflicting keys and records shared between pairs."""
    draw = random.Random(seed)
    for user in users:
        for name in draw.sample("ABCDE", 3):
            records.goal_person(user, name)
            records.progress(user, draw.randrange(100), name=name, week=draw.randrange(2))
        for day in draw.sample(range(1, 10), draw.randrange(4)):
            records.schedule(user, day, activities=draw.randrange(4))
        for _ in range(draw.randrange(4)):
            ccr = records.call(user)
            records.comment(records.evaluation(ccr, draw.choice(users), draw.choice([*users, None])), user)
        for hour in range(draw.randrange(3)):
            records.productivity(user, hour)
        if draw.random() < 0.5:
            records.real_time_state(user)


@pytest.mark.parametrize("seed", range(5))
def test_the_run_has_the_numbers_of_the_preview(cast: Cast, seed: int) -> None:
    users = [agent(cast.support, f"Agent Number{seed}{number}") for number in range(8)]
    tangle(users, seed)
    pairs = list(zip(users[:4], users[4:], strict=True))
    draft = upload(cast.ada, *pairs)
    predicted = {(p.source_id, p.target_id): p.counts for p in plan_of(draft, cast.ada).pairs}
    transfer = run(confirm(draft, cast.ada))
    assert {(p.source_id, p.target_id): p.counts for p in transfer.pairs.all()} == predicted
    assert any("dropped" in numbers for counts in predicted.values() for numbers in counts.values())


def test_source_rows_are_moved_dropped_or_merged(cast: Cast) -> None:
    users = [agent(cast.support, f"Agent Number{number}") for number in range(6)]
    tangle(users, 7)
    counts = predict([StagedPair(n, users[n].pk, users[n + 3].pk) for n in range(3)])
    for types in counts.values():
        for numbers in types.values():
            outcomes = sum(numbers.get(outcome, 0) for outcome in ("moved", "dropped", "merged"))
            assert numbers.get("source", 0) == outcomes


def test_a_preview_changes_no_record(cast: Cast) -> None:
    records.everything(cast.ana)
    records.everything(cast.bo)
    before = records.snapshot()
    assert predict([StagedPair(1, cast.ana.pk, cast.bo.pk)])
    assert records.snapshot() == before


def test_no_pairs_take_no_query(cast: Cast, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert predict([]) == {}
