"""Changing a user: outdated forms, refused changes, and the audit log."""

from typing import Any

import pytest
from django.test import Client

from accounts.access import PermissionMissing
from accounts.models import AccessViewAssignment, RoleAssignment, User
from accounts.people import actions
from accounts.people.changes import fingerprint, state_of_user
from accounts.permissions import Permission
from audit.log import record
from audit.models import AuditEvent
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.managers import (
    account_events,
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
)
from tests.fixtures.signing_in import PASSWORD, age_session, is_signed_in, sign_in
from transfers.access import visible_events

pytestmark = pytest.mark.django_db


def change(by: User, user: User, **changed: Any) -> Any:
    return post(by, "user-edit", form_of(user, **changed), user.pk)


def stored(user: User) -> User:
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
    ana = stored(cast.ana)
    assert (ana.username, ana.name, ana.employee_id, ana.team, ana.is_active) == (
        "ana.d",
        "Ana Dias",
        "E-9",
        cast.sales,
        False,
    )
    assert account_events() == [
        f"Changed the user Ana Díaz ({ana.pk}). User name: ana.díaz → ana.d. Last name: Díaz → Dias."
        " Employee ID: none → E-9. Active: yes → no. Team: Support → Sales."
        " Roles: added Transfer operator. Views: added Support only."
    ]


def test_an_unchanged_user_is_not_recorded(cast: Cast) -> None:
    assert change(boss(cast), cast.ana).status_code == 302
    assert account_events() == []


def test_roles_and_views_are_removed(cast: Cast) -> None:
    change(boss(cast), cast.otto, roles=[], views=[])
    assert not RoleAssignment.objects.filter(user=cast.otto).exists()
    assert not AccessViewAssignment.objects.filter(user=cast.otto).exists()
    assert "Roles: removed Transfer operator. Views: removed Support only." in account_events()[0]


def test_unknown_foreign_and_out_of_view_are_the_same_404_byte_for_byte(cast: Cast) -> None:
    mia = signed_in(manager(cast))
    answers = set()
    for number in (cast.eli.pk, cast.frida.pk, 10**9, 10**30):
        for answer in (mia.get(f"/users/{number}/"), mia.post(f"/users/{number}/", {"username": "x"})):
            assert answer.status_code == 404
            answers.add(content(answer))
    assert len(answers) == 1
    assert account_events() == []


# --- Two tabs --------------------------------------------------------------------------------------------------------


def test_a_stale_edit_is_not_saved_and_shows_what_it_would_overwrite(cast: Cast) -> None:
    tess, first, second = boss(cast), form_of(cast.ana, last_name="One"), form_of(cast.ana, first_name="Two")
    assert post(tess, "user-edit", first, cast.ana.pk).status_code == 302
    answer = post(tess, "user-edit", second, cast.ana.pk)
    assert answer.status_code == 422
    page = text(answer)
    assert "Someone else changed this after you opened the page" in page
    assert "First name: Ana → Two" in page
    assert "Last name: One → Díaz" in page
    assert stored(cast.ana).name == "Ana One"
    again = second | {"was": answer.context["form"]["was"].value()}
    assert post(tess, "user-edit", again, cast.ana.pk).status_code == 302
    assert stored(cast.ana).name == "Two Díaz"


def test_a_role_or_view_assigned_elsewhere_makes_the_page_stale(cast: Cast) -> None:
    tess = boss(cast)
    sent = form_of(cast.ana, first_name="Anna")
    actions.assign_view(by=tess, view_id=narrow(cast).pk, user_id=cast.ana.pk)
    answer = post(tess, "user-edit", sent, cast.ana.pk)
    assert answer.status_code == 422
    assert "Views: removed Support only" in text(answer)
    assert AccessViewAssignment.objects.filter(user=cast.ana).exists()


@pytest.mark.parametrize("was", ["", "x", "0" * 64])
def test_a_form_without_its_fingerprint_is_stale(cast: Cast, was: str) -> None:
    assert change(boss(cast), cast.ana, first_name="Anna", was=was).status_code == 422
    assert stored(cast.ana).first_name == "Ana"


# --- No privilege escalation -------------------------------------------------------------------------------------


def test_a_user_with_more_rights_cannot_be_changed(cast: Cast) -> None:
    """Otherwise, Mia could set the user's email to her own, reset the password and sign in as that user."""
    mia = manager(cast)
    give(cast.ana, cast.ada.roles.get())
    page = text(get(mia, "user-edit", cast.ana.pk))
    assert "You can see this user but cannot change them." in page
    assert '<button class="primary">Save' not in page
    answer = change(mia, cast.ana, email="mia@evil.example")
    assert answer.status_code == 422
    assert stored(cast.ana).email != "mia@evil.example"


def test_a_user_who_sees_more_cannot_be_changed(cast: Cast) -> None:
    AccessViewAssignment.objects.create(user=cast.ana, view=enterprise(cast))
    assert change(manager(cast), cast.ana, email="mia@evil.example").status_code == 422


def test_a_user_with_a_wider_inactive_view_cannot_be_changed(cast: Cast) -> None:
    """An inactive view counts too, because it can be activated at any time."""
    far = enterprise(cast).__class__.objects.create(tenant=cast.abacus, name="Far", is_active=False)
    far.teams.add(cast.sales)
    AccessViewAssignment.objects.create(user=cast.ana, view=far)
    mia = manager(cast)
    assert "Far" not in text(get(mia, "user-edit", cast.ana.pk))
    assert change(mia, cast.ana, first_name="Anna", views=[]).status_code == 422
    assert stored(cast.ana).first_name == "Ana"
    assert list(stored(cast.ana).access_views.all()) == [far]


def test_one_cannot_move_a_user_out_of_ones_view(cast: Cast) -> None:
    mia = manager(cast)
    for team in ("", cast.sales.pk):
        assert change(mia, cast.ana, team=team).status_code == 422
    assert stored(cast.ana).team == cast.support


# --- No locking oneself out -------------------------------------------------------------------------------------


def test_one_cannot_change_ones_own_roles_views_or_status(cast: Cast) -> None:
    tess = boss(cast)
    page = text(get(tess, "user-edit", tess.pk))
    assert "This is you." in page
    assert 'name="roles"' not in page
    assert change(tess, tess, first_name="Theresa", is_active=None, roles=[], views=[]).status_code == 302
    assert stored(tess).first_name == "Theresa"
    assert stored(tess).is_active
    assert stored(tess).may(Permission.ADMINISTER_TENANT)
    assert tess.access_views.count() == 1


def test_the_action_refuses_it_too(cast: Cast) -> None:
    tess = boss(cast)
    fields = actions.UserFields(tess.username, "Tess", "Boss", tess.email, is_active=False)
    with pytest.raises(actions.Refused, match="You cannot change your own"):
        actions.change_user(by=tess, user_id=tess.pk, fields=fields, was=fingerprint(state_of_user(tess)))


def test_two_administrators_cannot_deactivate_each_other(cast: Cast) -> None:
    """The action checks permissions again, so it refuses the second administrator, who has just been deactivated."""
    tess, tom = boss(cast), boss(cast, "Tom Boss")
    clients = signed_in(tess), signed_in(tom)
    first = post(clients[0], "user-edit", form_of(tom, is_active=None), tom.pk)
    assert first.status_code == 302
    fields = actions.UserFields(tess.username, is_active=False)
    with pytest.raises(PermissionMissing):  # `tom` was loaded before he was deactivated
        actions.change_user(by=tom, user_id=tess.pk, fields=fields, was=fingerprint(state_of_user(tess)))
    assert stored(tess).may(Permission.ADMINISTER_TENANT)


def test_a_deactivated_user_is_signed_out_at_their_next_request(cast: Cast) -> None:
    otto = signed_in(cast.otto)
    assert otto.get("/transfer/").status_code == 200
    change(boss(cast), cast.otto, is_active=None)
    assert otto.get("/transfer/").status_code == 302


def test_reactivating_a_user_does_not_restore_their_sessions(cast: Cast) -> None:
    cast.otto.set_password(PASSWORD)
    cast.otto.save()
    inside = Client()
    sign_in(inside, cast.otto.username)
    assert is_signed_in(inside)
    tess = boss(cast)
    change(tess, cast.otto, is_active=None)
    change(tess, cast.otto, is_active="on")
    assert stored(cast.otto).is_active
    assert not is_signed_in(inside)


# --- The audit log ---------------------------------------------------------------------------------------------------


def test_actor_and_address_are_recorded(cast: Cast) -> None:
    tess = boss(cast)
    change(tess, cast.ana, first_name="Anna")
    event = AuditEvent.objects.get(kind="user-changed")
    assert (event.actor_id, event.actor_name, event.address) == (tess.pk, "Tess Boss", "127.0.0.1")
    assert event.details["changes"] == [{"field": "First name", "before": "Ana", "after": "Anna"}]


def test_changes_of_users_out_of_view_are_hidden_even_if_the_actor_is_in_view(
    cast: Cast,
) -> None:
    tess = boss(cast)
    User.objects.filter(pk=tess.pk).update(team=cast.support)
    change(tess, cast.eli, first_name="Elias")
    record("signed-in", tenant_id=cast.abacus.pk, by=tess)
    assert [event.kind for event in visible_events(cast.otto)] == ["signed-in"]
    assert visible_events(cast.vera).filter(kind="user-changed").count() == 1
    assert visible_events(tess).filter(kind="user-changed").count() == 1


def test_a_refused_change_is_not_recorded(cast: Cast) -> None:
    change(boss(cast), cast.ana, username="bo.chen")
    assert account_events() == []


def test_a_role_of_another_tenant_is_refused(cast: Cast) -> None:
    foreign = role(cast, "Foreign", Permission.SEE_AUDIT)
    foreign.tenant = cast.foreign
    foreign.save()
    assert change(boss(cast), cast.ana, roles=[foreign.pk]).status_code == 422


@pytest.mark.parametrize("page", ["user-edit", "user-new"])
def test_an_old_session_has_to_sign_in_again_and_keeps_the_input(cast: Cast, page: str) -> None:
    """A recent sign-in is required, because whoever sets a user's email can then sign in as that user."""
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


def test_one_cannot_change_ones_own_team(cast: Cast) -> None:
    """Otherwise, people could move themselves out of their supervisors' views."""
    mia = manager(cast)
    narrow(cast).teams.add(cast.sales)
    User.objects.filter(pk=mia.pk).update(team=cast.support)
    mia.refresh_from_db()
    assert 'name="team"' not in text(get(mia, "user-edit", mia.pk))
    assert change(mia, mia, first_name="Mya", team=cast.sales.pk).status_code == 302
    assert (stored(mia).first_name, stored(mia).team) == ("Mya", cast.support)
    sent = actions.UserFields(
        mia.username,
        team_id=cast.sales.pk,
        roles=frozenset(mia.roles.values_list("pk", flat=True)),
        views=frozenset(mia.access_views.values_list("pk", flat=True)),
    )
    with pytest.raises(actions.Refused, match="You cannot change your own"):
        actions.change_user(by=mia, user_id=mia.pk, fields=sent, was=fingerprint(state_of_user(stored(mia))))
