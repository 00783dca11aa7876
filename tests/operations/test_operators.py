"""The operators' pages show all tenants, are read-only, and are closed to everyone else."""

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import User
from accounts.permissions import TENANT_ADMINISTRATOR, Permission
from audit.log import record, sentence
from audit.models import AuditEvent
from audit.verification import verify
from operations.admin.pages import PAGES
from operations.models import Mail, Operator
from tests.fixtures.cast import Cast, person, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.roles import as_owner
from tests.fixtures.signing_in import with_app
from transfers.access import visible_events
from transfers.models import Transfer, TransferPair

COVERAGE = "/operate/coverage/"
LISTS = [COVERAGE, *(f"/operate/{model._meta.app_label}/{model._meta.model_name}/" for model in PAGES)]


@pytest.fixture
def operator(cast: Cast) -> Client:
    with as_owner():
        call_command("operator", "add", "NINA.nobody", stdout=StringIO())
    with_app(cast.nina)
    return signed_in(cast.nina)


def test_an_operator_without_a_second_factor_is_sent_to_add_one(cast: Cast, operator: Client) -> None:
    Authenticator.objects.all().delete()
    answer = operator.get("/operate/", follow=True)
    assert answer.redirect_chain == [(reverse("accounts:security"), 302)]
    assert "require a second factor" in answer.content.decode()


@pytest.mark.parametrize("address", ["/operate/", *LISTS])
def test_everyone_else_gets_404(cast: Cast, address: str) -> None:
    for user in (cast.ada, cast.otto, cast.vera, cast.frida):
        assert signed_in(user).get(address).status_code == 404
    assert Client().get(address).headers["Location"].startswith(reverse("accounts:sign-in"))


def test_no_tenant_administrator_can_change_an_operator(cast: Cast, operator: Client) -> None:
    """Otherwise such a user could change the operator's email address, reset the password, and view every tenant."""
    boss = signed_in(person(cast.abacus, "Tara Tenant", TENANT_ADMINISTRATOR, cast.ada.access_views.get()))
    page = reverse("accounts:user-edit", args=[cast.nina.pk])
    found = boss.get(page)
    assert found.status_code == 200
    form = {
        "username": cast.nina.username,
        "first_name": "Nina",
        "email": "mine@example.com",
        "is_active": "on",
    }
    as_it_was = {name: value for name, value in found.context["form"].initial.items() if value is not None}
    assert boss.post(page, {**as_it_was, **form}).status_code in (403, 404, 422)
    cast.nina.refresh_from_db()
    assert cast.nina.email != "mine@example.com"


def test_a_tenant_administrator_is_no_operator(cast: Cast) -> None:
    """Even all permissions within a tenant give no access to the operators' pages."""
    role = cast.ada.roles.get()
    role.permissions = [permission.value for permission in Permission]
    role.save()
    assert signed_in(cast.ada).get("/operate/").status_code == 404


def test_an_operator_sees_all_tenants(cast: Cast, operator: Client) -> None:
    transfer(cast.ada, (cast.ana, cast.bo))
    record("signed-in", tenant_id=cast.foreign.pk, by=cast.frida)
    Mail.objects.create(transfer_id=1)
    for address in ("/operate/", *LISTS):
        response = operator.get(address)
        assert response.status_code == 200, address
    assert "Frida Foreign" in operator.get("/operate/audit/auditevent/").content.decode()


def test_each_row_has_a_page(cast: Cast, operator: Client) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    record("signed-in", tenant_id=cast.foreign.pk, by=cast.frida)
    for thing in (made, made.pairs.get(), AuditEvent.objects.get(), Operator.objects.get()):
        meta = thing._meta
        address = f"/operate/{meta.app_label}/{meta.model_name}/{thing.pk}/change/"
        response = operator.get(address)
        assert response.status_code == 200, address
        assert b'type="submit"' not in response.content.replace(b'<button type="submit" class="theme', b"")


@pytest.mark.parametrize("what", ["add/", "{}/delete/", "{}/change/"])
def test_nothing_can_be_changed(cast: Cast, operator: Client, what: str) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    for model, thing in (
        (Transfer, made),
        (TransferPair, made.pairs.get()),
        (Operator, Operator.objects.get()),
    ):
        address = f"/operate/{model._meta.app_label}/{model._meta.model_name}/{what.format(thing.pk)}"
        assert operator.post(address, {"post": "yes", "state": "failed"}).status_code == 403, address
    made.refresh_from_db()
    assert made.state == "succeeded"
    assert Operator.objects.count() == 1


def test_the_admin_has_no_sign_in_pages() -> None:
    for name in ("login", "logout", "password_change"):
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:{name}")


def test_the_pages_comply_with_the_content_security_policy(cast: Cast, operator: Client) -> None:
    transfer(cast.ada, (cast.ana, cast.bo))
    for address in ("/operate/", *LISTS):
        response = operator.get(address)
        body = response.content.decode()
        assert "default-src 'self'" in response["Content-Security-Policy"]
        assert "unsafe" not in response["Content-Security-Policy"]
        assert " style=" not in body
        assert "<style" not in body
        assert "<script>" not in body
        assert " onclick=" not in body


def test_a_removed_operator_gets_404(cast: Cast, operator: Client) -> None:
    out = StringIO()
    call_command("operator", "list", stdout=out)
    assert "nina.nobody since" in out.getvalue()
    with as_owner():
        call_command("operator", "remove", "nina.nobody", stdout=out)
    assert operator.get("/operate/").status_code == 404


@pytest.mark.parametrize("what", ["add", "remove"])
def test_the_application_role_cannot_change_operators(cast: Cast, operator: Client, what: str) -> None:
    name = {"add": "ada.admin", "remove": "nina.nobody"}[what]
    with pytest.raises(CommandError, match="MIGRATION_DATABASE_URL"), transaction.atomic():
        call_command("operator", what, name, stdout=StringIO())
    assert [operator.user for operator in Operator.objects.all()] == [cast.nina]


def views_on_record() -> list[tuple[int, str, int | None, str]]:
    events = AuditEvent.objects.filter(kind="operator-looked").order_by("pk")
    return [(event.tenant_id, event.actor_name, event.transfer_number, sentence(event)) for event in events]


def test_viewing_a_row_of_a_tenant_is_in_its_audit_log(cast: Cast, operator: Client) -> None:
    theirs = transfer(cast.frida, foreigners(cast))
    pair = theirs.pairs.get()
    record("signed-in", tenant_id=cast.foreign.pk, by=cast.frida)
    event = AuditEvent.objects.get(kind="signed-in")
    for thing in (theirs, pair, event):
        operator.get(
            f"/operate/{thing._meta.app_label}/{thing._meta.model_name}/{thing.pk}/change/",
            REMOTE_ADDR="192.0.2.7",
        )
    said = "Viewed {} as an operator of this server."
    whole = (cast.foreign.pk, "Nina Nobody", theirs.number)
    assert views_on_record() == [
        (*whole, said.format(f"transfer {theirs.number}")),
        (*whole, said.format(f"row {pair.row_number} of transfer {theirs.number}")),
        (
            cast.foreign.pk,
            "Nina Nobody",
            None,
            said.format(f"the audit event of {event.at:%Y-%m-%d %H:%M:%S} UTC"),
        ),
    ]
    assert AuditEvent.objects.filter(kind="operator-looked").first().address == "192.0.2.7"
    page = one_line(signed_in(cast.frida).get(reverse("transfers:audit-log")).content.decode())
    assert f"Viewed transfer {theirs.number} as an operator" in page
    assert verify(cast.foreign.pk).wrong == ""


def test_users_with_access_to_a_transfer_see_who_viewed_it(cast: Cast, operator: Client) -> None:
    made = transfer(cast.otto, (cast.ana, cast.bo))
    operator.get(f"/operate/transfers/transfer/{made.pk}/change/")
    assert visible_events(cast.vera).filter(kind="operator-looked", transfer_number=made.number).exists()


def test_only_shown_rows_are_recorded(cast: Cast, operator: Client) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    for address in ("/operate/transfers/transfer/", "/operate/transfers/transfer/0/change/"):
        operator.get(address)
    operator.post(f"/operate/transfers/transfer/{made.pk}/change/")
    signed_in(cast.ada).get(f"/operate/transfers/transfer/{made.pk}/change/")
    assert views_on_record() == []


def foreigners(cast: Cast) -> tuple[User, User]:
    made = [
        User.objects.create(tenant=cast.foreign, username=name, first_name=name) for name in ("Fay", "Finn")
    ]
    return made[0], made[1]


def test_unknown_names_change_nothing(cast: Cast) -> None:
    for words in (["add"], ["add", "nobody.at.all"]):
        with pytest.raises(CommandError):
            call_command("operator", *words)
    assert not Operator.objects.exists()


def test_the_count_of_a_long_list_is_capped(
    cast: Cast, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.admin.pages.MAX_COUNT", 2)
    for _ in range(4):
        record("signed-in", tenant_id=cast.abacus.pk, by=cast.ana)
    assert "2 audit events" in operator.get("/operate/audit/auditevent/").content.decode()
