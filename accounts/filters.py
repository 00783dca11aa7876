"""The filters of the list of users: declared once, forgiving about what stands in the URL."""

from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet

from accounts.models import AccessView, Role, SearchableUser, Team, User
from accounts.scope import in_scope, views_within_reach, visible_teams
from accounts.search import WORDS, with_id, with_words

FEW = 1_000


def teams_of(request: Any) -> QuerySet[Team]:
    return visible_teams(request.user).order_by("name")


def roles_of(request: Any) -> QuerySet[Role]:
    return Role.objects.filter(tenant_id=request.user.tenant_id).order_by("name")


def views_of(request: Any) -> QuerySet[AccessView]:
    return views_within_reach(request.user).order_by("-is_enterprise", "name")


def with_employee_id(person: User, text: str) -> QuerySet[User]:
    """As it was typed, in capitals or in small letters; so the index of the unique key serves."""
    written = {text, text.upper(), text.lower()} - {""}
    return User.objects.filter(tenant_id=person.tenant_id, employee_id__in=written)


def ids(users: QuerySet[Any]) -> list[int]:
    return list(users.values_list("pk", flat=True))


class UserFilter(django_filters.FilterSet):
    """Search text, team, role, view and activity."""

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
        empty_label="All",
    )

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["q", "team", "role", "view", "active"]

    def search(self, users: QuerySet[User], name: str, text: str) -> QuerySet[User]:
        """Every word occurs in the name, the user name or the email; or it is the ID, or the employee ID, in full.

        A few are found by the index and then named by their ids. Of many, a page is soon full in the order of names.
        """
        person, words = self.request.user, text.split()[:WORDS]
        every = SearchableUser.objects.filter(in_scope(person))
        exact = Q(pk__in=[*ids(with_id(every, words)), *ids(with_employee_id(person, text.strip()))])
        found = ids(every.filter(with_words(words))[: FEW + 1])
        return users.filter(exact | (Q(pk__in=found) if len(found) <= FEW else with_words(words)))

    @property
    def in_use(self) -> bool:
        """Was anything chosen? Then an empty list is the filters' doing."""
        return any(self.data.get(name) for name in self.filters)
