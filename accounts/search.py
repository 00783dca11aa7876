"""Finding users by what a person types: an id, or parts of the name, the user name or the email, in any order."""

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from accounts.models import AccessViewTeam, AccessViewUser, User
from accounts.models.user import Plain
from accounts.scope import active_views, visible_users

LARGEST_ID = 2**63 - 1
LAST_CHARACTER = "\U0010ffff"
WORDS = 8
# So many users are read and sorted in a few hundredths of a second, whoever they are.
SMALL_SCOPE = 20_000


def find_users(person: User, text: str, *, inactive: bool, limit: int) -> list[User]:
    """At most `limit` users that `person` may see: the one with this id, names that begin so, then the others by name.

    Every word of `text` has to occur, whatever its case and accents; an empty text finds the first by name.
    """
    users = within_scope(person)
    if not inactive:
        users = users.filter(is_active=True)
    words = text.replace("\0", "").split()[:WORDS]
    found: list[User] = []
    every = matching(users, words)
    for step in (with_id(users, words), *(beginning_so(every, word) for word in words), every):
        if len(found) < limit:
            found += step.exclude(pk__in=[user.pk for user in found])[: limit - len(found)]
    return found


def within_scope(person: User) -> QuerySet[User]:
    """The users of the person's view, in the order of their names.

    The scope is said once more as ids, because only then can PostgreSQL estimate it. A small scope is sorted by an
    expression, which no index has: reading a huge tenant in the order of names until 20 of one team have come by may
    take seconds.
    """
    users = visible_users(person).select_related("team").order_by("sort_name", "id")
    views = active_views(person)
    if views.filter(is_enterprise=True).exists():
        return users
    teams = AccessViewTeam.objects.filter(view__in=views).values_list("team_id", flat=True)
    single = AccessViewUser.objects.filter(view__in=views).values_list("user_id", flat=True)
    scope = Q(team_id__in=list(teams)) | Q(id__in=list(single))
    if User.objects.filter(scope)[: SMALL_SCOPE + 1].count() > SMALL_SCOPE:
        return users.filter(scope)
    return users.filter(scope).order_by(Concat("sort_name", Value("")), "id")


def with_id(users: QuerySet[User], words: list[str]) -> QuerySet[User]:
    number = words[0] if len(words) == 1 else ""
    if not (number.isascii() and number.isdigit() and int(number) <= LARGEST_ID):
        return users.none()
    return users.filter(pk=int(number))


def beginning_so(users: QuerySet[User], word: str) -> QuerySet[User]:
    """Those whose name begins with the word: a range of the index by name, so the first 20 are found at once."""
    beyond = Concat(Plain(Value(word)), Value(LAST_CHARACTER))
    return users.filter(sort_name__gte=Plain(Value(word)), sort_name__lt=beyond)


def matching(users: QuerySet[User], words: list[str]) -> QuerySet[User]:
    every = Q()
    for word in words:
        every &= Q(search_text__contains=Plain(Value(word)))
    return users.filter(every)
