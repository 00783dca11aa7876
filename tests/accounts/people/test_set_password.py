"""`manage.py set_password`, for sites without password reset by email, and `manage.py list_users`."""

from io import BytesIO, StringIO, TextIOWrapper

import pytest
from allauth.usersessions.models import UserSession
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

from accounts.models import User
from audit.models import AuditEvent
from tenancy.context import NO_TENANT, setting_context
from tests.fixtures.cast import Cast
from tests.fixtures.managers import account_events, boss, post, text
from tests.fixtures.signing_in import HOME, is_signed_in, sign_in, with_app

NEW = "a much newer one"
THEIRS = {
    "openid_connect": {"APPS": [{"provider_id": "x", "name": "Theirs", "settings": {"tenant": "Abacus"}}]}
}

pytestmark = pytest.mark.django_db


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


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Provide NEW on the command's standard input."""
    monkeypatch.setattr("sys.stdin", StringIO(f"{NEW}\n"))


@pytest.fixture
def newcomer(cast: Cast) -> User:
    """A user without a password, like one just created on the Users page or by an import."""
    cast.otto.set_unusable_password()
    cast.otto.save()
    return cast.otto


# --- set_password ----------------------------------------------------------------------------------------------------


def test_a_user_without_a_password_can_sign_in_afterwards(
    client: Client, newcomer: User, typed: None
) -> None:
    output = run("set_password", "OTTO.operator")
    assert output.startswith(
        f"The password of Otto Operator ({newcomer.pk}), otto.operator, of Abacus is set."
    )
    assert sign_in(client, newcomer.email, NEW).url == HOME
    assert is_signed_in(client)
    event = AuditEvent.objects.get(kind="user-changed")
    assert (event.tenant_id, event.actor_id) == (newcomer.tenant_id, None)
    assert account_events() == [
        f"Changed the user Otto Operator ({newcomer.pk}). Password: none → new. Done with a command on the server."
    ]


def test_a_new_password_ends_sessions_and_lock_out(ada: User, typed: None) -> None:
    inside = Client()
    sign_in(inside, "ada.admin")
    assert is_signed_in(inside)
    for _ in range(6):
        locked = sign_in(Client(), "ada.admin", "wrong")
    assert locked.status_code == 429
    run("set_password", ada.email)
    assert not UserSession.objects.filter(user=ada).exists()
    assert not is_signed_in(inside)
    assert sign_in(Client(), "ada.admin").status_code == 200  # the old password is refused
    assert sign_in(Client(), "ada.admin", NEW).url == HOME
    assert "Password: old → new." in account_events()[0]


def test_the_second_factor_is_still_required(client: Client, ada: User, typed: None) -> None:
    with_app(ada)
    run("set_password", "ada.admin")
    assert sign_in(client, "ada.admin", NEW).url == "/sign-in/code/"


def test_concurrent_changes_of_the_user_are_kept(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """An administrator changes the user while the password is being typed."""

    class Slow(StringIO):
        def readline(self, *args: object) -> str:
            User.objects.filter(pk=ada.pk).update(first_name="Adele")
            return NEW

    monkeypatch.setattr("sys.stdin", Slow())
    run("set_password", "ada.admin")
    assert User.objects.get(pk=ada.pk).first_name == "Adele"


def test_an_unknown_name_is_reported(cast: Cast, typed: None) -> None:
    sentence = "No user has the user name or email adam. Nothing was changed."
    assert refused("set_password", "adam") == sentence


def test_an_inactive_user_is_refused(newcomer: User, typed: None) -> None:
    User.objects.filter(pk=newcomer.pk).update(is_active=False)
    assert "is inactive and cannot sign in. An administrator" in refused("set_password", "otto.operator")
    assert not User.objects.get(pk=newcomer.pk).has_usable_password()
    assert account_events() == []


@override_settings(SOCIALACCOUNT_PROVIDERS=THEIRS)
def test_a_user_who_only_signs_in_with_a_provider_needs_the_option(
    newcomer: User, ada: User, typed: None
) -> None:
    assert "has no password and signs in with Theirs." in refused("set_password", "otto.operator")
    assert not User.objects.get(pk=newcomer.pk).has_usable_password()
    run("set_password", "otto.operator", "--beside-provider")
    assert User.objects.get(pk=newcomer.pk).check_password(NEW)


@override_settings(SOCIALACCOUNT_PROVIDERS=THEIRS)
def test_a_user_with_a_password_and_a_provider_gets_a_new_one(ada: User, typed: None) -> None:
    run("set_password", "ada.admin")
    assert User.objects.get(pk=ada.pk).check_password(NEW)


@pytest.mark.parametrize(
    "sent", [b"", b"short\n", b"password123\n", b"ada.admin\n", b"not \xff text at all\n"]
)
def test_an_unsuitable_password_is_refused(ada: User, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    before = ada.password
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(sent), encoding="utf-8"))
    assert refused("set_password", "ada.admin").endswith("Nothing was changed.")
    assert User.objects.get(pk=ada.pk).password == before
    assert account_events() == []


@pytest.mark.parametrize("key", [EOFError, KeyboardInterrupt])
def test_cancelling_changes_nothing(
    ada: User, monkeypatch: pytest.MonkeyPatch, key: type[BaseException]
) -> None:
    def pressed(prompt: str) -> str:
        raise key

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("accounts.management.typed.getpass", pressed)
    assert refused("set_password", "ada.admin").strip() == "Nothing was changed."


# --- list_users ------------------------------------------------------------------------------------------------------


def rows(*words: str) -> dict[str, list[str]]:
    """Run `list_users` and map each user name to the fields of its line, in the order of the output."""
    found = [line.split("\t") for line in run("list_users", *words).splitlines()]
    return {row[1]: row for row in found}


def test_the_list_shows_how_users_sign_in(ada: User, newcomer: User) -> None:
    with_app(newcomer)
    found = rows()
    assert found["ada.admin"] == [
        "Abacus",
        "ada.admin",
        "Ada Admin",
        "ada.admin@example.com",
        "active",
        "Transfer administrator",
        "password, no second factor",
    ]
    assert found["otto.operator"][5:] == ["Transfer operator", "no password, second factor"]
    assert found["ana.díaz"][5:] == ["-", "no password, no second factor"]
    assert found["frida.foreign"][0] == "Foreign"
    assert len(found) == User.objects.count()


def test_the_list_can_be_limited_by_tenant_and_status(cast: Cast) -> None:
    User.objects.filter(pk=cast.bo.pk).update(is_active=False)
    assert list(rows("--tenant", "FOREIGN")) == ["frida.foreign"]
    assert "bo.chen" not in rows()
    assert [row[4] for row in rows("--inactive").values()] == ["inactive"]
    assert rows("--tenant", "Foreign", "--inactive") == {}
    assert refused("list_users", "--tenant", "Acme") == (
        "There is no tenant named Acme. Tenants: Abacus, Foreign."
    )


def test_control_characters_in_names_do_not_break_lines(cast: Cast) -> None:
    User.objects.filter(pk=cast.bo.pk).update(first_name="Bo\n\tb\u202eo", email="bo\n\tx@example.com")
    User.objects.filter(pk=cast.cy.pk).update(email="")
    assert rows()["bo.chen"][2:4] == ["Bo  b\ufffdo Chen", "bo  x@example.com"]
    assert rows()["cy.young"][3] == "-"


# --- The pages, on a site without email --------------------------------------------------------------------------


@override_settings(PASSWORD_RESET_BY_MAIL=False)
def test_the_pages_explain_how_to_get_a_password_without_email(cast: Cast) -> None:
    tess = boss(cast)
    client = Client()
    client.force_login(tess)
    assert "manage.py set_password" in text(client.get("/users/new/"))
    post(client, "user-new", {"username": "zoe", "is_active": "on"})
    page = text(client.get("/users/"))
    assert "on the server with manage.py set_password." in page
    assert "Forgot your password" not in page
