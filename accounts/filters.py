"""The filters of the list of users: declared once, forgiving about what stands in the URL."""

from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet, Value

from accounts.models import AccessView, Role, Team, User
from accounts.models.user import Plain
from accounts.scope import views_within_reach, visible_teams
from accounts.search import LARGEST_ID, WORDS


def teams_of(request: Any) -> QuerySet[Team]:
    return visible_teams(request.user).order_by("name")


def roles_of(request: Any) -> QuerySet[Role]:
    return Role.objects.filter(tenant_id=request.user.tenant_id).order_by("name")


def views_of(request: Any) -> QuerySet[AccessView]:
    return views_within_reach(request.user).order_by("-is_enterprise", "name")


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
        """Every word occurs in the name, the user name or the email; or it is the ID, or the employee ID, in full."""
        words = Q()
        for word in text.split()[:WORDS]:
            words &= Q(search_text__contains=Plain(Value(word)))
        wanted = words | Q(employee_id__iexact=text.strip())
        if text.strip().isascii() and text.strip().isdigit() and int(text[:20]) <= LARGEST_ID:
            wanted |= Q(pk=int(text))
        return users.filter(wanted)

    @property
    def in_use(self) -> bool:
        """Was anything chosen? Then an empty list is the filters' doing."""
        return any(self.data.get(name) for name in self.filters)
