"""The filters for the lists of users and views. Invalid URL parameters are ignored."""

from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet

from accounts.models import AccessView, Role, SearchableUser, Team, User
from accounts.people.search import WORDS, with_id, with_words
from accounts.scope import in_scope, views_within_reach, visible_teams
from web.filtering import FilterForm

FEW = 1_000  # up to this many matches are passed to the query for the list as ids


def teams_of(request: Any) -> QuerySet[Team]:
    return visible_teams(request.user).order_by("name")


def roles_of(request: Any) -> QuerySet[Role]:
    return Role.objects.filter(tenant_id=request.user.tenant_id).order_by("name")


def views_of(request: Any) -> QuerySet[AccessView]:
    return views_within_reach(request.user).order_by("-is_enterprise", "name")


def with_employee_id(person: User, text: str) -> QuerySet[User]:
    """Return the users with this employee ID as typed, in upper case or in lower case.

    Comparing with these exact texts lets PostgreSQL use the index of the unique key.
    """
    variants = {text, text.upper(), text.lower()} - {""}
    return User.objects.filter(tenant_id=person.tenant_id, employee_id__in=variants)


def ids(users: QuerySet[Any]) -> list[int]:
    return list(users.values_list("pk", flat=True))


class UserFilter(django_filters.FilterSet):
    """Filters users by search text, team, role, view and active state."""

    q = django_filters.CharFilter(label="Name, ID, user name or email", method="search", max_length=200)
    team = django_filters.ModelChoiceFilter(label="Team", queryset=teams_of, empty_label="All teams")
    role = django_filters.ModelChoiceFilter(
        "role_assignments__role", label="Role", queryset=roles_of, empty_label="All roles"
    )
    view = django_filters.ModelChoiceFilter(
        "access_view_assignments__view", label="View", queryset=views_of, empty_label="All views"
    )
    active = django_filters.ChoiceFilter(
        "is_active",
        label="Active",
        choices=(("True", "Active"), ("False", "Inactive")),
        empty_label="All users",
    )

    class Meta:
        model = User
        form = FilterForm
        fields: ClassVar[list[str]] = ["q", "team", "role", "view", "active"]

    def search(self, users: QuerySet[User], name: str, text: str) -> QuerySet[User]:
        """Keep the users with every word in the name, user name or email, or with exactly this ID or employee ID.

        Up to FEW matches are found with the text index and passed to the query for the list as ids. If there are more,
        it is faster to read users in the order of their names until a page is full.
        """
        person, words = self.request.user, text.split()[:WORDS]
        every = SearchableUser.objects.filter(in_scope(person))
        exact = Q(pk__in=[*ids(with_id(every, words)), *ids(with_employee_id(person, text.strip()))])
        found = ids(every.filter(with_words(words))[: FEW + 1])
        return users.filter(exact | (Q(pk__in=found) if len(found) <= FEW else with_words(words)))


class ViewFilter(django_filters.FilterSet):
    """Filters views by name."""

    q = django_filters.CharFilter("name", "icontains", label="Name of the view", max_length=200)

    class Meta:
        model = AccessView
        form = FilterForm
        fields: ClassVar[list[str]] = ["q"]
