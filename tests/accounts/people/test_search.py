"""User search: the order of its results, and that it finds the users in `visible_users`, however many there are."""

import pytest

from accounts.people import search
from accounts.scope import visible_users
from tests.fixtures.cast import Cast, agent


def names(cast: Cast, text: str, **options: bool) -> list[str]:
    found = search.find_users(cast.otto, text, inactive=options.get("inactive", False), limit=20)
    return [user.name for user in found]


def test_names_beginning_with_a_word_come_first(cast: Cast) -> None:
    for name in ("Ben Sur", "Sura Abel", "Zoe Sur"):
        agent(cast.support, name)
    assert names(cast, "sur") == ["Sura Abel", "Ben Sur", "Zoe Sur"]


def test_an_exact_id_comes_first(cast: Cast) -> None:
    agent(cast.support, f"{cast.ana.pk} Aaron")
    assert names(cast, str(cast.ana.pk))[0] == "Ana Díaz"


def test_results_are_unique(cast: Cast) -> None:
    agent(cast.support, "Ana Ana")
    assert names(cast, "ana") == ["Ana Ana", "Ana Díaz"]


@pytest.mark.parametrize("limit", [0, 1_000])
def test_small_and_large_scopes_find_the_same(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(search, "SMALL_SCOPE", limit)
    seen = visible_users(cast.otto).filter(is_active=True).order_by("sort_name", "id")
    assert search.find_users(cast.otto, "", inactive=False, limit=100) == list(seen)


def test_without_a_view_no_user_is_found(cast: Cast) -> None:
    assert search.find_users(cast.nina, "", inactive=True, limit=20) == []
