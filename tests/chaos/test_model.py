"""The comparison with the rules notices a row, and keeps pairs together that have one in common."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from tests.chaos.model import Judged, Shelf, apart, judge
from tests.databases import address
from tests.oracle import Pair
from tests.oracle.world import Row
from tests.transfers import records
from tests.transfers.cast import Cast
from tests.transfers.further_records import further
from tests.transfers.running import run_bulk
from transfers.models import DiscardedRow
from transfers.quality.models import CCR, ContactGoalProgress
from transfers.workforce.models import ScheduleActivity

PAIRS = [Pair(1, 1, 2), Pair(3, 3, 4), Pair(5, 5, 6)]


def users_of(row: Row) -> list[int]:
    return [user for user in row["users"] if user < 10]


def text(*users: int) -> str:
    return json.dumps({"users": users})


@pytest.fixture
def shelf() -> Shelf:
    """Two rows of people of the transfer, and one of somebody else."""
    made = Shelf(users_of)
    made.add_texts([text(1), text(3, 6), text(77)])
    return made


@pytest.mark.parametrize(
    ("there", "is_said"),
    [
        ([text(3, 6), text(77), text(2)], False),
        ([text(3, 6), text(77), text(1)], True),  # not moved
        ([text(3, 6), text(77)], True),  # lost
        ([text(3, 6), text(77), text(2), text(2)], True),  # there twice
        ([text(3, 6), text(2)], True),  # somebody else's is lost
        ([text(3, 6), text(2), text(78)], True),  # or has changed
    ],
)
def test_a_row_that_is_not_as_it_should_be_is_noticed(shelf: Shelf, there: list[str], is_said: bool) -> None:
    assert shelf.take([1, 2]) == [{"users": [1]}]
    shelf.add_all([{"users": [2]}])
    assert bool(list(shelf.differences("table", there))) == is_said


def test_what_is_taken_is_no_longer_there(shelf: Shelf) -> None:
    assert shelf.take([3]) == [{"users": [3, 6]}]
    assert shelf.take([3, 6]) == []


def test_pairs_with_a_row_in_common_stay_together_in_their_order(shelf: Shelf) -> None:
    assert sorted(apart(PAIRS, shelf)) == [(PAIRS[0],), (PAIRS[1], PAIRS[2])]
    shelf.add_all([{"users": [6, 2]}])
    assert apart(PAIRS, shelf) == [tuple(PAIRS)]


# --- The whole of it -------------------------------------------------------------------------------------------------


@contextmanager
def looking() -> Iterator[psycopg.Connection]:
    """Sees the database as it was at its first look."""
    with psycopg.connect(address(connection.settings_dict["NAME"])) as database:
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        database.execute("SELECT FROM accounts_user")
        yield database


def judged(before: psycopg.Connection, pairs: list[Pair]) -> Judged:
    with looking() as live:
        return judge(before, live, [pairs])


@pytest.mark.django_db(transaction=True)
def test_what_the_engine_did_is_what_the_rules_say_and_no_row_else() -> None:
    cast = Cast()
    pairs = [(cast.ana, cast.bo), (cast.cy, cast.di)]
    for number, user in enumerate((cast.ana, cast.bo, cast.cy, cast.di, cast.eli)):
        records.everything(user)
        further(user, 11 + number % 2)
    with looking() as before:
        transfer = run_bulk(cast.ada, *pairs)
        of_rules = [Pair(source.pk, source.pk, target.pk) for source, target in pairs]

        found = judged(before, of_rules)
        assert found.sentences == []
        assert found.counts == {pair.source_id: counted(pair.counts) for pair in transfer.pairs.all()}
        assert len(found.discarded) == DiscardedRow.objects.filter(transfer_id=transfer.pk).count() > 0

        ContactGoalProgress.objects.filter(person=cast.bo).update(recorded=7)
        ScheduleActivity.objects.filter(schedule__user=cast.di).first().delete()
        CCR.objects.filter(agent=cast.eli).update(hold_seconds=99)
        tables = [sentence.split(":")[0] for sentence in judged(before, of_rules).sentences]
        assert tables == ["quality_ccr", "quality_contactgoalprogress", "workforce_scheduleactivity"]


def counted(counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Without zeros."""
    plain = {name: {what: n for what, n in numbers.items() if n} for name, numbers in counts.items()}
    return {name: numbers for name, numbers in plain.items() if numbers}
