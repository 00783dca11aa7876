"""Who has a user name or an email, whatever its case: found by the indexes on both, which serve `SearchableUser` only.

Both name somebody at sign-in, so either is taken when somebody has it as the other one. What is the same but for its
case is decided by PostgreSQL alone, as the unique keys decide it: of the Turkish İ, Python makes two small characters.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BooleanField, Func, QuerySet, TextField, Value
from django.db.models.functions import Lower

from accounts import wall
from accounts.models import SearchableUser

Claim = tuple[str, int | None]

# Who has one of the texts, as the user name or as the email; by the indexes on lower(username) and lower(email).
OWNERS = """
WITH typed AS (SELECT text, lower(text) AS folded FROM unnest(%(texts)s::text[]) AS t (text))
SELECT text, u.id FROM typed JOIN accounts_searchable AS u ON lower(u.username) = folded
UNION
SELECT text, u.id FROM typed JOIN accounts_searchable AS u ON u.email <> '' AND lower(u.email) = folded
"""
FOLDED = "SELECT text, lower(text) FROM unnest(%s::text[]) AS t (text)"


class IsOneOf(Func):
    """Of a column in small letters: is it one of the texts of an array, whatever their case?"""

    arity = 2
    arg_joiner = " = ANY (ARRAY(SELECT lower(text) FROM unnest("
    template = "%(expressions)s) AS t (text)))"
    output_field = BooleanField()


def having(column: str, names: Iterable[str]) -> QuerySet[SearchableUser]:
    """Those whose `username` or `email` is one of the names; of the tenant that is shown. Nobody has an empty one."""
    wanted = Value([name for name in names if name], ArrayField(TextField()))
    found = SearchableUser.objects.filter(IsOneOf(Lower(column), wanted))
    return found.exclude(email="") if column == "email" else found  # as the index says it


def ids_having(column: str, names: Iterable[str]) -> list[int]:
    """Read apart from the users themselves: joined, PostgreSQL may choose to read all of them."""
    return list(having(column, names).values_list("pk", flat=True))


def taken(claims: Iterable[Claim]) -> set[Claim]:
    """Of user names and emails, each with the id of who claims it (None: somebody new), those that another one has.

    Over all tenants, because both are unique over all of them; nothing is told but that it is taken. One query.
    """
    claims = list(claims)
    owners = owners_of({name for name, _ in claims})
    return {(name, own) for name, own in claims if owners[name] - {own}}


def owners_of(names: Iterable[str]) -> defaultdict[str, set[int | None]]:
    """By name, as it is given, the ids of who has it, in any tenant; not to be shown to anybody."""
    owners: defaultdict[str, set[int | None]] = defaultdict(set)
    with wall.every_tenant(), connection.cursor() as cursor:
        cursor.execute(OWNERS, {"texts": [name for name in names if name]})
        for name, number in cursor.fetchall():
            owners[name].add(number)
    return owners


def folded(names: Iterable[str]) -> dict[str, str]:
    """Each name in small letters, as PostgreSQL makes them. One query."""
    with connection.cursor() as cursor:
        cursor.execute(FOLDED, [sorted(set(names))])
        return dict(cursor.fetchall())
