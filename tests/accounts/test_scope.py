"""Which users a person may see: those in any of their active views, and never users of another tenant."""

import pytest
from django.http import Http404

from accounts.access import access_user
from accounts.models import AccessView, AccessViewAssignment, AccessViewTeam, AccessViewUser, Team, User
from accounts.permissions import TENANT_ADMINISTRATOR
from accounts.scope import is_tenant_administrator, reaches_beyond, visible_users
from tests.fixtures.cast import Cast, agent, person

pytestmark = pytest.mark.django_db


def view(cast: Cast, *holds: Team | User, active: bool = True) -> AccessView:
    made = AccessView.objects.create(
        tenant=cast.abacus, name=f"View {AccessView.objects.count()}", is_active=active
    )
    for member in holds:
        if isinstance(member, Team):
            AccessViewTeam.objects.create(view=made, team=member)
        else:
            AccessViewUser.objects.create(view=made, user=member)
    return made


def assign(user: User, *views: AccessView) -> None:
    for made in views:
        AccessViewAssignment.objects.create(view=made, user=user)


def seen(user: User) -> set[User]:
    return set(visible_users(user))


def beyond(user: User) -> set[User]:
    return set(User.objects.filter(reaches_beyond(user)))


# --- Whom a person sees --------------------------------------------------------------------------------------------


def test_without_a_view_no_user_is_seen(cast: Cast) -> None:
    assert seen(cast.nina) == set()


def test_a_team_in_a_view_shows_its_members(cast: Cast) -> None:
    assert seen(cast.otto) == {cast.ana, cast.bo, cast.cy, cast.di}


def test_later_members_of_a_team_are_seen_too(cast: Cast) -> None:
    assert agent(cast.support, "Later Joiner") in seen(cast.otto)


def test_views_add_up(cast: Cast) -> None:
    assign(cast.nina, view(cast, cast.sales), view(cast, cast.ana, cast.eli))
    assert seen(cast.nina) == {cast.eli, cast.ana}


def test_an_inactive_view_shows_nobody(cast: Cast) -> None:
    assign(cast.nina, view(cast, cast.support, cast.eli, active=False))
    assert seen(cast.nina) == set()


def test_enterprise_view_shows_exactly_the_users_of_the_tenant(cast: Cast) -> None:
    assert seen(cast.ada) == set(User.objects.filter(tenant=cast.abacus))
    assert cast.ada in seen(cast.ada)
    assert cast.frida not in seen(cast.ada)


def test_a_view_never_shows_another_tenant(cast: Cast) -> None:
    foreign = Team.objects.create(tenant=cast.foreign, name="Support")
    stranger = agent(foreign, "Fay Foreign")
    assign(cast.nina, view(cast, foreign, cast.frida, stranger, cast.ana))
    assert seen(cast.nina) == {cast.ana}


def test_a_view_of_another_tenant_shows_nobody(cast: Cast) -> None:
    assign(cast.nina, AccessView.objects.get(tenant=cast.foreign))
    assert seen(cast.nina) == set()


def test_access_user_gives_the_same_404_for_unknown_foreign_and_out_of_view(cast: Cast) -> None:
    assert access_user(cast.otto, cast.ana.pk) == cast.ana
    answers = set()
    for number in (cast.eli.pk, cast.frida.pk, 10**9):
        with pytest.raises(Http404) as refused:
            access_user(cast.otto, number)
        answers.add(str(refused.value))
    assert len(answers) == 1


# --- Users whose views reach further -----------------------------------------------------------------------------


def test_a_user_without_a_view_does_not_reach_beyond(cast: Cast) -> None:
    assert cast.ana not in beyond(cast.otto)


def test_the_same_view_does_not_reach_beyond(cast: Cast) -> None:
    assign(cast.ana, AccessView.objects.get(name="Support only"))
    assert cast.ana not in beyond(cast.otto)


@pytest.mark.parametrize("name", ["sales", "eli"])
def test_a_team_or_a_user_that_the_person_cannot_see_is_beyond(cast: Cast, name: str) -> None:
    assign(cast.ana, view(cast, cast.support, getattr(cast, name)))
    assert cast.ana in beyond(cast.otto)


def test_a_single_user_of_a_team_in_view_is_not_beyond(cast: Cast) -> None:
    assign(cast.ana, view(cast, cast.bo))
    assert cast.ana not in beyond(cast.otto)


def test_a_team_is_beyond_even_while_it_is_empty(cast: Cast) -> None:
    assign(cast.ana, view(cast, Team.objects.create(tenant=cast.abacus, name="Empty")))
    assert cast.ana in beyond(cast.otto)


def test_a_team_is_beyond_a_person_who_only_sees_its_members(cast: Cast) -> None:
    assign(cast.nina, view(cast, cast.eli))
    assign(cast.ana, view(cast, cast.sales))
    assert cast.ana in beyond(cast.nina)


def test_an_inactive_view_counts_as_if_it_were_active(cast: Cast) -> None:
    """The inactive view is another user's. It counts, because it can be activated at any time."""
    assign(cast.ana, view(cast, cast.sales, active=False))
    assert cast.ana in beyond(cast.otto)


def test_ones_own_inactive_view_does_not_count(cast: Cast) -> None:
    assign(cast.otto, view(cast, cast.sales, active=False))
    assign(cast.ana, view(cast, cast.sales))
    assert cast.ana in beyond(cast.otto)


def test_enterprise_view_is_beyond_everyone_without_it(cast: Cast) -> None:
    assert {cast.ada, cast.vera} <= beyond(cast.otto)
    assert beyond(cast.ada) & {cast.ada, cast.vera, cast.otto} == set()


# --- Tenant administrators -------------------------------------------------------------------------------------------


def test_tenant_administrators_are_those_with_the_permission(cast: Cast) -> None:
    boss = person(cast.abacus, "Tess Boss", TENANT_ADMINISTRATOR)
    assert set(User.objects.filter(is_tenant_administrator())) == {boss}
