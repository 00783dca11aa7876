"""Case-insensitive lookup of users by user name or email, through the indexes that serve `SearchableUser` only.

Either one signs a user in, so a user name is also taken when it is another user's email, and the reverse. Case is
folded by PostgreSQL alone, as in the unique keys: Python lowers the Turkish İ to two characters.
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

# Users with one of the texts as user name or email; uses the indexes on lower(username) and lower(email).
OWNERS = """
WITH typed AS (SELECT text, lower(text) AS folded FROM unnest(%(texts)s::text[]) AS t (text))
SELECT text, u.id FROM typed JOIN accounts_searchable AS u ON lower(u.username) = folded
UNION
SELECT text, u.id FROM typed JOIN accounts_searchable AS u ON u.email <> '' AND lower(u.email) = folded
"""
FOLDED = "SELECT text, lower(text) FROM unnest(%s::text[]) AS t (text)"


class IsOneOf(Func):
    """Test whether a lower-cased column equals one of the texts of an array, ignoring their case."""

    arity = 2
    arg_joiner = " = ANY (ARRAY(SELECT lower(text) FROM unnest("
    template = "%(expressions)s) AS t (text)))"
    output_field = BooleanField()


def matching(column: str, names: Iterable[str]) -> QuerySet[SearchableUser]:
    """Users of the current tenant whose `username` or `email` is one of the names. Empty names match no user."""
    wanted = Value([name for name in names if name], ArrayField(TextField()))
    found = SearchableUser.objects.filter(IsOneOf(Lower(column), wanted))
    return found.exclude(email="") if column == "email" else found  # the condition of the partial index


def matching_ids(column: str, names: Iterable[str]) -> list[int]:
    """Read in a query of its own: in a join, PostgreSQL may choose a sequential scan of all users."""
    return list(matching(column, names).values_list("pk", flat=True))


def taken(claims: Iterable[Claim]) -> set[Claim]:
    """The claims, (user name or email, ID of the claiming user or None for a new one), that another user already has.

    Looks in all tenants, because both are unique across them, and reveals only that a name is taken. One query.
    """
    claims = list(claims)
    owners = ids_by_name({name for name, _ in claims})
    return {(name, own) for name, own in claims if owners[name] - {own}}


def ids_by_name(names: Iterable[str]) -> defaultdict[str, set[int | None]]:
    """IDs of the users with each name, keyed by the name as given. Covers all tenants: never show the result."""
    owners: defaultdict[str, set[int | None]] = defaultdict(set)
    with all_tenants_context(), connection.cursor() as cursor:
        cursor.execute(OWNERS, {"texts": [name for name in names if name]})
        for name, number in cursor.fetchall():
            owners[name].add(number)
    return owners


def folded(names: Iterable[str]) -> dict[str, str]:
    """Each name in lower case as PostgreSQL folds it. One query."""
    with connection.cursor() as cursor:
        cursor.execute(FOLDED, [sorted(set(names))])
        return dict(cursor.fetchall())
