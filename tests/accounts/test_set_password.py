"""`manage.py set_password` and `list_users`: without mail this is how users get a password."""

from io import BytesIO, StringIO, TextIOWrapper

import pytest
from allauth.usersessions.models import UserSession
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

from accounts import wall
from accounts.models import User
from tests.accounts.managers import boss, post, text, told
from tests.accounts.signing_in import HOME, is_signed_in, sign_in, with_app
from tests.transfers.cast import Cast
from transfers.models import AuditEvent

NEW = "a much newer one"
THEIRS = {
    "openid_connect": {"APPS": [{"provider_id": "x", "name": "Theirs", "settings": {"tenant": "Abacus"}}]}
}

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    """As in the site itself, where a command has to say whose rows it wants."""
    out = StringIO()
    with wall.showing(wall.NOBODY):
        call_command(*words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*words)
    return str(error.value)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password is sent to the command."""
    monkeypatch.setattr("sys.stdin", StringIO(f"{NEW}\n"))


@pytest.fixture
def newcomer(cast: Cast) -> User:
    """Made on the page of users or from a file, and without a password so far."""
    cast.otto.set_unusable_password()
    cast.otto.save()
    return cast.otto


# --- set_password ----------------------------------------------------------------------------------------------------


def test_somebody_without_a_password_signs_in(client: Client, newcomer: User, typed: None) -> None:
    said = run("set_password", "OTTO.operator")
    assert said.startswith(f"The password of Otto Operator ({newcomer.pk}), otto.operator, of Abacus is set.")
    assert sign_in(client, newcomer.email, NEW).url == HOME
    assert is_signed_in(client)
    event = AuditEvent.objects.get(kind="user-changed")
    assert (event.tenant_id, event.actor_id) == (newcomer.tenant_id, None)
    assert told() == [
        f"Changed the user Otto Operator ({newcomer.pk}). Password: none → a new one. On the server, by a command."
    ]


def test_a_new_one_ends_the_sessions_and_the_lock(ada: User, typed: None) -> None:
    inside = Client()
    sign_in(inside, "ada.admin")
    assert is_signed_in(inside)
    for _ in range(6):
        locked = sign_in(Client(), "ada.admin", "wrong")
    assert locked.status_code == 429
    run("set_password", ada.email)
    assert not UserSession.objects.filter(user=ada).exists()
    assert not is_signed_in(inside)
    assert sign_in(Client(), "ada.admin").status_code == 200  # the password of before
    assert sign_in(Client(), "ada.admin", NEW).url == HOME
    assert "Password: the one before → a new one." in told()[0]


def test_it_does_not_lead_round_the_second_factor(client: Client, ada: User, typed: None) -> None:
    with_app(ada)
    run("set_password", "ada.admin")
    assert sign_in(client, "ada.admin", NEW).url == "/sign-in/code/"


def test_the_rest_of_the_user_stays_as_it_was_meanwhile(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an administrator changes while the password is typed is not taken back."""

    class Slow(StringIO):
        def readline(self, *args: object) -> str:
            User.objects.filter(pk=ada.pk).update(first_name="Adele")
            return NEW

    monkeypatch.setattr("sys.stdin", Slow())
    run("set_password", "ada.admin")
    assert User.objects.get(pk=ada.pk).first_name == "Adele"


def test_nobody_of_this_name_is_told_so(cast: Cast, typed: None) -> None:
    sentence = "Nobody has the user name or email adam. Nothing was changed."
    assert refused("set_password", "adam") == sentence


def test_somebody_inactive_gets_none(newcomer: User, typed: None) -> None:
    User.objects.filter(pk=newcomer.pk).update(is_active=False)
    assert "is inactive and cannot sign in. Let an administrator" in refused("set_password", "otto.operator")
    assert not User.objects.get(pk=newcomer.pk).has_usable_password()
    assert told() == []


@override_settings(SOCIALACCOUNT_PROVIDERS=THEIRS)
def test_who_signs_in_with_a_provider_alone_gets_one_only_on_purpose(
    newcomer: User, ada: User, typed: None
) -> None:
    assert "has no password and signs in with Theirs." in refused("set_password", "otto.operator")
    assert not User.objects.get(pk=newcomer.pk).has_usable_password()
    run("set_password", "otto.operator", "--beside-provider")
    assert User.objects.get(pk=newcomer.pk).check_password(NEW)


@override_settings(SOCIALACCOUNT_PROVIDERS=THEIRS)
def test_who_has_a_password_beside_their_provider_gets_another(ada: User, typed: None) -> None:
    run("set_password", "ada.admin")
    assert User.objects.get(pk=ada.pk).check_password(NEW)


@pytest.mark.parametrize(
    "sent", [b"", b"short\n", b"password123\n", b"ada.admin\n", b"not \xff text at all\n"]
)
def test_a_password_that_will_not_do_is_refused(
    ada: User, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    before = ada.password
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(sent), encoding="utf-8"))
    assert refused("set_password", "ada.admin").endswith("Nothing was changed.")
    assert User.objects.get(pk=ada.pk).password == before
    assert told() == []


@pytest.mark.parametrize("key", [EOFError, KeyboardInterrupt])
def test_whoever_thinks_better_of_it_changes_nothing(
    ada: User, monkeypatch: pytest.MonkeyPatch, key: type[BaseException]
) -> None:
    def pressed(prompt: str) -> str:
        raise key

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("accounts.management.typed.getpass", pressed)
    assert refused("set_password", "ada.admin").strip() == "Nothing was changed."


# --- list_users ------------------------------------------------------------------------------------------------------


def rows(*words: str) -> dict[str, list[str]]:
    """By user name, in the order of the list."""
    found = [line.split("\t") for line in run("list_users", *words).splitlines()]
    return {row[1]: row for row in found}


def test_the_list_says_who_signs_in_and_how(ada: User, newcomer: User) -> None:
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


def test_the_list_is_of_one_tenant_and_of_the_active_or_the_inactive(cast: Cast) -> None:
    User.objects.filter(pk=cast.bo.pk).update(is_active=False)
    assert list(rows("--tenant", "FOREIGN")) == ["frida.foreign"]
    assert "bo.chen" not in rows()
    assert [row[4] for row in rows("--inactive").values()] == ["inactive"]
    assert rows("--tenant", "Foreign", "--inactive") == {}
    assert refused("list_users", "--tenant", "Acme") == (
        "There is no tenant called Acme. The tenants: Abacus, Foreign."
    )


def test_one_user_is_one_line_whatever_their_name_holds(cast: Cast) -> None:
    User.objects.filter(pk=cast.bo.pk).update(first_name="Bo\n\tb\u202eo", email="bo\n\tx@example.com")
    User.objects.filter(pk=cast.cy.pk).update(email="")
    assert rows()["bo.chen"][2:4] == ["Bo  b\ufffdo Chen", "bo  x@example.com"]
    assert rows()["cy.young"][3] == "-"


# --- The pages, on a site without mail -------------------------------------------------------------------------------


@override_settings(PASSWORD_RESET_BY_MAIL=False)
def test_the_pages_name_the_way_that_there_is(cast: Cast) -> None:
    tess = boss(cast)
    client = Client()
    client.force_login(tess)
    assert "manage.py set_password" in text(client.get("/users/new/"))
    post(client, "user-new", {"username": "zoe", "is_active": "on"})
    page = text(client.get("/users/"))
    assert "on the server, by manage.py set_password." in page
    assert "by mail" not in page
