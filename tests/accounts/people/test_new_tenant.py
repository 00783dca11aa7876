"""`manage.py new_tenant` and `new_team`, which are commands because a new site has no users who could use a page."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AccessView, Role, User
from accounts.permissions import STANDARD_ROLES, Permission
from accounts.scope import sees_everything
from audit.models import AuditEvent
from audit.verification import verify
from tenancy.context import NO_TENANT, setting_context
from tenancy.models import Tenant
from tests.fixtures.cast import Cast
from tests.fixtures.managers import account_events
from tests.fixtures.signing_in import sign_in

PASSWORD = "a long way to Tipperary"
WHO = ("--admin", "Tara.Boss", "--email", "tara@example.com", "--first-name", "Tara", "--last-name", "Boss")

pytestmark = pytest.mark.django_db


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Provide PASSWORD on the command's standard input."""
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))


def run(*words: str) -> str:
    """Run the command without a tenant context, as in production."""
    out = StringIO()
    with setting_context(NO_TENANT):
        call_command(*words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*words)
    return str(error.value)


def test_the_administrator_can_sign_in_and_create_users(client: Client, typed: None) -> None:
    assert "Tara.Boss can sign in" in run("new_tenant", "Acme", *WHO)
    assert sign_in(client, "tara@example.com", PASSWORD).status_code == 302
    role, view = Role.objects.get(name="Transfer administrator"), AccessView.objects.get()
    form = {"username": "otto", "is_active": "on", "roles": role.pk, "views": view.pk}
    assert client.post("/users/new/", form).status_code == 302
    assert User.objects.get(username="otto").may(Permission.TRANSFER_BULK)


def test_the_tenant_is_complete_and_audited(typed: None) -> None:
    run("new_tenant", "Acme", *WHO)
    tenant, tara = Tenant.objects.get(), User.objects.get()
    found = {(role.name, tuple(role.permissions)) for role in tenant.roles.all()}
    assert found == {(role.name, tuple(role.permissions)) for role in STANDARD_ROLES}
    assert tara.permissions == {permission.value for permission in Permission}
    assert AccessView.objects.get().is_enterprise
    assert sees_everything(tara)
    sentences = account_events()
    assert sentences[0] == f"Created the tenant Acme ({tenant.pk}). Done with a command on the server."
    assert sentences[-1].startswith(f"Created the user Tara Boss ({tara.pk}). User name: none → Tara.Boss.")
    assert len(sentences) == 3 + len(STANDARD_ROLES)
    assert set(AuditEvent.objects.values_list("tenant_id", "actor_id")) == {(tenant.pk, None)}
    assert verify(tenant.pk).wrong == ""


def test_existing_names_are_refused(typed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    run("new_tenant", "Acme", *WHO)
    for words, sentence in (
        (("ACME", *WHO), "A tenant named Acme already exists."),
        (("Other", *WHO), "This user name is taken. Choose another. This email is taken."),
        (("Other", "--admin", "TARA@example.com"), "This user name is taken."),
    ):
        monkeypatch.setattr("sys.stdin", StringIO(PASSWORD))
        assert sentence in refused("new_tenant", *words)
    assert (Tenant.objects.count(), User.objects.count()) == (1, 1)


@pytest.mark.parametrize("password", ["", "short", "tara.boss", "password123"])
def test_a_weak_password_is_refused(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{password}\n"))
    assert "Nothing was changed." in refused("new_tenant", "Acme", *WHO)
    assert not Tenant.objects.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((" ", *WHO), "The tenant: Enter a name."),
        (("Ac\u200bme", *WHO), "The tenant: This contains invisible characters."),
        (("Acme", "--admin", "tara", "--email", "tara"), "--email: This is not an email address."),
    ],
)
def test_names_follow_the_rules_of_the_pages(typed: None, words: tuple[str, ...], sentence: str) -> None:
    assert refused("new_tenant", *words).startswith(sentence)


def test_at_a_terminal_the_password_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch, typed: None) -> None:
    answers = [PASSWORD, PASSWORD[:-1], PASSWORD, PASSWORD]
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("accounts.management.typed.getpass", lambda prompt: answers.pop(0))
    assert "The passwords do not match." in refused("new_tenant", "Acme", *WHO)
    run("new_tenant", "Acme", *WHO)


def test_all_teams_are_created_or_none(cast: Cast) -> None:
    assert refused("new_team", "abacus", "Night", "SUPPORT").startswith(
        "A team named Support already exists."
    )
    assert "There is no tenant named Acme. Tenants: Abacus, Foreign." in refused("new_team", "Acme", "Night")
    assert run("new_team", "abacus", "Night", "Early") == "Created these teams in Abacus: Night, Early.\n"
    teams = list(cast.abacus.teams.values_list("name", flat=True))
    assert teams == ["Early", "Night", "Sales", "Support"]
    assert [sentence.split(" (")[0] for sentence in account_events()] == [
        "Created the team Night",
        "Created the team Early",
    ]


def test_identifiers_can_be_allowed_and_forbidden(cast: Cast) -> None:
    assert "no tenant named Acme" in refused("allow_identifiers", "Acme")
    assert "emails, user names" in run("allow_identifiers", "abacus")
    assert list(Tenant.objects.filter(allows_identifiers=True)) == [cast.abacus]
    run("allow_identifiers", "Abacus")
    assert "only user IDs" in run("allow_identifiers", "Abacus", "--off")
    assert not Tenant.objects.filter(allows_identifiers=True).exists()
    found = AuditEvent.objects.filter(kind="tenant-changed", tenant_id=cast.abacus.pk).order_by("id")
    assert [event.detail("changes")[0]["after"] for event in found] == ["yes", "no"]
