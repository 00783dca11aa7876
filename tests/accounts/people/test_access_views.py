"""The Views pages: who may change which views. Changes apply from the next request on."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AccessView, AccessViewAssignment, AccessViewTeam, AccessViewUser, User
from accounts.people import actions
from accounts.permissions import TENANT_ADMINISTRATOR
from accounts.scope import visible_users
from tests.fixtures.cast import Cast, agent, person, signed_in
from tests.fixtures.managers import (
    account_events,
    boss,
    content,
    enterprise,
    form_of_view,
    get,
    manager,
    narrow,
    post,
    text,
)

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


def test_it_lists_the_views_within_reach(cast: Cast) -> None:
    made(cast, "Sales", cast.sales)
    made(cast, "Nobody yet", active=False)
    assert listed(boss(cast)) == ["EnterpriseView", "Nobody yet", "Sales", "Support only"]
    assert listed(manager(cast)) == ["Nobody yet", "Support only"]
    assert listed(boss(cast, "Tom Boss"), q="sal") == ["Sales"]


def test_people_out_of_view_are_not_counted(cast: Cast) -> None:
    """Otto and Mia, to whom the view is assigned, are not in it, so Mia's list counts no people for it."""
    assert get(manager(cast), "view-list").context["views"][0].number_of_people == 0
    found = {view.name: view.number_of_people for view in get(boss(cast), "view-list").context["views"]}
    assert found["Support only"] == 2


def test_the_number_of_queries_is_constant(cast: Cast) -> None:
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
    assert account_events() == [
        f"Created the view Both ({view.pk}). Name: none → Both. Active: none → yes. Teams: added Sales, Support."
    ]


def test_a_team_out_of_view_cannot_be_added(cast: Cast) -> None:
    mia = manager(cast)
    assert "Sales" not in text(get(mia, "view-new"))
    assert post(mia, "view-new", {"name": "Mine", "teams": [cast.sales.pk]}).status_code == 422
    with pytest.raises(actions.Refused, match="teams from your own views"):
        actions.create_view(by=mia, name="Mine", is_active=True, teams=[cast.sales.pk])
    assert not AccessView.objects.filter(name="Mine").exists()


@pytest.mark.parametrize("name", ["Support only", "EnterpriseView", ""])
def test_the_name_is_unique_in_the_tenant(cast: Cast, name: str) -> None:
    answer = post(manager(cast), "view-new", {"name": name, "is_active": "on"})
    assert answer.status_code == 422
    assert answer.context["form"].errors["name"] == [
        "This name is taken. Choose another." if name else "Enter a name."
    ]


def test_a_change_applies_from_the_next_request_on(cast: Cast) -> None:
    otto, tess = signed_in(cast.otto), boss(cast)
    search = "/transfer/single/users/", {"role": "source", "q": cast.eli.username}
    assert "Eli Sales" not in otto.post(*search).content.decode()
    assert change(tess, narrow(cast), teams=[cast.support.pk, cast.sales.pk]).status_code == 302
    assert "Eli Sales" in otto.post(*search).content.decode()
    change(tess, narrow(cast), is_active=None)
    assert "Eli Sales" not in otto.post(*search).content.decode()
    assert [line.split(". ", 1)[1] for line in account_events()] == [
        "Teams: added Sales.",
        "Active: yes → no.",
    ] or account_events()


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


# --- EnterpriseView, and one's own view --------------------------------------------------------------------------


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
    assert "EnterpriseView is a system view" in page
    assert "Delete…" not in page
    assert account_events() == []


def test_users_with_enterprise_view_may_assign_it(cast: Cast) -> None:
    post(boss(cast), "view-people", {"add": cast.nina.pk}, enterprise(cast).pk)
    assert visible_users(cast.nina).count() > 5
    assert account_events() == [
        f"Changed the view EnterpriseView ({enterprise(cast).pk}). People: added Nina Nobody ({cast.nina.pk})."
    ]


def test_one_cannot_change_a_view_assigned_to_oneself(cast: Cast) -> None:
    mia, view = manager(cast), narrow(cast)
    assert "This view is assigned to you" in text(get(mia, "view-edit", view.pk))
    assert change(mia, view, name="Mine").status_code == 422
    post(mia, "view-delete", {}, view.pk)
    post(mia, "view-users", {"add": cast.ana.pk}, view.pk)
    assert narrow(cast).users.count() == 0


def test_one_can_neither_assign_nor_unassign_ones_own_views(cast: Cast) -> None:
    mia, other = manager(cast), made(cast, "Other", cast.support)
    User.objects.filter(pk=mia.pk).update(team=cast.support)
    post(mia, "view-people", {"add": mia.pk}, other.pk)
    post(mia, "view-people", {"take": mia.pk}, narrow(cast).pk)
    assert [view.name for view in mia.access_views.all()] == ["Support only"]


# --- Who is in it, and to whom it is assigned ------------------------------------------------------------------------


def test_users_are_added_and_removed(cast: Cast) -> None:
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
    assert account_events() == [f"{start} added {who}.", f"{start} removed {who}."]


def test_the_search_offers_to_add_or_remove(cast: Cast) -> None:
    tess, view = boss(cast), narrow(cast)
    page = text(get(tess, "view-edit", view.pk, people="o"))
    assert f'name="add" value="{cast.nina.pk}"' in page
    assert f'name="take" value="{cast.otto.pk}"' in page
    assert "No user in your views matches" in text(get(tess, "view-edit", view.pk, users="qqq"))


@pytest.mark.parametrize("sent", [{}, {"add": ""}, {"take": "x"}, {"add": "9" * 40}, {"add": "٣"}])
@pytest.mark.parametrize("page", ["view-users", "view-people"])
def test_unusable_ids_are_not_found(cast: Cast, page: str, sent: dict[str, str]) -> None:
    assert post(boss(cast), page, sent, narrow(cast).pk).status_code == 404


def test_users_out_of_view_are_not_found(cast: Cast) -> None:
    mia, view = manager(cast), made(cast, "Mine", cast.support)
    answers = {
        content(post(mia, page, {"add": number}, view.pk))
        for page in ("view-users", "view-people")
        for number in (cast.eli.pk, cast.frida.pk, 10**9)
    }
    assert len(answers) == 1
    assert not AccessViewUser.objects.filter(view=view).exists()
    assert not AccessViewAssignment.objects.filter(view=view).exists()


def test_a_user_with_more_rights_keeps_their_views(cast: Cast) -> None:
    mia, view = manager(cast), made(cast, "Mine", cast.support)
    User.objects.filter(pk=cast.ada.pk).update(team=cast.support)
    AccessViewAssignment.objects.create(view=view, user=cast.ada)
    post(mia, "view-people", {"take": cast.ada.pk}, view.pk)
    assert AccessViewAssignment.objects.filter(view=view, user=cast.ada).exists()


def test_a_large_view_lists_some_users_and_finds_the_others(cast: Cast) -> None:
    view = made(cast, "Many")
    crowd = [agent(cast.sales, f"Crowd {number:03}") for number in range(80)]
    view.users.set(crowd)
    page = text(get(boss(cast), "view-edit", view.pk))
    assert "And 30 more. Search for them by name." in page
    assert f'value="{crowd[79].pk}"' not in page
    assert f'name="take" value="{crowd[79].pk}"' in text(
        get(boss(cast, "Tom Boss"), "view-edit", view.pk, users="079")
    )


# --- Deleting --------------------------------------------------------------------------------------------------------


def test_deleting_asks_first_and_keeps_the_users(cast: Cast) -> None:
    tess, view = boss(cast), narrow(cast)
    view.users.add(cast.eli)
    page = text(get(tess, "view-delete", view.pk))
    assert "1 team and 1 individual user" in page
    assert AccessView.objects.filter(pk=view.pk).exists()
    assert post(tess, "view-delete", {}, view.pk).status_code == 302
    assert not AccessView.objects.filter(pk=view.pk).exists()
    assert not AccessViewTeam.objects.filter(view_id=view.pk).exists()
    assert User.objects.filter(pk=cast.eli.pk).exists()
    assert set(visible_users(cast.otto)) == set()
    assert account_events() == [
        f"Deleted the view Support only ({view.pk}). Name: Support only → none. Active: yes → none. Teams: removed"
        f" Support. Users: removed Eli Sales ({cast.eli.pk}). People: removed Otto Operator ({cast.otto.pk})."
    ]


@pytest.mark.parametrize("sees_all", [False, True], ids=["through this view", "through EnterpriseView"])
def test_the_view_of_a_tenant_administrator_cannot_be_narrowed(cast: Cast, sees_all: bool) -> None:
    """Emptying a tenant administrator's only view hides transfers from them, so a user manager may not do it."""
    mia, view = manager(cast), made(cast, "Of the boss", cast.support)
    tina = person(cast.abacus, "Tina Boss", TENANT_ADMINISTRATOR, view)
    if sees_all:
        AccessViewAssignment.objects.create(view=enterprise(cast), user=tina)
    answer = change(mia, view, teams=[])
    assert answer.status_code == (302 if sees_all else 422)
    assert view.teams.exists() is not sees_all
    if not sees_all:
        assert "Only a tenant administrator can change" in text(answer)
        assert change(boss(cast), view, teams=[]).status_code == 302


@pytest.mark.parametrize("act", ["add", "take"])
def test_one_can_neither_add_nor_remove_oneself(cast: Cast, act: str) -> None:
    """Everyone to whom a view is assigned sees the users in it, and nobody may decide who can see their own account."""
    tess, staff = boss(cast), made(cast, "Staff")
    if act == "take":
        AccessViewUser.objects.create(view=staff, user=tess)
    before = list(staff.users.all())
    post(tess, "view-users", {act: tess.pk}, staff.pk)
    assert list(staff.users.all()) == before
    assert account_events() == []
    with pytest.raises(actions.Refused, match="cannot decide who sees you"):
        {"add": actions.add_to_view, "take": actions.remove_from_view}[act](
            by=tess, view_id=staff.pk, user_id=tess.pk
        )
