"""Case-insensitive lookup of users by user name or email, with indexes that only `SearchableUser` can use.

Users can sign in with either, so a user name also counts as taken if it is another user's email, and vice versa. Text
is converted to lower case only in PostgreSQL, as in the unique keys, because Python turns the Turkish İ into two
characters.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BooleanField, Func, QuerySet, TextField, Value
from django.db.models.functions import Lower

from accounts.models import SearchableUser
from tenancy.context import all_tenants_context

Claim = tuple[str, int | None]

# Finds users whose user name or email is one of the texts, using the indexes on lower(username) and lower(email).
OWNERS = """
WITH typed AS (SELECT text, lower(text) AS folded FROM unnest(%(texts)s::text[]) AS t (text))
SELECT text, u.id FROM typed JOIN accounts_searchable AS u ON lower(u.username) = folded
UNION
SELECT text, u.id FROM typed JOIN accounts_searchable AS u ON u.email <> '' AND lower(u.email) = folded
"""
FOLDED = "SELECT text, lower(text) FROM unnest(%s::text[]) AS t (text)"


class IsOneOf(Func):
    """Tests whether a column in lower case equals one of the texts in an array, ignoring their case."""

    arity = 2
    arg_joiner = " = ANY (ARRAY(SELECT lower(text) FROM unnest("
    template = "%(expressions)s) AS t (text)))"
    output_field = BooleanField()


def matching(column: str, names: Iterable[str]) -> QuerySet[SearchableUser]:
    """Return the current tenant's users whose `column` (username or email) is one of the names. Skips empty names."""
    wanted = Value([name for name in names if name], ArrayField(TextField()))
    found = SearchableUser.objects.filter(IsOneOf(Lower(column), wanted))
    return found.exclude(email="") if column == "email" else found  # the partial index has this condition


def matching_ids(column: str, names: Iterable[str]) -> list[int]:
    """Return the ids of the `matching` users.

    They are read in a separate query, because in a join PostgreSQL may scan all users.
    """
    return list(matching(column, names).values_list("pk", flat=True))


def taken(claims: Iterable[Claim]) -> set[Claim]:
    """Return the claims whose user name or email already belongs to another user.

    A claim pairs a user name or email with the id of the user who is to have it (None for a new user). One query
    searches all tenants, because user names and emails are unique across tenants. The result reveals only that a name
    is taken.
    """
    claims = list(claims)
    owners = ids_by_name({name for name, _ in claims})
    return {(name, own) for name, own in claims if owners[name] - {own}}


def ids_by_name(names: Iterable[str]) -> defaultdict[str, set[int | None]]:
    """Map each name, as given, to the ids of the users who have it as their user name or email.

    The ids are from all tenants, so the result must never be shown.
    """
    owners: defaultdict[str, set[int | None]] = defaultdict(set)
    with all_tenants_context(), connection.cursor() as cursor:
        cursor.execute(OWNERS, {"texts": [name for name in names if name]})
        for name, number in cursor.fetchall():
            owners[name].add(number)
    return owners


def folded(names: Iterable[str]) -> dict[str, str]:
    """Map each name to its lower-case form, as converted by PostgreSQL in one query."""
    with connection.cursor() as cursor:
        cursor.execute(FOLDED, [sorted(set(names))])
        return dict(cursor.fetchall())
