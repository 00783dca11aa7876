"""Finding users by what a person types: an id, or parts of the name, the user name or the email, in any order."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from accounts.models import AccessViewTeam, AccessViewUser, SearchableUser, User
from accounts.models.user import Plain
from accounts.scope import active_views, in_scope, visible_users

Users = TypeVar("Users", User, SearchableUser)

LARGEST_ID = 2**63 - 1
LAST_CHARACTER = "\U0010ffff"
WORDS = 8
# So many users are read and sorted in a few hundredths of a second, whoever they are.
SMALL_SCOPE = 5_000


def find_users(person: User, text: str, *, inactive: bool, limit: int) -> list[User]:
    """At most `limit` users that `person` may see: the one with this id, names that begin so, then the others by name.

    Every word of `text` has to occur, whatever its case and accents; an empty text finds the first by name.
    """
    users = in_scope_by_name(person, SearchableUser.objects.all())
    if not inactive:
        users = users.filter(is_active=True)
    words = text.replace("\0", "").split()[:WORDS]
    found: list[int] = []
    beginning = (beginning_so(users, word, words) for word in words)
    for step in (with_id(users, words), *beginning, users.filter(with_words(words))):
        if len(found) < limit:
            found += step.exclude(pk__in=found).values_list("pk", flat=True)[: limit - len(found)]
    by_id = User.objects.select_related("team").in_bulk(found)
    return [by_id[number] for number in found if number in by_id]


def within_scope(person: User) -> QuerySet[User]:
    """The users of the person's view, in the order of their names. To search them by text, use `matching`."""
    return in_scope_by_name(person, User.objects.select_related("team"))


def in_scope_by_name(person: User, users: QuerySet[Users]) -> QuerySet[Users]:
    """The scope is said once more as ids, because only then can PostgreSQL estimate it. A small scope is sorted by an
    expression, which no index has: reading a huge tenant in the order of names until 20 of one team have come by may
    take seconds.
    """
    users = users.filter(in_scope(person)).order_by("sort_name", "id")
    views = active_views(person)
    if views.filter(is_enterprise=True).exists():
        return users
    teams = AccessViewTeam.objects.filter(view__in=views).values_list("team_id", flat=True)
    single = AccessViewUser.objects.filter(view__in=views).values_list("user_id", flat=True)
    scope = Q(team_id__in=list(teams)) | Q(id__in=list(single))
    members = User.objects.filter(team_id__in=list(teams))[: SMALL_SCOPE + 1].count()
    if members + len(single) > SMALL_SCOPE:
        return users.filter(scope)
    return users.filter(scope).order_by(Concat("sort_name", Value("")), "id")


def with_id(users: QuerySet[Users], words: list[str]) -> QuerySet[Users]:
    number = as_id(words[0]) if len(words) == 1 else None
    return users.none() if number is None else users.filter(pk=number)


def as_id(text: str) -> int | None:
    """The number that somebody typed, or a request carries; None for whatever cannot be an id."""
    is_number = text.isascii() and text.isdigit() and len(text.lstrip("0")) <= len(str(LARGEST_ID))
    return int(text) if is_number and int(text) <= LARGEST_ID else None


def beginning_so(users: QuerySet[Users], word: str, words: list[str]) -> QuerySet[Users]:
    """Those whose name begins with `word` and who have the other words: a range of the index by name, so the first 20
    are found at once. That they have `word` itself is not asked again: the planner, who takes the two for
    independent, would expect hardly anybody, and read everybody who has it somewhere.
    """
    beyond = Concat(Plain(Value(word)), Value(LAST_CHARACTER))
    others = with_words([other for other in words if other != word])
    return users.filter(others, sort_name__gte=Plain(Value(word)), sort_name__lt=beyond)


def with_words(words: list[str]) -> Q:
    """Over `SearchableUser`: every word occurs. Over `User` no index would help: see there."""
    every = Q()
    for word in words:
        every &= Q(search_text__contains=Plain(Value(word)))
    return every


def matching(users: QuerySet[User], words: list[str]) -> QuerySet[User]:
    if not words:
        return users
    return users.filter(pk__in=SearchableUser.objects.filter(with_words(words)).values("pk"))


# Which users of a tenant are called just so: by their whole name, their email or their user name.
# Reads accounts_user, through a view, by its indexes on (tenant_id, sort_name), on lower(email) and on lower(username).
CALLED = """
WITH typed AS (
    SELECT text, lower(text) AS login, accounts_plain(name) AS plain
    FROM jsonb_to_recordset(%s::jsonb) AS t (text text, name text)
)
SELECT text, u.id FROM typed JOIN accounts_searchable AS u ON u.tenant_id = %s AND u.sort_name = plain
UNION
SELECT text, u.id FROM typed JOIN accounts_searchable AS u ON u.tenant_id = %s AND lower(u.username) = login
UNION
SELECT text, u.id FROM typed
JOIN accounts_searchable AS u ON u.tenant_id = %s AND u.email <> '' AND lower(u.email) = login
"""


def who_is_called(person: User, texts: Iterable[str]) -> dict[str, User]:
    """By each text the one user of the person's view whose name, email or user name it is, in full.

    A text that means nobody in the view, or more than one, is left out. Two queries, however many texts.
    """
    typed = json.dumps([{"text": text, "name": in_order(text)} for text in texts])
    with connection.cursor() as cursor:
        cursor.execute(CALLED, [typed, *[person.tenant_id] * 3])
        pairs = cursor.fetchall()
    users = visible_users(person).in_bulk({number for _, number in pairs})
    meant: dict[str, list[User]] = defaultdict(list)
    for text, number in pairs:
        if number in users:
            meant[text].append(users[number])
    return {text: found[0] for text, found in meant.items() if len(found) == 1}


def in_order(text: str) -> str:
    """ "Chen,  Bo" → "Bo Chen"; single spaces everywhere."""
    last, comma, first = text.partition(",")
    return " ".join(f"{first} {last}".split() if comma else text.split())
