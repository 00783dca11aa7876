"""Who has a user name or an email: whatever its case, in whichever tenant, and by an index."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from accounts import logins, wall
from accounts.backends import find
from accounts.models import SearchableUser, User
from accounts.search import with_words
from tests.transfers.cast import Cast


@contextmanager
def small_tables_like_large_ones() -> Iterator[None]:
    """So small a table is read as a whole, unless reading it is made dear."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        yield
        cursor.execute("RESET enable_seqscan")


def searched() -> dict[str, QuerySet[Any]]:
    """By the name of an index a question that it has to answer."""
    return {
        "user_username_unique": logins.having("username", ["Ada.Admin", "otto"]),
        "user_email_unique": logins.having("email", ["Ada@example.com"]),
        "user_search": SearchableUser.objects.filter(with_words(["admin"])),
    }


@pytest.mark.parametrize(
    "index",
    [
        "user_username_unique",
        "user_email_unique",
        "user_search",
    ],
)
def test_behind_the_wall_an_index_answers(cast: Cast, index: str) -> None:
    with wall.tenant(cast.abacus.pk), small_tables_like_large_ones():
        assert f" {index} " in searched()[index].explain()


def test_a_claim_is_taken_when_another_has_it_as_either_of_the_two(cast: Cast) -> None:
    frida, ana = cast.frida, cast.ana
    claims = {
        (name, own)
        for name in ("FRIDA.foreign", "Frida.Foreign@example.com", "nobody", "")
        for own in (None, frida.pk, ana.pk)
    }
    with wall.tenant(cast.abacus.pk):
        found = logins.taken(claims)
        assert User.objects.filter(pk=frida.pk).count() == 0
    assert found == {
        (name, own) for name in ("FRIDA.foreign", "Frida.Foreign@example.com") for own in (None, ana.pk)
    }


def test_signing_in_a_user_name_wins_over_an_equal_email(cast: Cast) -> None:
    User.objects.filter(pk=cast.ana.pk).update(username="Same@example.com")
    User.objects.filter(pk=cast.bo.pk).update(email="same@example.com")
    assert find("SAME@example.com") == cast.ana
    User.objects.filter(pk=cast.ana.pk).update(username="ana")
    assert find("SAME@example.com") == cast.bo
    assert find("") is None


# --- As PostgreSQL folds, and not as Python does ---------------------------------------------------------------------

# Small letters of which Python makes two characters, or another one than PostgreSQL does.
TWINS = [
    ("\u0130van@abacus.example", "ivan@abacus.example"),
    ("IVAN@abacus.example", "\u0130van@abacus.example"),
]


@pytest.mark.parametrize(("typed", "stored"), TWINS)
@pytest.mark.parametrize("column", ["username", "email"])
def test_a_claim_is_folded_as_the_unique_keys_fold(cast: Cast, column: str, typed: str, stored: str) -> None:
    """Else somebody of another tenant could take the user name that wins over a victim's email."""
    User.objects.filter(pk=cast.ana.pk).update(**{column: stored})
    assert find(typed) == cast.ana
    with wall.tenant(cast.foreign.pk):
        assert logins.taken([(typed, None), (typed, cast.ana.pk)]) == {(typed, None)}
        assert logins.owners_of([typed]) == {typed: {cast.ana.pk}}
