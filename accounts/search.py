"""Finding users by what a person types: an id, or parts of the name, the user name or the email, in any order."""

from django.db.models import Q, QuerySet, Value

from accounts.models import User
from accounts.models.user import Plain
from accounts.scope import visible_users

LARGEST_ID = 2**63 - 1


def find_users(person: User, text: str, *, inactive: bool, limit: int) -> list[User]:
    """At most `limit` users that `person` may see: first the one with this id, then by name.

    Every word of `text` has to occur, whatever its case and accents; an empty text finds the first by name.
    """
    users = visible_users(person).select_related("team")
    if not inactive:
        users = users.filter(is_active=True)
    first = with_id(users, text)
    others = matching(users, text).exclude(pk__in=[user.pk for user in first])
    return [*first, *others[: limit - len(first)]]


def with_id(users: QuerySet[User], text: str) -> list[User]:
    number = text.strip()
    if not (number.isascii() and number.isdigit() and int(number) <= LARGEST_ID):
        return []
    return list(users.filter(pk=int(number)))


def matching(users: QuerySet[User], text: str) -> QuerySet[User]:
    words = Q()
    for word in text.replace("\0", "").split()[:8]:
        words &= Q(search_text__contains=Plain(Value(word)))
    return users.filter(words).order_by("sort_name", "id")
