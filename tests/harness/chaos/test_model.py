"""The comparison with the reference model notices wrong rows, and keeps pairs that share a row together."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from records.quality.models import CCR, ContactGoalProgress
from records.workforce.models import ScheduleActivity
from tests.fixtures import records
from tests.fixtures.cast import Cast
from tests.fixtures.further_records import further
from tests.fixtures.journal import deleted_by
from tests.fixtures.running import run_bulk
from tests.harness.chaos.model import Expected, Shelf, expect, independent_groups
from tests.harness.databases import address
from tests.harness.oracle import Pair
from tests.harness.oracle.world import Row

PAIRS = [Pair(1, 1, 2), Pair(3, 3, 4), Pair(5, 5, 6)]


def users_of(row: Row) -> list[int]:
    return [user for user in row["users"] if user < 10]


def text(*users: int) -> str:
    return json.dumps({"users": users})


@pytest.fixture
def shelf() -> Shelf:
    """A shelf with two rows of users in the transfer and one row of another user."""
    made = Shelf(users_of)
    made.add_texts([text(1), text(3, 6), text(77)])
    return made


@pytest.mark.parametrize(
    ("there", "is_noticed"),
    [
        ([text(3, 6), text(77), text(2)], False),
        ([text(3, 6), text(77), text(1)], True),  # not moved to the target
        ([text(3, 6), text(77)], True),  # lost
        ([text(3, 6), text(77), text(2), text(2)], True),  # duplicated
        ([text(3, 6), text(2)], True),  # another user's row is lost
        ([text(3, 6), text(2), text(78)], True),  # another user's row has changed
    ],
)
def test_a_wrong_row_is_noticed(shelf: Shelf, there: list[str], is_noticed: bool) -> None:
    assert shelf.take([1, 2]) == [{"users": [1]}]
    shelf.add_all([{"users": [2]}])
    assert bool(list(shelf.differences("table", there))) == is_noticed


def test_taken_rows_are_removed(shelf: Shelf) -> None:
    assert shelf.take([3]) == [{"users": [3, 6]}]
    assert shelf.take([3, 6]) == []


def test_pairs_that_share_a_row_stay_together_in_order(shelf: Shelf) -> None:
    assert sorted(independent_groups(PAIRS, shelf)) == [(PAIRS[0],), (PAIRS[1], PAIRS[2])]
    shelf.add_all([{"users": [6, 2]}])
    assert independent_groups(PAIRS, shelf) == [tuple(PAIRS)]


# --- With the engine -------------------------------------------------------------------------------------------------


@contextmanager
def snapshot() -> Iterator[psycopg.Connection]:
    """Open a connection that keeps seeing the database as it is now, despite later changes."""
    with psycopg.connect(address(connection.settings_dict["NAME"])) as database:
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        database.execute("SELECT FROM accounts_user")
        yield database


def expected(before: psycopg.Connection, pairs: list[Pair]) -> Expected:
    with snapshot() as live:
        return expect(before, live, [pairs])


@pytest.mark.django_db(transaction=True)
def test_the_engine_matches_the_model() -> None:
    cast = Cast()
    pairs = [(cast.ana, cast.bo), (cast.cy, cast.di)]
    for number, user in enumerate((cast.ana, cast.bo, cast.cy, cast.di, cast.eli)):
        records.everything(user)
        further(user, 11 + number % 2)
    with snapshot() as before:
        transfer = run_bulk(cast.ada, *pairs)
        of_rules = [Pair(source.pk, source.pk, target.pk) for source, target in pairs]

        found = expected(before, of_rules)
        assert found.sentences == []
        assert found.counts == {pair.source_id: counted(pair.counts) for pair in transfer.pairs.all()}
        assert len(found.discarded) == len(deleted_by(transfer)) > 0

        ContactGoalProgress.objects.filter(person=cast.bo).update(recorded=7)
        ScheduleActivity.objects.filter(schedule__user=cast.di).first().delete()
        CCR.objects.filter(agent=cast.eli).update(hold_seconds=99)
        tables = [sentence.split(":")[0] for sentence in expected(before, of_rules).sentences]
        assert tables == ["quality_ccr", "quality_contactgoalprogress", "workforce_scheduleactivity"]


def counted(counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Return the counts without those that are zero."""
    plain = {name: {what: n for what, n in numbers.items() if n} for name, numbers in counts.items()}
    return {name: numbers for name, numbers in plain.items() if numbers}
