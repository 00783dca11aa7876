"""The Views pages: what may be changed by whom, and that a change holds for the next request."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import actions
from accounts.models import AccessView, AccessViewAssignment, AccessViewTeam, AccessViewUser, User
from accounts.permissions import TENANT_ADMINISTRATOR
from accounts.scope import visible_users
from tests.accounts.managers import (
    boss,
    content,
    enterprise,
    form_of_view,
    get,
    manager,
    narrow,
    post,
    text,
    told,
)
from tests.transfers.cast import Cast, agent, person, signed_in

pytestmark = pytest.mark.django_db


def made(cast: Cast, name: str, *teams: Any, active: bool = True) -> AccessView:
    view = AccessView.objects.create(tenant=cast.abacus, name=name, is_active=active)
    view.teams.set(teams)
    return view


def change(by: User, view: AccessView, **changed: Any) -> Any:
    return post(by, "view-edit", form_of_view(view, **changed), view.pk)


def listed(by: User, **query: Any) -> list[str]:
    response = get(by, "view-list", **query)
    assert response.status_code == 200
    return [view.name for view in response.context["views"]]


# --- The list --------------------------------------------------------------------------------------------------------


def test_it_holds_the_views_within_reach(cast: Cast) -> None:
    made(cast, "Sales", cast.sales)
    made(cast, "Nobody yet", active=False)
    assert listed(boss(cast)) == ["EnterpriseView", "Nobody yet", "Sales", "Support only"]
    assert listed(manager(cast)) == ["Nobody yet", "Support only"]
    assert listed(boss(cast, "Tom Boss"), q="sal") == ["Sales"]


def test_people_out_of_view_are_not_counted(cast: Cast) -> None:
    """Otto, who has the view, is in no team, so that Mia cannot see him; she herself is not in her view either."""
    assert get(manager(cast), "view-list").context["views"][0].number_of_people == 0
    found = {view.name: view.number_of_people for view in get(boss(cast), "view-list").context["views"]}
    assert found["Support only"] == 2


def test_as_many_queries_for_many_as_for_few(cast: Cast) -> None:
    client, counts = signed_in(boss(cast)), []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("accounts:view-list"), {"rows": 100})
        counts.append(len(queries))
        for number in range(40):
            made(cast, f"View {len(counts)} {number}", cast.support)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("user", ["ada", "otto", "vera", "nina", "frida"])
def test_it_needs_the_permission(cast: Cast, user: str) -> None:
    response = get(getattr(cast, user), "view-list")
    assert response.status_code == 403
    assert "Manage views" in text(response)


# --- Making and changing ---------------------------------------------------------------------------------------------


def test_a_new_view(cast: Cast) -> None:
    sent = {"name": "Both", "is_active": "on", "teams": [cast.support.pk, cast.sales.pk]}
    assert post(boss(cast), "view-new", sent).status_code == 302
    view = AccessView.objects.get(name="Both")
    assert (view.tenant, view.is_active, view.is_enterprise) == (cast.abacus, True, False)
    assert set(view.teams.all()) == {cast.support, cast.sales}
    assert told() == [
        f"Created the view Both ({view.pk}). Name: none → Both. Active: none → yes. Teams: added Sales, Support."
    ]


def test_a_team_out_of_view_cannot_be_put_in(cast: Cast) -> None:
    mia = manager(cast)
    assert "Sales" not in text(get(mia, "view-new"))
    assert post(mia, "view-new", {"name": "Mine", "teams": [cast.sales.pk]}).status_code == 422
    with pytest.raises(actions.Refused, match="teams of your own view"):
        actions.create_view(by=mia, name="Mine", is_active=True, teams=[cast.sales.pk])
    assert not AccessView.objects.filter(name="Mine").exists()


@pytest.mark.parametrize("name", ["Support only", "EnterpriseView", ""])
def test_the_name_is_unique_in_the_tenant(cast: Cast, name: str) -> None:
    answer = post(manager(cast), "view-new", {"name": name, "is_active": "on"})
    assert answer.status_code == 422
    assert answer.context["form"].errors["name"] == [
        "This name is taken. Choose another." if name else "Enter a name."
    ]


def test_a_change_holds_for_the_next_request(cast: Cast) -> None:
    otto, tess = signed_in(cast.otto), boss(cast)
    asked = "/transfer/single/users/", {"role": "source", "q": cast.eli.username}
    assert "Eli Sales" not in otto.post(*asked).content.decode()
    assert change(tess, narrow(cast), teams=[cast.support.pk, cast.sales.pk]).status_code == 302
    assert "Eli Sales" in otto.post(*asked).content.decode()
    change(tess, narrow(cast), is_active=None)
    assert "Eli Sales" not in otto.post(*asked).content.decode()
    assert [line.split(". ", 1)[1] for line in told()] == [
        "Teams: added Sales.",
        "Active: yes → no.",
    ] or told()


def test_a_stale_page_is_not_saved(cast: Cast) -> None:
    tess, view = boss(cast), narrow(cast)
    first, second = form_of_view(view, teams=[]), form_of_view(view, name="Renamed")
    assert post(tess, "view-edit", first, view.pk).status_code == 302
    answer = post(tess, "view-edit", second, view.pk)
    assert answer.status_code == 422
    assert "Teams: added Support" in text(answer)
    assert not narrow(cast).teams.exists()


@pytest.mark.parametrize("page", ["view-edit", "view-delete"])
def test_unknown_foreign_and_out_of_reach_are_the_same_404_byte_for_byte(cast: Cast, page: str) -> None:
    mia = signed_in(manager(cast))
    foreign = AccessView.objects.get(tenant=cast.foreign)
    numbers = (enterprise(cast).pk, made(cast, "Sales", cast.sales).pk, foreign.pk, 10**9, 10**30)
    addresses = [reverse(f"accounts:{page}", args=[number]) for number in numbers]
    answers = {content(answer) for address in addresses for answer in (mia.get(address), mia.post(address))}
    assert len(answers) == 1
    assert all(mia.get(address).status_code == 404 for address in addresses)
    assert AccessView.objects.filter(name="Sales").exists()


# --- EnterpriseView, and one's own ------------------------------------------------------------------------------------


def test_enterprise_view_cannot_be_renamed_deactivated_or_deleted(cast: Cast) -> None:
    tess, view = boss(cast), enterprise(cast)
    for changed in ({"name": "Mine"}, {"is_active": None}, {"teams": [cast.sales.pk]}):
        assert change(tess, view, **changed).status_code == 422
    post(tess, "view-delete", {}, view.pk)
    post(tess, "view-users", {"add": cast.ana.pk}, view.pk)
    view = enterprise(cast)
    assert (view.name, view.is_active, view.teams.count(), view.users.count()) == (
        "EnterpriseView",
        True,
        0,
        0,
    )
    page = text(get(tess, "view-edit", view.pk))
    assert "EnterpriseView is the system" in page
    assert "Delete…" not in page
    assert told() == []


def test_somebody_who_sees_everybody_may_assign_it(cast: Cast) -> None:
    post(boss(cast), "view-people", {"add": cast.nina.pk}, enterprise(cast).pk)
    assert visible_users(cast.nina).count() > 5
    assert told() == [
        f"Changed the view EnterpriseView ({enterprise(cast).pk}). People: added Nina Nobody ({cast.nina.pk})."
    ]


def test_a_view_of_ones_own_is_not_ones_own_to_change(cast: Cast) -> None:
    mia, view = manager(cast), narrow(cast)
    assert "This view is assigned to you" in text(get(mia, "view-edit", view.pk))
    assert change(mia, view, name="Mine").status_code == 422
    post(mia, "view-delete", {}, view.pk)
    post(mia, "view-users", {"add": cast.ana.pk}, view.pk)
    assert narrow(cast).users.count() == 0


def test_nobody_assigns_a_view_to_themselves_or_takes_their_own(cast: Cast) -> None:
    mia, other = manager(cast), made(cast, "Other", cast.support)
    User.objects.filter(pk=mia.pk).update(team=cast.support)
    post(mia, "view-people", {"add": mia.pk}, other.pk)
    post(mia, "view-people", {"take": mia.pk}, narrow(cast).pk)
    assert [view.name for view in mia.access_views.all()] == ["Support only"]


# --- Who is in it, and to whom it is assigned ------------------------------------------------------------------------


def test_users_are_put_in_and_taken_out(cast: Cast) -> None:
    tess, view = boss(cast), narrow(cast)
    for _ in range(2):
        post(tess, "view-users", {"add": cast.eli.pk}, view.pk)
    assert cast.eli in visible_users(cast.otto)
    page = text(get(tess, "view-edit", view.pk))
    assert f'name="take" value="{cast.eli.pk}"' in page
    post(tess, "view-users", {"take": cast.eli.pk}, view.pk)
    assert cast.eli not in visible_users(cast.otto)
    who = f"Eli Sales ({cast.eli.pk})"
    start = f"Changed the view Support only ({view.pk}). Users:"
    assert told() == [f"{start} added {who}.", f"{start} taken away {who}."]


def test_the_search_offers_what_can_be_done(cast: Cast) -> None:
    tess, view = boss(cast), narrow(cast)
    page = text(get(tess, "view-edit", view.pk, people="o"))
    assert f'name="add" value="{cast.nina.pk}"' in page
    assert f'name="take" value="{cast.otto.pk}"' in page
    assert "No user within your view matches" in text(get(tess, "view-edit", view.pk, users="qqq"))


@pytest.mark.parametrize("sent", [{}, {"add": ""}, {"take": "x"}, {"add": "9" * 40}, {"add": "٣"}])
@pytest.mark.parametrize("page", ["view-users", "view-people"])
def test_nobody_of_that_number(cast: Cast, page: str, sent: dict[str, str]) -> None:
    assert post(boss(cast), page, sent, narrow(cast).pk).status_code == 404


def test_users_out_of_view_do_not_exist(cast: Cast) -> None:
    mia, view = manager(cast), made(cast, "Mine", cast.support)
    answers = {
        content(post(mia, page, {"add": number}, view.pk))
        for page in ("view-users", "view-people")
        for number in (cast.eli.pk, cast.frida.pk, 10**9)
    }
    assert len(answers) == 1
    assert not AccessViewUser.objects.filter(view=view).exists()
    assert not AccessViewAssignment.objects.filter(view=view).exists()


def test_a_view_is_not_taken_from_somebody_with_more_rights(cast: Cast) -> None:
    mia, view = manager(cast), made(cast, "Mine", cast.support)
    User.objects.filter(pk=cast.ada.pk).update(team=cast.support)
    AccessViewAssignment.objects.create(view=view, user=cast.ada)
    post(mia, "view-people", {"take": cast.ada.pk}, view.pk)
    assert AccessViewAssignment.objects.filter(view=view, user=cast.ada).exists()


def test_a_view_with_many_shows_some_and_finds_the_others(cast: Cast) -> None:
    view = made(cast, "Many")
    crowd = [agent(cast.sales, f"Crowd {number:03}") for number in range(80)]
    view.users.set(crowd)
    page = text(get(boss(cast), "view-edit", view.pk))
    assert "And 30 more: find them by name." in page
    assert f'value="{crowd[79].pk}"' not in page
    assert f'name="take" value="{crowd[79].pk}"' in text(
        get(boss(cast, "Tom Boss"), "view-edit", view.pk, users="079")
    )


# --- Deleting --------------------------------------------------------------------------------------------------------


def test_deleting_asks_first_and_leaves_the_users(cast: Cast) -> None:
    tess, view = boss(cast), narrow(cast)
    view.users.add(cast.eli)
    page = text(get(tess, "view-delete", view.pk))
    assert "1 team and 1 single user" in page
    assert AccessView.objects.filter(pk=view.pk).exists()
    assert post(tess, "view-delete", {}, view.pk).status_code == 302
    assert not AccessView.objects.filter(pk=view.pk).exists()
    assert not AccessViewTeam.objects.filter(view_id=view.pk).exists()
    assert User.objects.filter(pk=cast.eli.pk).exists()
    assert set(visible_users(cast.otto)) == set()
    assert told() == [
        f"Deleted the view Support only ({view.pk}). Name: Support only → none. Active: yes → none. Teams: taken away"
        f" Support. Users: taken away Eli Sales ({cast.eli.pk}). People: taken away Otto Operator ({cast.otto.pk})."
    ]


@pytest.mark.parametrize("sees_all", [False, True], ids=["sees by this view", "sees everybody anyway"])
def test_what_a_tenant_administrator_sees_is_not_narrowed_by_others(cast: Cast, sees_all: bool) -> None:
    """Who empties their view would hide transfers from them."""
    mia, view = manager(cast), made(cast, "Of the boss", cast.support)
    tina = person(cast.abacus, "Tina Boss", TENANT_ADMINISTRATOR, view)
    if sees_all:
        AccessViewAssignment.objects.create(view=enterprise(cast), user=tina)
    answer = change(mia, view, teams=[])
    assert answer.status_code == (302 if sees_all else 422)
    assert view.teams.exists() is not sees_all
    if not sees_all:
        assert "only a tenant administrator can change" in text(answer)
        assert change(boss(cast), view, teams=[]).status_code == 302


@pytest.mark.parametrize("act", ["add", "take"])
def test_nobody_puts_themselves_into_a_view_or_takes_themselves_out(cast: Cast, act: str) -> None:
    """By such a view somebody else sees them."""
    tess, staff = boss(cast), made(cast, "Staff")
    if act == "take":
        AccessViewUser.objects.create(view=staff, user=tess)
    before = list(staff.users.all())
    post(tess, "view-users", {act: tess.pk}, staff.pk)
    assert list(staff.users.all()) == before
    assert told() == []
    with pytest.raises(actions.Refused, match="whether others see them"):
        {"add": actions.put_into_view, "take": actions.take_out_of_view}[act](
            by=tess, view_id=staff.pk, user_id=tess.pk
        )
