"""Who has a user name or an email, whatever its case: found by the indexes on both, which serve `SearchableUser` only.

Both name somebody at sign-in, so either is taken when somebody has it as the other one.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import QuerySet
from django.db.models.functions import Lower

from accounts import wall
from accounts.models import SearchableUser

Claim = tuple[str, int | None]


def having(column: str, names: Iterable[str]) -> QuerySet[SearchableUser]:
    """Those whose `username` or `email` is one of the names; of the tenant that is shown. Nobody has an empty one."""
    wanted = [name.lower() for name in names if name]
    found = SearchableUser.objects.alias(folded=Lower(column)).filter(folded__in=wanted)
    return found.exclude(email="") if column == "email" else found  # as the index says it


def ids_having(column: str, names: Iterable[str]) -> list[int]:
    """Read apart from the users themselves: joined, PostgreSQL may choose to read all of them."""
    return list(having(column, names).values_list("pk", flat=True))


def taken(claims: Iterable[Claim]) -> set[Claim]:
    """Of user names and emails, each with the id of who claims it (None: somebody new), those that another one has.

    Over all tenants, because both are unique over all of them; nothing is told but that it is taken. Two queries.
    """
    claims = list(claims)
    owners = owners_of({name for name, _ in claims})
    return {(name, own) for name, own in claims if owners[name.lower()] - {own}}


def owners_of(names: Iterable[str]) -> defaultdict[str, set[int | None]]:
    """By name in lower case the ids of who has it, in any tenant; not to be shown to anybody."""
    names, owners = list(names), defaultdict(set)
    with wall.every_tenant():
        for column in ("username", "email"):
            for number, name in having(column, names).values_list("pk", column):
                owners[name.lower()].add(number)
    return owners
