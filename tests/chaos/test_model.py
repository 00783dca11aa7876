"""The comparison with the rules notices a row, and keeps pairs together that have one in common."""

import json

import pytest

from tests.chaos.model import Shelf, apart
from tests.oracle import Pair
from tests.oracle.world import Row

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
