"""The housekeeping stands in nobody's way, may be broken off, and goes on the next time."""

import io
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts import wall
from operations import housekeeping, tasks
from tests.databases import another_connection
from tests.operations.test_housekeeping import ago, told
from tests.transfers.cast import Cast
from transfers.models import DiscardedRow

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(cast: Cast) -> None:
    row = {"tenant_id": cast.abacus.pk, "transfer_id": 1, "pair_id": 1, "table": "t", "reason": "dropped"}
    DiscardedRow.objects.bulk_create(DiscardedRow(**row, row={}, discarded_at=ago(40)) for _ in range(7))


def test_it_goes_in_portions_and_none_is_larger(many: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PORTION", 3)
    sizes = []
    remove = housekeeping.Kind.remove

    def noted(kind: housekeeping.Kind, cursor: object) -> int:
        sizes.append(remove(kind, cursor))
        return sizes[-1]

    monkeypatch.setattr(housekeeping.Kind, "remove", noted)
    assert told() == {"discarded rows": 7}
    assert [size for size in sizes if size] == [3, 3, 1]


@pytest.mark.django_db(transaction=True)
def test_broken_off_it_goes_on_next_time(many: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done by then is committed."""
    monkeypatch.setattr(housekeeping, "PORTION", 3)
    remove = housekeeping.Kind.remove

    def ends_after_the_first(kind: housekeeping.Kind, cursor: object) -> int:
        if kind.what == "discarded rows" and DiscardedRow.objects.count() < 7:
            raise KeyboardInterrupt
        return remove(kind, cursor)

    with patch.object(housekeeping.Kind, "remove", ends_after_the_first), pytest.raises(KeyboardInterrupt):
        told()
    assert DiscardedRow.objects.count() == 4
    assert told() == {"discarded rows": 4}


def test_a_worker_has_its_turn_and_asks_for_the_next(many: None, settings: Settings) -> None:
    settings.TRANSFER_TASK_SECONDS = 0
    with patch.object(tasks.housekeeping, "delay") as asked:
        tasks.housekeeping()
        assert asked.call_count == 1
        settings.TRANSFER_TASK_SECONDS = 20
        tasks.housekeeping()
    assert asked.call_count == 1
    assert not DiscardedRow.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_table_in_use_is_left_for_the_next_time_and_the_others_have_their_turn(
    many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "LOCK_TIMEOUT", "50ms")
    cache.set("gone", 1, timeout=-1)
    out = io.StringIO()
    with another_connection() as somebody, somebody.transaction():
        somebody.execute("LOCK TABLE transfers_discardedrow IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(
            CommandError, match="run it again. discarded rows: canceling statement due to lock"
        ):
            call_command("housekeeping", stdout=out)
    assert "1 cache entries" in out.getvalue()
    assert told() == {"discarded rows": 7}


def test_it_sees_the_rows_of_every_tenant_by_itself(many: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall, "outside", wall.NOBODY)
    tasks.housekeeping()
    with wall.every_tenant():
        assert not DiscardedRow.objects.exists()
