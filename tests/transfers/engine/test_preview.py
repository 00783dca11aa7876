"""The preview counts with the rules that the run uses, so the same numbers come out."""

import random

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.transfers import records
from tests.transfers.cast import Cast, agent
from tests.transfers.running import confirm, run, upload
from transfers.engine.preview import foretell
from transfers.engine.stage import StagedPair
from transfers.plan import plan_of

pytestmark = pytest.mark.django_db


def tangle(users: list[User], seed: int) -> None:
    """Rows of every type for everybody, so drawn that keys clash and rows are shared between pairs."""
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
def test_the_run_gives_the_numbers_of_the_preview(cast: Cast, seed: int) -> None:
    users = [agent(cast.support, f"Agent Number{seed}{number}") for number in range(8)]
    tangle(users, seed)
    pairs = list(zip(users[:4], users[4:], strict=True))
    draft = upload(cast.ada, *pairs)
    foretold = {(p.source_id, p.target_id): p.counts for p in plan_of(draft, cast.ada).pairs}
    transfer = run(confirm(draft, cast.ada))
    assert {(p.source_id, p.target_id): p.counts for p in transfer.pairs.all()} == foretold
    assert any("dropped" in numbers for counts in foretold.values() for numbers in counts.values())


def test_source_rows_are_moved_dropped_or_merged(cast: Cast) -> None:
    users = [agent(cast.support, f"Agent Number{number}") for number in range(6)]
    tangle(users, 7)
    counts = foretell([StagedPair(n, users[n].pk, users[n + 3].pk) for n in range(3)])
    for types in counts.values():
        for numbers in types.values():
            fates = sum(numbers.get(fate, 0) for fate in ("moved", "dropped", "merged"))
            assert numbers.get("source", 0) == fates


def test_a_preview_changes_no_record(cast: Cast) -> None:
    records.everything(cast.ana)
    records.everything(cast.bo)
    before = records.snapshot()
    assert foretell([StagedPair(1, cast.ana.pk, cast.bo.pk)])
    assert records.snapshot() == before


def test_no_pairs_no_query(cast: Cast, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert foretell([]) == {}
