"""Thousands of clashing names of one pair are counted and renamed: work that grows much faster would not end."""

from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import User
from records.quality.models import ContactGoal
from tests.fixtures.cast import Cast
from tests.fixtures.running import run_single
from transfers.models import State
from transfers.planning.plan import plan_for_pair

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

LIMIT = "30s"  # per statement; quadratic work on the most rows takes minutes, cubic work hours
Names = Callable[[int], tuple[list[str], list[str]]]


def each_with_its_own_name(n: int) -> tuple[list[str], list[str]]:
    names = [f"Goal {number}" for number in range(n)]
    return names, names


def numbered(n: int) -> tuple[list[str], list[str]]:
    """All numbers up to `n` are taken."""
    return ["Goal"], ["Goal", *(f"Goal ({number})" for number in range(2, n + 1))]


def numbered_on_both_sides(n: int) -> tuple[list[str], list[str]]:
    names = ["Goal", *(f"Goal ({number})" for number in range(2, n + 1))]
    return names, names


def goals(user: User, names: list[str]) -> None:
    ContactGoal.objects.bulk_create(ContactGoal(owner=user, name=name, contacts=1) for name in names)


@pytest.mark.parametrize(
    ("names", "amount"),
    [
        (each_with_its_own_name, 2_000),
        (numbered, 30_000),
        (numbered_on_both_sides, 1_000),
    ],
)
def test_clashing_names(cast: Cast, no_messages: None, names: Names, amount: int) -> None:
    of_source, of_target = names(amount)
    goals(cast.ana, of_source)
    goals(cast.bo, of_target)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE; SET LOCAL statement_timeout = '{LIMIT}'")
    plan_for_pair(cast.ada, cast.ana.pk, cast.bo.pk)
    assert run_single(cast.ada, cast.ana, cast.bo).state == State.SUCCEEDED
    kept = list(ContactGoal.objects.filter(owner=cast.bo).values_list("name", flat=True))
    assert len(kept) == len(set(kept)) == len(of_source) + len(of_target)
