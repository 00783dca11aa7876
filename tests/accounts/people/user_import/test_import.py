"""User import: no user is created or changed until the preview is confirmed."""

from collections.abc import Sequence
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.people.user_import import actions
from accounts.people.user_import.models import UserImport
from accounts.people.user_import.outcome import digest
from audit.log import sentence
from audit.models import AuditEvent
from tests.accounts.people.user_import.pages import CONFIRMATION, PREVIEW, confirm, kinds, preview, send
from tests.fixtures.cast import Cast, agent, cache_rights, signed_in
from tests.fixtures.managers import account_events, boss, narrow, text
from tests.fixtures.signing_in import PASSWORD, age_session, is_signed_in, sign_in

pytestmark = pytest.mark.django_db


def test_new_users_are_created_and_others_changed_after_the_preview(cast: Cast) -> None:
    tess = signed_in(boss(cast))
    answer = send(
        tess,
        "zoe.new,Zoë,New,zoe@example.com,E-1,support,,Transfer operator,Support only",
        "ANA.DÍAZ,Anna,,,,Sales,no,,",
        "bo.chen,Bo,Chen,,,,,,",
    )
    assert answer.url == PREVIEW
    assert kinds(tess) == {2: "created", 3: "changed", 4: "unchanged"}
    assert not User.objects.filter(username="zoe.new").exists()
    assert "First name: Ana → Anna" in text(preview(tess))
    assert confirm(tess).url == "/users/"
    zoe, ana = User.objects.get(username="zoe.new"), User.objects.get(pk=cast.ana.pk)
    assert (zoe.name, zoe.tenant, zoe.team, zoe.is_active) == ("Zoë New", cast.abacus, cast.support, True)
    assert not zoe.has_usable_password()
    assert [role.name for role in zoe.roles.all()] == ["Transfer operator"]
    assert list(zoe.access_views.all()) == [narrow(cast)]
    assert (ana.username, ana.name, ana.email, ana.team, ana.is_active) == (
        "ana.díaz",
        "Anna Díaz",
        cast.ana.email,
        cast.sales,
        False,
    )
    assert not UserImport.objects.exists()


def test_each_user_is_in_the_audit_log_with_before_and_after(cast: Cast) -> None:
    tess = signed_in(boss(cast))
    send(tess, "zoe.new,Zoë,New,,,Support,,,", "ana.díaz,Anna,,,,,,,")
    confirm(tess)
    zoe = User.objects.get(username="zoe.new")
    assert account_events() == [
        f"Created the user Zoë New ({zoe.pk}). User name: none → zoe.new. First name: none → Zoë."
        " Last name: none → New. Active: none → yes. Team: none → Support. From the file new.csv.",
        f"Changed the user Ana Díaz ({cast.ana.pk}). First name: Ana → Anna. From the file new.csv.",
    ]
    event = AuditEvent.objects.get(kind="users-imported")
    assert sentence(event) == "Imported new.csv: 1 user created, 1 changed."


def test_deactivated_users_are_signed_out_at_once_and_for_good(cast: Cast) -> None:
    inside, other = Client(), Client()
    for client, user in ((inside, cast.ada), (other, cast.otto)):
        user.set_password(PASSWORD)
        user.save()
        sign_in(client, user.username)
    tess = signed_in(boss(cast))
    send(tess, "ada.admin,,,,,,no,,", "otto.operator,Otmar,,,,,,,")
    assert confirm(tess).url == "/users/"
    User.objects.filter(pk=cast.ada.pk).update(is_active=True)
    assert not is_signed_in(inside)
    assert is_signed_in(other)


def test_an_old_sign_in_is_asked_for_again_and_leads_back_to_the_preview(cast: Cast) -> None:
    client = signed_in(boss(cast))
    send(client, "new.one,New,One,,,,,,")
    age_session(client, proved_at=16 * 60)
    assert confirm(client).url == f"/sign-in/again/?{urlencode({'next': PREVIEW})}"
    assert not User.objects.filter(username="new.one").exists()
    age_session(client, proved_at=-16 * 60)
    assert confirm(client).url == "/users/"


def test_changed_outcomes_are_shown_again(cast: Cast) -> None:
    tess = signed_in(boss(cast))
    send(tess, "ana.díaz,Anna,,,,,,,")
    seen = preview(tess).context["seen"]
    User.objects.filter(pk=cast.ana.pk).update(first_name="Annie")
    assert tess.post(CONFIRMATION, {"seen": seen}).url == PREVIEW
    assert User.objects.get(pk=cast.ana.pk).first_name == "Annie"
    page = text(preview(tess))
    assert "has changed since the preview was shown. Nothing was stored." in page
    assert "Annie → Anna" in page
    assert confirm(tess).url == "/users/"


def test_a_user_name_taken_in_the_same_moment_stores_nothing(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    tess = signed_in(boss(cast))
    monkeypatch.setattr("accounts.signing_in.identifiers.taken", lambda claims: set())
    send(tess, "x.new,,,,,,,,", "frida.foreign,,,,,,,,")
    assert confirm(tess).url == PREVIEW
    assert "This user name is taken. Choose another. Nothing was stored." in text(preview(tess))
    assert not User.objects.filter(username="x.new").exists()


def test_a_confirmation_sent_twice_imports_once(cast: Cast) -> None:
    tess = signed_in(boss(cast))
    send(tess, "x.new,,,,,,,,")
    seen = preview(tess).context["seen"]
    for _ in range(2):
        tess.post(CONFIRMATION, {"seen": seen})
    assert User.objects.filter(username="x.new").count() == 1
    assert AuditEvent.objects.filter(kind="users-imported").count() == 1


def statements(cast: Cast, by: User, lines: Sequence[str]) -> int:
    """Return how many SQL statements the preview and the confirmation execute together."""
    send(signed_in(by), *lines)
    with CaptureQueriesContext(connection) as queries:
        waiting = UserImport.objects.get(made_by=by)
        actions.confirm(by=by, seen=digest(actions.outcomes_of(by, waiting)))
    return len(queries)


def test_the_number_of_statements_does_not_depend_on_the_rows(cast: Cast) -> None:
    by = boss(cast)
    cache_rights(by)
    for number in range(1000):
        agent(cast.support, f"Old {number:04}")
    few = [f"new.{n},A,B,,,Support,,Transfer viewer,Support only" for n in range(2)] + [
        "old.0999,C,,,,,,Transfer viewer,"
    ]
    many = [f"newer.{n},A,B,,,Sales,,Transfer viewer,Support only" for n in range(1000)]
    many += [f"old.{n:04},C,,,,,,Transfer viewer,Support only" for n in range(999)]
    assert statements(cast, by, few) == statements(cast, by, many)
    assert User.objects.filter(username__startswith="newer.").count() == 1000
