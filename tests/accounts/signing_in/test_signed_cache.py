"""Someone who can write to the cache table can neither execute code nor forge values."""

import base64
import builtins
import pickle
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.db import connection

pytestmark = pytest.mark.django_db

VALUES = [
    1,
    0.5,
    True,
    None,
    "Ana Díaz",
    "",
    [1700000000.25, 1700000001],
    {
        "idp": {"entityId": "https://login.example.org", "x509certMulti": {"signing": ["abc"]}},
        "strict": False,
    },
]


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("import builtins; builtins.RAN_IN_THE_WEB_PROCESS = True",)


def write(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_cache SET value = %s, expires = now() + interval '1 hour'", [value])
        assert cursor.rowcount == 1


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM accounts_cache")
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_values_round_trip(value: Any) -> None:
    cache.set("a-key", value, 60)
    assert cache.get("a-key", "nothing") == value
    assert cache.get_many(["a-key", "another"]) == {"a-key": value}


def test_a_forged_row_is_a_miss_and_runs_nothing() -> None:
    cache.set("tries", [1, 2], 60)
    write(base64.b64encode(pickle.dumps(Evil())).decode())
    assert cache.get("tries", "nothing") == "nothing"
    assert not hasattr(builtins, "RAN_IN_THE_WEB_PROCESS")


@pytest.mark.parametrize("forged", ["", "[]", "no value:at all", "W10:1abc:def", "\\x00"])
def test_an_unsigned_value_is_a_miss(forged: str) -> None:
    cache.set("tries", [1, 2], 60)
    write(forged)
    assert cache.get("tries", "nothing") == "nothing"


def test_a_value_copied_to_another_key_is_a_miss() -> None:
    cache.set("one", [], 60)
    nothing_yet = stored()
    cache.clear()
    cache.set("two", [1, 2, 3], 60)
    write(nothing_yet)
    assert cache.get("two", "nothing") == "nothing"


def test_a_forged_row_can_be_overwritten() -> None:
    cache.set("tries", [1], 60)
    write("forged")
    cache.set("tries", [2], 60)
    assert cache.get("tries") == [2]


def test_add_incr_touch_and_expiry() -> None:
    assert cache.add("code", True, 60)
    assert not cache.add("code", True, 60)
    assert cache.touch("code", 120)
    assert not cache.touch("no-such-code", 120)
    cache.set("count", 1, 60)
    assert cache.incr("count") == 2
    cache.set("gone", 1, -1)
    assert cache.get("gone") is None
    cache.set("for-ever", 1, None)
    assert cache.get("for-ever") == 1
    assert cache.add("gone", 2, 60)
    assert cache.get("gone") == 2
    cache.delete("gone")
    assert cache.get("gone") is None


def test_a_full_cache_is_culled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches["default"], "_max_entries", 3)
    for number in range(9):
        cache.set(f"key-{number}", number, 60)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_cache")
        assert cursor.fetchone()[0] <= 4
