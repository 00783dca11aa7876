"""The user list: it shows exactly the users in the signed-in person's views, and can be searched and filtered."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Team, User
from tests.fixtures.cast import Cast, agent, signed_in
from tests.fixtures.managers import boss, enterprise, get, give, manager, narrow, text

pytestmark = pytest.mark.django_db


def names(by: User, /, **query: Any) -> list[str]:
    response = get(by, "user-list", **query)
    assert response.status_code == 200
    return [user.name for user in response.context["page"]]


def test_it_lists_the_users_in_view_by_name(cast: Cast) -> None:
    assert names(manager(cast)) == ["Ana Díaz", "Bo Chen", "Cy Young", "Di Ng"]
    assert "Eli Sales" in names(boss(cast), rows=100)
    assert "Frida Foreign" not in names(boss(cast, "Tom Boss"), rows=100)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "diaz"}, ["Ana Díaz"]),
        ({"q": "ng di"}, ["Di Ng"]),
        ({"q": "cy.young@example.com"}, ["Cy Young"]),
        ({"q": "E-77"}, ["Bo Chen"]),
        ({"q": "eli"}, []),
        ({"active": "False"}, ["Di Ng"]),
        ({"active": "True", "q": "n"}, ["Ana Díaz", "Bo Chen", "Cy Young"]),
    ],
)
def test_search_and_status(cast: Cast, query: dict[str, str], found: list[str]) -> None:
    User.objects.filter(pk=cast.di.pk).update(is_active=False)
    User.objects.filter(pk=cast.bo.pk).update(employee_id="E-77")
    assert names(manager(cast), **query) == found


def test_team_role_and_view(cast: Cast) -> None:
    tess = boss(cast)
    assert names(tess, team=cast.sales.pk) == ["Eli Sales"]
    assert names(tess, role=cast.otto.roles.get().pk) == ["Otto Operator"]
    assert names(tess, view=narrow(cast).pk) == ["Otto Operator"]
    assert names(tess, q=str(cast.eli.pk), team=cast.sales.pk) == ["Eli Sales"]


def test_teams_and_views_out_of_reach_cannot_be_filtered_by(cast: Cast) -> None:
    """Filtering by their IDs gives the same response as filtering by IDs that do not exist."""
    mia = manager(cast)
    answers = {
        (
            tuple(names(mia, **{field: number})),
            str(get(mia, "user-list", **{field: number}).context["filter"].errors),
        )
        for field, numbers in {"team": (cast.sales.pk, 10**9), "view": (enterprise(cast).pk, 10**9)}.items()
        for number in numbers
    }
    assert len(answers) == 2
    page = text(get(mia, "user-list"))
    assert "Sales" not in page
    assert "EnterpriseView" not in page


def test_no_match_is_explained(cast: Cast) -> None:
    assert "No user in your views matches these filters" in text(get(manager(cast), "user-list", q="qqq"))


def test_pages(cast: Cast) -> None:
    for number in range(30):
        agent(cast.support, f"Agent {number:02}")
    mia = manager(cast)
    assert len(names(mia, rows=10)) == 10
    assert names(mia, rows=10, page=99)[-1] == "Di Ng"
    assert "Rows 1–10 of 34 users" in text(get(mia, "user-list", rows=10))


@pytest.mark.parametrize("user", ["ada", "otto", "vera", "nina", "frida"])
def test_it_needs_the_permission(cast: Cast, user: str) -> None:
    response = get(getattr(cast, user), "user-list")
    assert response.status_code == 403
    assert "Manage users" in text(response)


def test_the_number_of_queries_is_constant(cast: Cast) -> None:
    client, counts = signed_in(boss(cast)), []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("accounts:user-list"), {"rows": 100})
        counts.append(len(queries))
        team = Team.objects.create(tenant=cast.abacus, name=f"More {len(counts)}")
        for number in range(60):
            agent(team, f"More {len(counts)}{number}")
    assert counts[0] == counts[1]


def test_the_navigation_links_to_it(cast: Cast) -> None:
    page = text(get(boss(cast), "user-list"))
    assert f'href="{reverse("accounts:view-list")}"' in page
    assert 'href="/users/" aria-current="page"' in page
    assert 'href="/users/"' not in signed_in(cast.ada).get("/transfer/").content.decode()


def test_only_inactive_users_are_marked_and_rows_have_their_actions(cast: Cast) -> None:
    User.objects.filter(pk=cast.di.pk).update(is_active=False)
    give(cast.cy, cast.ada.roles.get())
    mia, tess = manager(cast), boss(cast)
    page = text(get(mia, "user-list"))
    assert page.split("<tbody>")[1].count("Inactive") == 1
    assert "Transfer data from" not in page
    assert f'action="/users/{cast.ana.pk}/activity/"' in page
    assert f'action="/users/{cast.cy.pk}/activity/"' not in page  # Cy has rights that Mia lacks
    page = text(get(tess, "user-list", rows=100))
    assert f'href="/transfer/single/?source={cast.ana.pk}"' in page
    assert f'href="/transfer/single/?source={tess.pk}"' not in page
    assert f'action="/users/{tess.pk}/activity/"' not in page
