"""Lookup by user name or email ignores case and uses an index, and the check for taken names covers all tenants."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from accounts.models import SearchableUser, User
from accounts.people.search import with_words
from accounts.signing_in import identifiers
from accounts.signing_in.backends import find_user
from tenancy.context import tenant_context
from tests.fixtures.cast import Cast


@contextmanager
def small_tables_like_large_ones() -> Iterator[None]:
    """Disable sequential scans, which PostgreSQL prefers for tables this small, so that it uses indexes."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        yield
        cursor.execute("RESET enable_seqscan")


def searched() -> dict[str, QuerySet[Any]]:
    """Map the name of each index to a query that must use it."""
    return {
        "user_username_unique": identifiers.matching("username", ["Ada.Admin", "otto"]),
        "user_email_unique": identifiers.matching("email", ["Ada@example.com"]),
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
def test_under_row_level_security_the_index_is_used(cast: Cast, index: str) -> None:
    with tenant_context(cast.abacus.pk), small_tables_like_large_ones():
        assert f" {index} " in searched()[index].explain()


def test_a_claim_is_taken_as_user_name_or_as_email(cast: Cast) -> None:
    frida, ana = cast.frida, cast.ana
    claims = {
        (name, own)
        for name in ("FRIDA.foreign", "Frida.Foreign@example.com", "nobody", "")
        for own in (None, frida.pk, ana.pk)
    }
    with tenant_context(cast.abacus.pk):
        found = identifiers.taken(claims)
        assert User.objects.filter(pk=frida.pk).count() == 0
    assert found == {
        (name, own) for name in ("FRIDA.foreign", "Frida.Foreign@example.com") for own in (None, ana.pk)
    }


def test_a_user_name_takes_precedence_over_an_equal_email(cast: Cast) -> None:
    User.objects.filter(pk=cast.ana.pk).update(username="Same@example.com")
    User.objects.filter(pk=cast.bo.pk).update(email="same@example.com")
    assert find_user("SAME@example.com") == cast.ana
    User.objects.filter(pk=cast.ana.pk).update(username="ana")
    assert find_user("SAME@example.com") == cast.bo
    assert find_user("") is None


# --- Case folding by PostgreSQL, not by Python -----------------------------------------------------------------------

# Pairs that are equal in lower case in PostgreSQL, where İ becomes one character, but not in Python, where it becomes
# two.
TWINS = [
    ("\u0130van@abacus.example", "ivan@abacus.example"),
    ("IVAN@abacus.example", "\u0130van@abacus.example"),
]


@pytest.mark.parametrize(("typed", "stored"), TWINS)
@pytest.mark.parametrize("column", ["username", "email"])
def test_claims_fold_case_like_the_unique_keys(cast: Cast, column: str, typed: str, stored: str) -> None:
    """The check for taken names must ignore case in the same way as the unique keys.

    Otherwise someone in another tenant could choose a victim's email as a user name, and
    sign-in would then find that user, because it compares user names before emails.
    """
    User.objects.filter(pk=cast.ana.pk).update(**{column: stored})
    assert find_user(typed) == cast.ana
    with tenant_context(cast.foreign.pk):
        assert identifiers.taken([(typed, None), (typed, cast.ana.pk)]) == {(typed, None)}
        assert identifiers.ids_by_name([typed]) == {typed: {cast.ana.pk}}
