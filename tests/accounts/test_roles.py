"""The Roles pages: roles are made of permissions one has, and nobody takes their own away."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import AccessViewAssignment, Role, User
from accounts.permissions import TRANSFER_ADMINISTRATOR, Permission
from tests.accounts.managers import (
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
    told,
)
from tests.transfers.cast import Cast, person, signed_in

pytestmark = pytest.mark.django_db


def change(by: User, held: Role, **changed: Any) -> Any:
    return post(by, "role-edit", form_of_role(held, **changed), held.pk)


def test_the_list_says_what_each_is_for(cast: Cast) -> None:
    page = text(get(boss(cast), "role-list"))
    for words in (
        "Transfer operator",
        "Transfer one user&#x27;s data, See transfers",
        "Runs single transfers within",
    ):
        assert words in page
    assert "Frida" not in page


def test_a_role_of_permissions(cast: Cast) -> None:
    assert (
        post(
            boss(cast), "role-new", {"name": "Auditor", "permissions": ["see_audit", "see_transfers"]}
        ).status_code
        == 302
    )
    made = Role.objects.get(name="Auditor")
    assert (made.tenant, made.permissions) == (cast.abacus, ["see_transfers", "see_audit"])
    assert told() == [
        f"Created the role Auditor ({made.pk}). Name: none → Auditor."
        " Permissions: added See the audit log, See transfers."
    ]


def test_a_change_holds_for_the_next_request_of_everybody_who_holds_it(cast: Cast) -> None:
    otto = signed_in(cast.otto)
    assert otto.get("/transfer/single/").status_code == 200
    assert change(boss(cast), cast.otto.roles.get(), permissions=["see_transfers"]).status_code == 302
    assert otto.get("/transfer/single/").status_code == 403
    assert "Permissions: taken away Transfer one user's data." in told()[0]


def administrator_of_little(cast: Cast) -> User:
    little = person(cast.abacus, "Lil Little")
    give(little, role(cast, "Little", Permission.ADMINISTER_TENANT, Permission.SEE_AUDIT))
    return little


def test_nobody_gives_a_permission_they_do_not_have(cast: Cast) -> None:
    little = administrator_of_little(cast)
    assert "Transfer data in bulk" not in text(get(little, "role-new"))
    for permissions in (["transfer_bulk"], ["see_audit", "transfer_one"], ["nonsense"], []):
        assert post(little, "role-new", {"name": "More", "permissions": permissions}).status_code == 422
    assert post(little, "role-new", {"name": "Less", "permissions": ["see_audit"]}).status_code == 302
    assert not Role.objects.filter(name="More").exists()


def test_a_role_with_more_than_ones_own_cannot_be_changed_or_deleted(cast: Cast) -> None:
    little, bulk = administrator_of_little(cast), cast.ada.roles.get()
    assert "permissions that you do not have" in text(get(little, "role-edit", bulk.pk))
    assert change(little, bulk, permissions=["see_audit"]).status_code == 422
    post(little, "role-delete", {}, bulk.pk)
    assert "transfer_bulk" in Role.objects.get(pk=bulk.pk).permissions


def test_nobody_takes_a_permission_from_themselves(cast: Cast) -> None:
    tess = boss(cast)
    own = tess.roles.get()
    kept = [code for code in own.permissions if code != "administer_tenant"]
    answer = change(tess, own, permissions=kept)
    assert answer.status_code == 422
    assert "You hold this role yourself and would lose: Administer the tenant." in text(answer)
    assert "administer_tenant" in Role.objects.get(pk=own.pk).permissions
    assert told() == []


def test_what_another_role_gives_too_may_go(cast: Cast) -> None:
    tess = boss(cast)
    give(tess, role(cast, "Second", Permission.SEE_AUDIT))
    kept = [code for code in tess.roles.get(name="Tenant administrator").permissions if code != "see_audit"]
    assert change(tess, tess.roles.get(name="Tenant administrator"), permissions=kept).status_code == 302


def test_a_role_that_is_held_is_not_deleted_and_says_by_how_many(cast: Cast) -> None:
    tess, held = boss(cast), cast.otto.roles.get()
    assert "This role is held by 1 person." in text(get(tess, "role-edit", held.pk))
    post(tess, "role-delete", {}, held.pk)
    assert Role.objects.filter(pk=held.pk).exists()
    cast.otto.role_assignments.all().delete()
    assert post(tess, "role-delete", {}, held.pk).status_code == 302
    assert not Role.objects.filter(pk=held.pk).exists()
    assert told()[0].startswith(f"Deleted the role Transfer operator ({held.pk}).")


def test_how_many_out_of_view_hold_it_is_not_said(cast: Cast) -> None:
    little = administrator_of_little(cast)
    audit = role(cast, "Audit", Permission.SEE_AUDIT)
    for user in (cast.ana, cast.bo):
        give(user, audit)
    client = signed_in(little)
    post(client, "role-delete", {}, audit.pk)
    page = text(client.get(reverse("accounts:role-edit", args=[audit.pk])))
    assert "This role is held by people outside your view." in page


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
    """May give what a transfer administrator may, and sees the team Support only."""
    mal = person(cast.abacus, "Mal Admin", view=narrow(cast))
    give(mal, role(cast, "Small", Permission.ADMINISTER_TENANT, *TRANSFER_ADMINISTRATOR.permissions))
    return mal


def test_a_role_of_somebody_out_of_view_stays_as_it_is(cast: Cast) -> None:
    mal, held = administrator_of_support(cast), cast.ada.roles.get()
    before = list(held.permissions)
    for permissions in (["see_audit"], [*before, "administer_tenant"]):
        answer = change(mal, held, permissions=permissions)
        assert answer.status_code == 422
        assert "held by somebody outside your view" in text(answer)
    assert Role.objects.get(pk=held.pk).permissions == before
    assert "held by somebody outside your view" in text(get(mal, "role-edit", held.pk))


@pytest.mark.parametrize("more", ["permissions", "view"])
def test_a_role_of_somebody_with_more_rights_stays_as_it_is(cast: Cast, more: str) -> None:
    mal, audit = administrator_of_support(cast), role(cast, "Audit", Permission.SEE_AUDIT)
    give(cast.ana, audit)
    assert change(mal, audit, name="Audits").status_code == 302
    if more == "permissions":
        give(cast.ana, role(cast, "Users", Permission.MANAGE_USERS))
    else:
        AccessViewAssignment.objects.create(user=cast.ana, view=enterprise(cast))
    assert change(mal, audit, name="Audit").status_code == 422
    assert change(boss(cast), audit, name="Audit").status_code == 302


def test_ones_own_role_may_be_changed_though_one_is_not_in_ones_view(cast: Cast) -> None:
    mal = administrator_of_support(cast)
    assert change(mal, mal.roles.get(), name="Renamed").status_code == 302
