"""User search by id, or by words in the name, user name or email, in any order."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from accounts.models import AccessViewTeam, AccessViewUser, SearchableUser, User
from accounts.models.user import Plain
from accounts.scope import in_scope, sees_everything, visible_users
from wording.normal_form import normalized

Users = TypeVar("Users", User, SearchableUser)

LARGEST_ID = 2**63 - 1
LAST_CHARACTER = "\U0010ffff"
WORDS = 8
# This many users can be read and sorted in a few hundredths of a second.
SMALL_SCOPE = 5_000


def find_users(person: User, text: str, *, inactive: bool, limit: int) -> list[User]:
    """Return at most `limit` users whom `person` may see and who match the text.

    A user matches if the text is their id, or if every word occurs in their name, user name or email, ignoring case and
    accents. An empty text matches all users. The user with the id comes first, then users whose name begins with one of
    the words, then the others by name.
    """
    users = in_scope_by_name(person, SearchableUser.objects.all())
    if not inactive:
        users = users.filter(is_active=True)
    words = text.replace("\0", "").split()[:WORDS]
    found: list[int] = []
    beginning = (beginning_with(users, word, words) for word in words)
    for step in (with_id(users, words), *beginning, users.filter(with_words(words))):
        if len(found) < limit:
            found += step.exclude(pk__in=found).values_list("pk", flat=True)[: limit - len(found)]
    by_id = User.objects.select_related("team").in_bulk(found)
    return [by_id[number] for number in found if number in by_id]


def within_scope(person: User) -> QuerySet[User]:
    """Return the users in the person's views, sorted by name. To search them by text, use `matching`."""
    return in_scope_by_name(person, User.objects.select_related("team"))


def in_scope_by_name(person: User, users: QuerySet[Users]) -> QuerySet[Users]:
    """Return those of `users` whom the person may see, sorted by name.

    The condition also lists the ids of the teams and single users in the person's views, because PostgreSQL cannot
    estimate how many users the subqueries of `in_scope` find. A small scope is sorted by an expression without an
    index. Otherwise PostgreSQL may read a huge tenant in the order of names until it finds 20 users of one team, which
    can take seconds.
    """
    users = users.filter(in_scope(person)).order_by("sort_name", "id")
    if sees_everything(person):
        return users
    views = person.active_views
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
    """Return the text as an id, or None if it cannot be one."""
    is_number = text.isascii() and text.isdigit() and len(text.lstrip("0")) <= len(str(LARGEST_ID))
    return int(text) if is_number and int(text) <= LARGEST_ID else None


def beginning_with(users: QuerySet[Users], word: str, words: list[str]) -> QuerySet[Users]:
    """Return users whose name begins with `word` and who match the other words.

    Such names are adjacent in the index by name, so the first 20 are found at once. `word` is left out of the text
    search, because the planner assumes that conditions are independent: it would expect hardly any rows and read all
    users with `word` anywhere in their text.
    """
    beyond = Concat(Plain(Value(word)), Value(LAST_CHARACTER))
    others = with_words([other for other in words if other != word])
    return users.filter(others, sort_name__gte=Plain(Value(word)), sort_name__lt=beyond)


def with_words(words: list[str]) -> Q:
    """Return the condition that all words occur. It can use an index on `SearchableUser`, but not on `User`."""
    condition = Q()
    for word in words:
        condition &= Q(search_text__contains=Plain(Value(word)))
    return condition


def matching(users: QuerySet[User], words: list[str]) -> QuerySet[User]:
    if not words:
        return users
    return users.filter(pk__in=SearchableUser.objects.filter(with_words(words)).values("pk"))


# Finds users of a tenant whose full name, email or user name equals one of the texts. Reads accounts_user through a
# database view, to use the indexes on (tenant_id, sort_name), lower(email) and lower(username).
NAMED = """
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


def users_named(person: User, texts: Iterable[str]) -> dict[str, User]:
    """Map each text to the only user visible to `person` whose full name, email or user name it is.

    A text that matches no such user or more than one is left out. Runs two queries, however many texts there are.
    """
    typed = json.dumps([{"text": text, "name": first_name_first(text)} for text in texts])
    with connection.cursor() as cursor:
        cursor.execute(NAMED, [typed, *[person.tenant_id] * 3])
        pairs = cursor.fetchall()
    users = visible_users(person).in_bulk({number for _, number in pairs})
    found: dict[str, list[User]] = defaultdict(list)
    for text, number in pairs:
        if number in users:
            found[text].append(users[number])
    return {text: matches[0] for text, matches in found.items() if len(matches) == 1}


# Finds users of a tenant by attribute. Like NAMED, it uses the indexes on lower(email) and lower(username), and that on
# (tenant_id, employee_id).
IDENTIFIED = """
WITH typed AS (
    SELECT field, text, spelling, lower(spelling) AS login
    FROM jsonb_to_recordset(%s::jsonb) AS t (field text, text text, spelling text)
)
SELECT field, text, u.id FROM typed JOIN accounts_searchable AS u ON u.tenant_id = %s AND lower(u.username) = login
WHERE field = 'username'
UNION
SELECT field, text, u.id FROM typed
JOIN accounts_searchable AS u ON u.tenant_id = %s AND u.email <> '' AND lower(u.email) = login
WHERE field = 'email'
UNION
SELECT field, text, u.id FROM typed
JOIN accounts_user AS u ON u.tenant_id = %s AND u.employee_id <> '' AND u.employee_id = spelling
WHERE field = 'employee_id'
"""
LONGEST_PADDED = 20  # digits


def users_identified(person: User, claims: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[User]]:
    """Map each pair of an attribute (email, username or employee_id) and a text to the users visible to `person` who
    have it. Pairs without such a user are left out.

    There is more than one user only for a number, because spreadsheets drop leading zeros: 123 may be 00123. Case is
    ignored, except in employee IDs. Runs two queries, however many pairs there are.
    """
    typed = [
        {"field": field, "text": text, "spelling": spelling}
        for field, text in claims
        if "\0" not in text  # which PostgreSQL cannot store, so no user has it
        for spelling in spellings(field, text)
    ]
    with connection.cursor() as cursor:
        cursor.execute(IDENTIFIED, [json.dumps(typed), *[person.tenant_id] * 3])
        rows = cursor.fetchall()
    users = visible_users(person).in_bulk({number for *_, number in rows})
    found: dict[tuple[str, str], list[User]] = defaultdict(list)
    for field, text, number in sorted(rows):
        if number in users:
            found[field, text].append(users[number])
    return found


def spellings(field: str, text: str) -> list[str]:
    """Return the texts of which a spreadsheet may have made this one."""
    if field == "email" or not (text.isascii() and text.isdecimal()) or text.startswith("0"):
        return [normalized("NFC", text)]
    return [text, *(text.zfill(digits) for digits in range(len(text) + 1, LONGEST_PADDED + 1))]


def first_name_first(text: str) -> str:
    """Turn "Chen,  Bo" into "Bo Chen", with single spaces."""
    last, comma, first = text.partition(",")
    return " ".join(f"{first} {last}".split() if comma else text.split())
