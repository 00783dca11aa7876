"""Changing a user: stale pages, the guard rails, and what is written of it."""

from typing import Any

import pytest
from django.test import Client

from accounts import actions
from accounts.changes import fingerprint, state_of_user
from accounts.doors import PermissionMissing
from accounts.models import AccessViewAssignment, RoleAssignment, User
from accounts.permissions import Permission
from tests.accounts.managers import (
    boss,
    content,
    enterprise,
    form_of,
    get,
    give,
    manager,
    narrow,
    post,
    role,
    text,
    told,
)
from tests.accounts.signing_in import PASSWORD, age_session, is_signed_in, sign_in
from tests.transfers.cast import Cast, signed_in
from transfers.audit import record
from transfers.doors import visible_events
from transfers.models import AuditEvent

pytestmark = pytest.mark.django_db


def change(by: User, user: User, **changed: Any) -> Any:
    return post(by, "user-edit", form_of(user, **changed), user.pk)


def now(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_every_field_can_be_changed(cast: Cast) -> None:
    answer = change(
        boss(cast),
        cast.ana,
        username="ana.d",
        last_name="Dias",
        employee_id="E-9",
        team=cast.sales.pk,
        is_active=None,
        roles=[cast.otto.roles.get().pk],
        views=[narrow(cast).pk],
    )
    assert answer.status_code == 302
    ana = now(cast.ana)
    assert (ana.username, ana.name, ana.employee_id, ana.team, ana.is_active) == (
        "ana.d",
        "Ana Dias",
        "E-9",
        cast.sales,
        False,
    )
    assert told() == [
        f"Changed the user Ana Díaz ({ana.pk}). User name: ana.díaz → ana.d. Last name: Díaz → Dias."
        " Employee ID: none → E-9. Active: yes → no. Team: Support → Sales."
        " Roles: added Transfer operator. Views: added Support only."
    ]


def test_what_was_not_changed_is_not_told(cast: Cast) -> None:
    assert change(boss(cast), cast.ana).status_code == 302
    assert told() == []


def test_roles_and_views_are_taken_away(cast: Cast) -> None:
    change(boss(cast), cast.otto, roles=[], views=[])
    assert not RoleAssignment.objects.filter(user=cast.otto).exists()
    assert not AccessViewAssignment.objects.filter(user=cast.otto).exists()
    assert "Roles: taken away Transfer operator. Views: taken away Support only." in told()[0]


def test_unknown_foreign_and_out_of_view_are_the_same_404_byte_for_byte(cast: Cast) -> None:
    mia = signed_in(manager(cast))
    answers = set()
    for number in (cast.eli.pk, cast.frida.pk, 10**9, 10**30):
        for answer in (mia.get(f"/users/{number}/"), mia.post(f"/users/{number}/", {"username": "x"})):
            assert answer.status_code == 404
            answers.add(content(answer))
    assert len(answers) == 1
    assert told() == []


# --- Two tabs --------------------------------------------------------------------------------------------------------


def test_an_edit_from_a_stale_page_is_not_saved_and_says_what_it_would_change(cast: Cast) -> None:
    tess, first, second = boss(cast), form_of(cast.ana, last_name="One"), form_of(cast.ana, first_name="Two")
    assert post(tess, "user-edit", first, cast.ana.pk).status_code == 302
    answer = post(tess, "user-edit", second, cast.ana.pk)
    assert answer.status_code == 422
    page = text(answer)
    assert "Somebody else changed this since you opened the page" in page
    assert "First name: Ana → Two" in page
    assert "Last name: One → Díaz" in page
    assert now(cast.ana).name == "Ana One"
    again = second | {"was": answer.context["form"]["was"].value()}
    assert post(tess, "user-edit", again, cast.ana.pk).status_code == 302
    assert now(cast.ana).name == "Two Díaz"


def test_a_role_or_view_given_elsewhere_makes_the_page_stale(cast: Cast) -> None:
    tess = boss(cast)
    sent = form_of(cast.ana, first_name="Anna")
    actions.assign_view(by=tess, view_id=narrow(cast).pk, user_id=cast.ana.pk)
    answer = post(tess, "user-edit", sent, cast.ana.pk)
    assert answer.status_code == 422
    assert "Views: taken away Support only" in text(answer)
    assert AccessViewAssignment.objects.filter(user=cast.ana).exists()


@pytest.mark.parametrize("was", ["", "x", "0" * 64])
def test_a_form_without_its_mark_is_stale(cast: Cast, was: str) -> None:
    assert change(boss(cast), cast.ana, first_name="Anna", was=was).status_code == 422
    assert now(cast.ana).first_name == "Ana"


# --- Nobody gains by it ----------------------------------------------------------------------------------------------


def test_somebody_with_more_rights_cannot_be_changed(cast: Cast) -> None:
    """Their email would be the way to their password."""
    mia = manager(cast)
    give(cast.ana, cast.ada.roles.get())
    page = text(get(mia, "user-edit", cast.ana.pk))
    assert "You can see this user, but not change them." in page
    assert '<button class="primary">Save' not in page
    answer = change(mia, cast.ana, email="mia@evil.example")
    assert answer.status_code == 422
    assert now(cast.ana).email != "mia@evil.example"


def test_somebody_who_sees_more_cannot_be_changed(cast: Cast) -> None:
    AccessViewAssignment.objects.create(user=cast.ana, view=enterprise(cast))
    assert change(manager(cast), cast.ana, email="mia@evil.example").status_code == 422


def test_somebody_with_a_wider_view_that_is_not_active_cannot_be_changed(cast: Cast) -> None:
    """Whoever could set their password would see through it as soon as it is switched on."""
    far = enterprise(cast).__class__.objects.create(tenant=cast.abacus, name="Far", is_active=False)
    far.teams.add(cast.sales)
    AccessViewAssignment.objects.create(user=cast.ana, view=far)
    mia = manager(cast)
    assert "Far" not in text(get(mia, "user-edit", cast.ana.pk))
    assert change(mia, cast.ana, first_name="Anna", views=[]).status_code == 422
    assert now(cast.ana).first_name == "Ana"
    assert list(now(cast.ana).access_views.all()) == [far]


def test_nobody_moves_a_user_out_of_their_sight(cast: Cast) -> None:
    mia = manager(cast)
    for team in ("", cast.sales.pk):
        assert change(mia, cast.ana, team=team).status_code == 422
    assert now(cast.ana).team == cast.support


# --- Nobody locks themselves out -------------------------------------------------------------------------------------


def test_nobody_changes_their_own_roles_views_or_activity(cast: Cast) -> None:
    tess = boss(cast)
    page = text(get(tess, "user-edit", tess.pk))
    assert "This is you." in page
    assert 'name="roles"' not in page
    assert change(tess, tess, first_name="Theresa", is_active=None, roles=[], views=[]).status_code == 302
    assert now(tess).first_name == "Theresa"
    assert now(tess).is_active
    assert now(tess).may(Permission.ADMINISTER_TENANT)
    assert tess.access_views.count() == 1


def test_neither_by_the_action_itself(cast: Cast) -> None:
    tess = boss(cast)
    fields = actions.UserFields(tess.username, "Tess", "Boss", tess.email, is_active=False)
    with pytest.raises(actions.Refused, match="Nobody changes their own"):
        actions.change_user(by=tess, user_id=tess.pk, fields=fields, was=fingerprint(state_of_user(tess)))


def test_the_last_administrator_stays_because_nobody_acts_who_is_none_any_more(cast: Cast) -> None:
    """Two administrators who deactivate each other: the second is asked again who they are, and is none."""
    tess, tom = boss(cast), boss(cast, "Tom Boss")
    clients = signed_in(tess), signed_in(tom)
    first = post(clients[0], "user-edit", form_of(tom, is_active=None), tom.pk)
    assert first.status_code == 302
    fields = actions.UserFields(tess.username, is_active=False)
    with pytest.raises(PermissionMissing):  # `tom` is as he was when his request began
        actions.change_user(by=tom, user_id=tess.pk, fields=fields, was=fingerprint(state_of_user(tess)))
    assert now(tess).may(Permission.ADMINISTER_TENANT)


def test_a_deactivated_person_is_out_at_their_next_request(cast: Cast) -> None:
    otto = signed_in(cast.otto)
    assert otto.get("/transfer/").status_code == 200
    change(boss(cast), cast.otto, is_active=None)
    assert otto.get("/transfer/").status_code == 302


def test_their_sessions_do_not_wake_when_they_become_active_again(cast: Cast) -> None:
    cast.otto.set_password(PASSWORD)
    cast.otto.save()
    inside = Client()
    sign_in(inside, cast.otto.username)
    assert is_signed_in(inside)
    tess = boss(cast)
    change(tess, cast.otto, is_active=None)
    change(tess, cast.otto, is_active="on")
    assert now(cast.otto).is_active
    assert not is_signed_in(inside)


# --- The audit log ---------------------------------------------------------------------------------------------------


def test_who_and_from_where(cast: Cast) -> None:
    tess = boss(cast)
    change(tess, cast.ana, first_name="Anna")
    event = AuditEvent.objects.get(kind="user-changed")
    assert (event.actor_id, event.actor_name, event.address) == (tess.pk, "Tess Boss", "127.0.0.1")
    assert event.details["changes"] == [{"field": "First name", "before": "Ana", "after": "Anna"}]


def test_changes_of_people_out_of_view_are_not_told_to_those_who_see_only_the_person_who_acted(
    cast: Cast,
) -> None:
    tess = boss(cast)
    User.objects.filter(pk=tess.pk).update(team=cast.support)
    change(tess, cast.eli, first_name="Elias")
    record("signed-in", tenant_id=cast.abacus.pk, by=tess)
    assert [event.kind for event in visible_events(cast.otto)] == ["signed-in"]
    assert visible_events(cast.vera).filter(kind="user-changed").count() == 1
    assert visible_events(tess).filter(kind="user-changed").count() == 1


def test_a_refused_change_is_not_told(cast: Cast) -> None:
    change(boss(cast), cast.ana, username="bo.chen")
    assert told() == []


def test_a_role_that_the_form_does_not_know_is_refused(cast: Cast) -> None:
    foreign = role(cast, "Foreign", Permission.SEE_AUDIT)
    foreign.tenant = cast.foreign
    foreign.save()
    assert change(boss(cast), cast.ana, roles=[foreign.pk]).status_code == 422


@pytest.mark.parametrize("page", ["user-edit", "user-new"])
def test_after_a_while_the_sign_in_is_asked_for_and_what_was_typed_stays(cast: Cast, page: str) -> None:
    """Who changes an email can sign in as its owner: a session left open is not enough."""
    client = signed_in(boss(cast))
    age_session(client, proved_at=16 * 60)
    of, numbers = (cast.ana, (cast.ana.pk,)) if page == "user-edit" else (User(username="new.one"), ())
    sent = (form_of(of) if numbers else {"username": "new.one"}) | {"email": "mine@example.com"}
    answer = post(client, page, sent, *numbers)
    assert answer.status_code == 422
    assert 'href="/sign-in/again/?next=' in text(answer)
    assert 'value="mine@example.com"' in text(answer)
    assert not User.objects.filter(email="mine@example.com").exists()
    age_session(client, proved_at=-16 * 60)
    assert post(client, page, sent, *numbers).status_code == 302
    assert User.objects.filter(email="mine@example.com").exists()


def test_nobody_changes_their_own_team(cast: Cast) -> None:
    """Whoever may move themselves to another team leaves the sight of those who watch them."""
    mia = manager(cast)
    narrow(cast).teams.add(cast.sales)
    User.objects.filter(pk=mia.pk).update(team=cast.support)
    mia.refresh_from_db()
    assert 'name="team"' not in text(get(mia, "user-edit", mia.pk))
    assert change(mia, mia, first_name="Mya", team=cast.sales.pk).status_code == 302
    assert (now(mia).first_name, now(mia).team) == ("Mya", cast.support)
    sent = actions.UserFields(
        mia.username,
        team_id=cast.sales.pk,
        roles=frozenset(mia.roles.values_list("pk", flat=True)),
        views=frozenset(mia.access_views.values_list("pk", flat=True)),
    )
    with pytest.raises(actions.Refused, match="Nobody changes their own"):
        actions.change_user(by=mia, user_id=mia.pk, fields=sent, was=fingerprint(state_of_user(now(mia))))
