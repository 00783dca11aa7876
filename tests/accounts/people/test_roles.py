"""The Roles pages: people can grant only permissions that they have, and cannot revoke their own."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import AccessViewAssignment, Role, User
from accounts.permissions import TRANSFER_ADMINISTRATOR, Permission
from tests.fixtures.cast import Cast, person, signed_in
from tests.fixtures.managers import (
    account_events,
    boss,
    content,
    enterprise,
    form_of_role,
    get,
    give,
    manager,
    narrow,
    post,
    role,
    text,
)

pytestmark = pytest.mark.django_db


def change(by: User, held: Role, **changed: Any) -> Any:
    return post(by, "role-edit", form_of_role(held, **changed), held.pk)


def test_the_list_describes_each_role(cast: Cast) -> None:
    page = text(get(boss(cast), "role-list"))
    for words in (
        "Transfer operator",
        "Transfer one user&#x27;s data, See transfers",
        "Runs single transfers within",
    ):
        assert words in page
    assert "Frida" not in page


def test_a_new_role(cast: Cast) -> None:
    assert (
        post(
            boss(cast), "role-new", {"name": "Auditor", "permissions": ["see_audit", "see_transfers"]}
        ).status_code
        == 302
    )
    made = Role.objects.get(name="Auditor")
    assert (made.tenant, made.permissions) == (cast.abacus, ["see_transfers", "see_audit"])
    assert account_events() == [
        f"Created the role Auditor ({made.pk}). Name: none → Auditor."
        " Permissions: added See the audit log, See transfers."
    ]


def test_a_change_applies_to_all_holders_from_the_next_request_on(cast: Cast) -> None:
    otto = signed_in(cast.otto)
    assert otto.get("/transfer/single/").status_code == 200
    assert change(boss(cast), cast.otto.roles.get(), permissions=["see_transfers"]).status_code == 302
    assert otto.get("/transfer/single/").status_code == 403
    assert "Permissions: removed Transfer one user's data." in account_events()[0]


def limited_administrator(cast: Cast) -> User:
    little = person(cast.abacus, "Lil Little")
    give(little, role(cast, "Little", Permission.ADMINISTER_TENANT, Permission.SEE_AUDIT))
    return little


def test_permissions_one_lacks_cannot_be_given(cast: Cast) -> None:
    little = limited_administrator(cast)
    assert "Transfer data in bulk" not in text(get(little, "role-new"))
    for permissions in (["transfer_bulk"], ["see_audit", "transfer_one"], ["nonsense"], []):
        assert post(little, "role-new", {"name": "More", "permissions": permissions}).status_code == 422
    assert post(little, "role-new", {"name": "Less", "permissions": ["see_audit"]}).status_code == 302
    assert not Role.objects.filter(name="More").exists()


def test_a_role_with_more_permissions_cannot_be_changed_or_deleted(cast: Cast) -> None:
    little, bulk = limited_administrator(cast), cast.ada.roles.get()
    assert "permissions that you do not have" in text(get(little, "role-edit", bulk.pk))
    assert change(little, bulk, permissions=["see_audit"]).status_code == 422
    post(little, "role-delete", {}, bulk.pk)
    assert "transfer_bulk" in Role.objects.get(pk=bulk.pk).permissions


def test_one_cannot_take_away_ones_own_permissions(cast: Cast) -> None:
    tess = boss(cast)
    own = tess.roles.get()
    kept = [code for code in own.permissions if code != "administer_tenant"]
    answer = change(tess, own, permissions=kept)
    assert answer.status_code == 422
    assert "have this role yourself and would lose these permissions: Administer the tenant." in text(answer)
    assert "administer_tenant" in Role.objects.get(pk=own.pk).permissions
    assert account_events() == []


def test_permissions_also_given_by_another_role_can_be_removed(cast: Cast) -> None:
    tess = boss(cast)
    give(tess, role(cast, "Second", Permission.SEE_AUDIT))
    kept = [code for code in tess.roles.get(name="Tenant administrator").permissions if code != "see_audit"]
    assert change(tess, tess.roles.get(name="Tenant administrator"), permissions=kept).status_code == 302


def test_an_assigned_role_cannot_be_deleted(cast: Cast) -> None:
    tess, held = boss(cast), cast.otto.roles.get()
    assert "This role is assigned to 1 user." in text(get(tess, "role-edit", held.pk))
    post(tess, "role-delete", {}, held.pk)
    assert Role.objects.filter(pk=held.pk).exists()
    cast.otto.role_assignments.all().delete()
    assert post(tess, "role-delete", {}, held.pk).status_code == 302
    assert not Role.objects.filter(pk=held.pk).exists()
    assert account_events()[0].startswith(f"Deleted the role Transfer operator ({held.pk}).")


def test_the_number_of_holders_out_of_view_is_not_revealed(cast: Cast) -> None:
    little = limited_administrator(cast)
    audit = role(cast, "Audit", Permission.SEE_AUDIT)
    for user in (cast.ana, cast.bo):
        give(user, audit)
    client = signed_in(little)
    post(client, "role-delete", {}, audit.pk)
    page = text(client.get(reverse("accounts:role-edit", args=[audit.pk])))
    assert "This role is assigned to users outside your views." in page


def test_a_stale_page_is_not_saved(cast: Cast) -> None:
    tess, held = boss(cast), cast.otto.roles.get()
    sent = form_of_role(held, name="Renamed")
    assert change(tess, held, permissions=["see_transfers"]).status_code == 302
    answer = post(tess, "role-edit", sent, held.pk)
    assert answer.status_code == 422
    assert "Permissions: added Transfer one user&#x27;s data" in text(answer)


def test_the_name_is_unique_in_the_tenant(cast: Cast) -> None:
    sent = {"name": "Transfer operator", "permissions": ["see_audit"]}
    assert "This name is taken" in text(post(boss(cast), "role-new", sent))


def test_unknown_and_foreign_are_the_same_404(cast: Cast) -> None:
    tess = boss(cast)
    answers = {
        content(get(tess, "role-edit", number)) for number in (cast.frida.roles.get().pk, 10**9, 10**30)
    }
    assert len(answers) == 1


def test_it_needs_the_permission(cast: Cast) -> None:
    for by in (manager(cast), cast.ada, cast.nina):
        for page in ("role-list", "role-new"):
            assert get(by, page).status_code == 403
        assert post(by, "role-delete", {}, cast.otto.roles.get().pk).status_code == 403


def administrator_of_support(cast: Cast) -> User:
    """Create a user with ADMINISTER_TENANT and a transfer administrator's permissions who sees only Support."""
    mal = person(cast.abacus, "Mal Admin", view=narrow(cast))
    give(mal, role(cast, "Small", Permission.ADMINISTER_TENANT, *TRANSFER_ADMINISTRATOR.permissions))
    return mal


def test_a_role_of_a_user_out_of_view_cannot_be_changed(cast: Cast) -> None:
    mal, held = administrator_of_support(cast), cast.ada.roles.get()
    before = list(held.permissions)
    for permissions in (["see_audit"], [*before, "administer_tenant"]):
        answer = change(mal, held, permissions=permissions)
        assert answer.status_code == 422
        assert "assigned to a user outside your views" in text(answer)
    assert Role.objects.get(pk=held.pk).permissions == before
    assert "assigned to a user outside your views" in text(get(mal, "role-edit", held.pk))


@pytest.mark.parametrize("more", ["permissions", "view"])
def test_a_role_of_a_user_with_more_rights_cannot_be_changed(cast: Cast, more: str) -> None:
    mal, audit = administrator_of_support(cast), role(cast, "Audit", Permission.SEE_AUDIT)
    give(cast.ana, audit)
    assert change(mal, audit, name="Audits").status_code == 302
    if more == "permissions":
        give(cast.ana, role(cast, "Users", Permission.MANAGE_USERS))
    else:
        AccessViewAssignment.objects.create(user=cast.ana, view=enterprise(cast))
    assert change(mal, audit, name="Audit").status_code == 422
    assert change(boss(cast), audit, name="Audit").status_code == 302


def test_ones_own_role_can_be_changed_even_if_one_is_out_of_view(cast: Cast) -> None:
    mal = administrator_of_support(cast)
    assert change(mal, mal.roles.get(), name="Renamed").status_code == 302
