"""Creating a user: which roles, views and teams may be assigned, and values that are already taken."""

from typing import Any

import pytest
from django.db import connection

from accounts.models import RoleAssignment, User
from accounts.people import actions
from accounts.people.actions import UserFields
from accounts.permissions import Permission
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.managers import account_events, boss, enterprise, get, manager, narrow, post, role, text

pytestmark = pytest.mark.django_db


def sent(cast: Cast, **changed: Any) -> dict[str, Any]:
    return {
        "username": "zoe.new",
        "first_name": "Zoë",
        "last_name": "New",
        "email": "zoe@example.com",
        "employee_id": "E-1",
        "team": cast.support.pk,
        "is_active": "on",
    } | changed


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 422, text(response)
    return {name: list(found) for name, found in response.context["form"].errors.items()}


def test_it_is_created_in_the_persons_tenant_without_a_password(cast: Cast) -> None:
    tess = boss(cast)
    answer = post(tess, "user-new", sent(cast, roles=[cast.otto.roles.get().pk], views=[narrow(cast).pk]))
    assert answer.status_code == 302
    zoe = User.objects.get(username="zoe.new")
    assert (zoe.tenant, zoe.team, zoe.name, zoe.is_active) == (cast.abacus, cast.support, "Zoë New", True)
    assert not zoe.has_usable_password()
    assert [r.name for r in zoe.roles.all()] == ["Transfer operator"]
    assert list(zoe.access_views.all()) == [narrow(cast)]
    assert account_events() == [
        f"Created the user Zoë New ({zoe.pk}). User name: none → zoe.new. First name: none → Zoë."
        " Last name: none → New. Email: none → zoe@example.com. Employee ID: none → E-1. Active: none → yes."
        " Team: none → Support."
        " Roles: added Transfer operator. Views: added Support only."
    ]


def test_the_page_explains_how_to_get_a_password(cast: Cast) -> None:
    client = signed_in(boss(cast))
    post(client, "user-new", sent(cast))
    assert "without a password. To set one, they choose “Forgot your password?”" in text(
        client.get("/users/")
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "ANA.DÍAZ"),
        ("username", "frida.foreign"),
        ("username", "eli.sales"),
        ("username", "Frida.Foreign@example.com"),
        ("email", "Ana.Díaz@example.com"),
        ("email", "FRIDA.foreign@example.com"),
    ],
)
def test_a_taken_value_is_reported_on_its_field_in_the_same_words(cast: Cast, field: str, value: str) -> None:
    """The message is the same even if the user who has the value is out of view or in another tenant."""
    User.objects.filter(pk=cast.ana.pk).update(email="ana.diaz@example.com")
    value = value.replace("Ana.Díaz@", "Ana.Diaz@")
    word = {"username": "This user name is taken. Choose another."}.get(
        field, "This email is taken. Enter another, or leave it empty."
    )
    assert errors(post(manager(cast), "user-new", sent(cast, **{field: value}))) == {field: [word]}


def test_employee_ids_are_unique_in_the_tenant_only(cast: Cast) -> None:
    User.objects.filter(pk=cast.frida.pk).update(employee_id="E-1")
    User.objects.filter(pk=cast.eli.pk).update(employee_id="E-2")
    tess = boss(cast)
    assert "employee_id" in errors(post(tess, "user-new", sent(cast, employee_id="E-2")))
    assert post(tess, "user-new", sent(cast)).status_code == 302


def test_all_problems_are_reported_at_once(cast: Cast) -> None:
    User.objects.filter(pk=cast.eli.pk).update(employee_id="E-2")
    found = errors(
        post(
            boss(cast),
            "user-new",
            sent(cast, username="eli.sales", email="eli.sales@example.com", employee_id="E-2"),
        )
    )
    assert set(found) == {"username", "email", "employee_id"}


@pytest.mark.parametrize(
    "changed",
    [
        {"username": ""},
        {"username": "a" * 300},
        {"username": "a\0b"},
        {"first_name": "A\u202eb"},
        {"email": "no address"},
        {"team": "10000000000000000000000000"},
        {"roles": ["x"]},
        {"views": ["-1"]},
    ],
)
def test_bad_input_is_explained_and_kept_in_the_form(cast: Cast, changed: dict[str, Any]) -> None:
    answer = post(boss(cast), "user-new", sent(cast, **changed))
    assert set(errors(answer)) == set(changed)
    page = text(answer)
    assert 'id="error-summary"' in page
    assert "<title>Error: New user" in page
    for word in ("invalid.", "illegal", "oops"):
        assert word not in page.lower()


# --- Only what one has oneself can be given ----------------------------------------------------------------------


def test_a_role_with_permissions_one_lacks_is_neither_offered_nor_accepted(cast: Cast) -> None:
    mia, bulk = manager(cast), cast.ada.roles.get()
    assert bulk.name not in text(get(mia, "user-new"))
    assert "roles" in errors(post(mia, "user-new", sent(cast, roles=[bulk.pk])))
    fields = UserFields("zoe", team_id=cast.support.pk, roles=frozenset([bulk.pk]))
    with pytest.raises(actions.Refused, match="permissions that you do not have"):
        actions.create_user(by=mia, fields=fields)
    assert not User.objects.filter(username__startswith="zoe").exists()


def test_ones_own_permissions_can_be_given(cast: Cast) -> None:
    mia = manager(cast)
    some = role(cast, "Part of it", Permission.MANAGE_USERS)
    assert post(mia, "user-new", sent(cast, roles=[some.pk])).status_code == 302
    assert RoleAssignment.objects.filter(user__username="zoe.new", role=some).exists()


def test_a_role_of_another_tenant_is_refused(cast: Cast) -> None:
    foreign = cast.frida.roles.get()
    assert "roles" in errors(post(boss(cast), "user-new", sent(cast, roles=[foreign.pk])))


def test_a_view_beyond_ones_own_is_neither_offered_nor_accepted(cast: Cast) -> None:
    mia = manager(cast)
    assert "EnterpriseView" not in text(get(mia, "user-new"))
    assert "views" in errors(post(mia, "user-new", sent(cast, views=[enterprise(cast).pk])))
    fields = UserFields("zoe", team_id=cast.support.pk, views=frozenset([enterprise(cast).pk]))
    with pytest.raises(actions.Refused, match="users that you cannot see"):
        actions.create_user(by=mia, fields=fields)
    assert post(mia, "user-new", sent(cast, views=[narrow(cast).pk])).status_code == 302


@pytest.mark.parametrize("team", ["", "sales"])
def test_one_cannot_create_a_user_out_of_view(cast: Cast, team: str) -> None:
    number = cast.sales.pk if team else ""
    assert "team" in errors(post(manager(cast), "user-new", sent(cast, team=number)))
    with pytest.raises(actions.Refused, match="Choose a team"):
        actions.create_user(by=manager(cast, "Max Manager"), fields=UserFields("zoe", team_id=number or None))


def test_with_enterprise_view_no_team_is_needed(cast: Cast) -> None:
    assert post(boss(cast), "user-new", sent(cast, team="")).status_code == 302


# --- Races -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["username", "email", "employee_id"])
def test_a_value_taken_in_the_same_moment_gives_the_same_sentence(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """The check is disabled, as if it had run before the other user was stored. The unique constraint still applies."""
    monkeypatch.setattr("accounts.people.actions.users.taken", lambda user, fields: {})
    tess = boss(cast)
    User.objects.filter(pk=cast.eli.pk).update(employee_id="E-2")
    taken = {"username": "eli.sales", "email": "eli.sales@example.com", "employee_id": "E-2"}[field]
    assert list(errors(post(tess, "user-new", sent(cast, **{field: taken})))) == [field]
    assert not connection.needs_rollback


def test_it_needs_the_permission(cast: Cast) -> None:
    assert post(cast.ada, "user-new", sent(cast)).status_code == 403
    assert not User.objects.filter(username="zoe.new").exists()


def test_a_user_name_equal_to_an_email_but_for_unicode_case_is_taken(cast: Cast) -> None:
    User.objects.filter(pk=cast.frida.pk).update(email="ivan@abacus.example")
    answer = post(boss(cast), "user-new", {"username": "\u0130van@abacus.example", "is_active": "on"})
    assert "This user name is taken" in text(answer)
