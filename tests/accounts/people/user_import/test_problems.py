"""All problems of a file of users are reported at once, by row, and reveal no user out of view."""

import pytest
from django.test import Client

from accounts.models import AccessView, AccessViewAssignment, User
from accounts.people.user_import import problem_kinds as kinds_of_problems
from tests.accounts.people.user_import.pages import PREVIEW, codes, confirm, kinds, preview, send
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.managers import boss, enterprise, give, manager, text

pytestmark = pytest.mark.django_db

# Lines of a file, each with the problem code that results if Mia, who sees only the team Support, imports the file.
WRONG = (
    (",No,Name,,,Support,,,", "no-user-name"),
    ("eli.sales,Out,Of View,,,Support,,,", "taken"),
    ("frida.foreign,Other,Tenant,,,Support,,,", "taken"),
    ("a.new,A,B,no address,,Support,,,", "no-email-address"),
    ("b.new,A,B,bo.chen@example.com,,Support,,,", "taken"),
    ("c.new,A,B,,E-7,Support,,,", "taken"),
    ("d.new,A,B,,,Sales,,,", "unknown-team"),
    ("e.new,A,B,,,No such team,,,", "unknown-team"),
    ("f.new,A,B,,,,,,", "team-needed"),
    ("g.new,A,B,,,Support,perhaps,,", "active"),
    ("h.new,A,B,,,Support,,Transfer administrator,", "unknown-role"),
    ("i.new,A,B,,,Support,,,EnterpriseView", "unknown-view"),
    ("j.new,A,B,,,Support,,,", "value-twice"),
    ("J.NEW,A,B,,,Support,,,", "value-twice"),
    ("di.ng,More,Rights,,,,,,", "outranks"),
    (f"k.new,{'x' * 200},B,,,Support,,,", "too-long"),
    ("l.new,A\u202e,B,,,Support,,,", "unseen-characters"),
    ("m.new,A,B,,,Support,,,,surplus", "long-row"),
)


@pytest.fixture
def refused(cast: Cast) -> Client:
    """Mia's client after she has uploaded a file with all lines of WRONG."""
    mia = signed_in(manager(cast))
    User.objects.filter(pk=cast.eli.pk).update(employee_id="E-7")
    give(cast.di, cast.ada.roles.get())
    send(mia, *(line for line, _ in WRONG))
    return mia


def test_all_errors_are_reported_at_once_by_row(refused: Client) -> None:
    assert codes(refused) == {row: [code] for row, (_, code) in enumerate(WRONG, start=2)}
    page = text(preview(refused, show="error"))
    assert "Your views contain no team called “Sales”." in page
    assert "Your views contain no team called “No such team”." in page
    assert "<title>18 errors: Preview – Import users" in page


def test_nothing_of_a_file_with_errors_is_stored(refused: Client) -> None:
    assert "Import: " not in text(preview(refused, show="error"))
    before = User.objects.count()
    assert confirm(refused).url == PREVIEW
    assert User.objects.count() == before


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("FRIDA.Foreign,,,,,,,,", "User Name"),
        ("Frida.Foreign@Example.com,,,,,,,,", "User Name"),
        ("b.new,,,frida.foreign@EXAMPLE.com,,,,,", "Email"),
        ("c.new@example.com,,,fred@foreign,,,,,", "Email"),
        ("ana.díaz,,,frida.foreign@example.com,,,,,", "Email"),
    ],
)
def test_values_of_another_tenant_are_taken_and_reveal_nothing_else(
    cast: Cast, line: str, column: str
) -> None:
    """The problem names the row, column and value, but never the other tenant's user who has the value."""
    User.objects.create(tenant=cast.foreign, username="fred@foreign.example")
    line = line.replace("fred@foreign", "fred@foreign.example")
    tess = signed_in(boss(cast))
    send(tess, "a.new,,,,,,,,", line)
    (good, bad) = (found["outcome"] for found in preview(tess).context["lines"])
    value = line.split(",")[0 if column == "User Name" else 3]
    assert good.problems == []
    assert bad.problems == [kinds_of_problems.TAKEN(row=3, column=column, value=value)]
    assert "Frida" not in text(preview(tess)).replace(value, "")


def test_unknown_and_out_of_reach_give_the_same_sentence(cast: Cast) -> None:
    mia = signed_in(manager(cast))
    send(
        mia,
        "a.new,,,,,Sales,,,",
        "b.new,,,,,Qqqqq,,,",
        "c.new,,,,,Support,,Transfer administrator;Qq,EnterpriseView;Qq",
    )
    lines = preview(mia).context["lines"]
    said = [p.sentence.replace(p.value, "X") for line in lines for p in line["outcome"].problems]
    assert len(said) == 6
    assert len(set(said)) == 3


def test_the_import_gives_no_right_that_a_users_page_does_not(cast: Cast) -> None:
    tess = boss(cast)
    client = signed_in(tess)
    send(client, f"{tess.username},Theresa,,,,,no,,", "ada.admin,,,,,,,Transfer viewer,")
    assert codes(client) == {2: ["own-account"], 3: []}
    send(client, f"{tess.username},Theresa,,,,,,,")
    assert confirm(client).url == "/users/"
    assert User.objects.get(pk=tess.pk).first_name == "Theresa"


def test_a_user_with_a_view_that_the_person_cannot_assign_is_not_changed(cast: Cast) -> None:
    far = type(enterprise(cast)).objects.create(tenant=cast.abacus, name="Far", is_active=False)
    far.teams.add(cast.sales)
    AccessViewAssignment.objects.create(user=cast.ana, view=far)
    mia = signed_in(manager(cast))
    send(mia, "ana.díaz,,,,,,,,Support only")
    assert codes(mia) == {2: ["outranks"]}
    confirm(mia)
    assert {view.name for view in cast.ana.access_views.all()} == {"Far"}


def test_names_are_folded_as_the_database_folds_them(cast: Cast) -> None:
    """The import must lower-case names in PostgreSQL, where İ becomes one character. In Python, it becomes two."""
    User.objects.filter(pk=cast.ana.pk).update(username="ivan")
    User.objects.filter(pk=cast.frida.pk).update(email="ina@abacus.example")
    tess = signed_in(boss(cast))
    send(tess, "\u0130van,Ivana,,,,,,,", "\u0130na@abacus.example,,,,,,,,")
    assert codes(tess) == {2: [], 3: ["taken"]}
    assert kinds(tess)[2] == "changed"
    send(
        tess, "\u0130lse,,,,,,,,", "ilse,,,,,,,,", "a.new,,,ina@x.example,,,,,", "\u0130na@x.example,,,,,,,,"
    )
    assert codes(tess) == {number: ["value-twice"] for number in (2, 3, 4, 5)}


def test_a_users_name_and_email_may_be_the_same(cast: Cast) -> None:
    tess = signed_in(boss(cast))
    send(tess, "zoe@x.example,,,ZOE@x.example,,,,,")
    assert codes(tess) == {2: []}


def test_a_person_cannot_change_their_own_team(cast: Cast) -> None:
    mia = manager(cast)
    AccessView.objects.get(name="Support only").teams.add(cast.sales)
    User.objects.filter(pk=mia.pk).update(team=cast.support)
    client = signed_in(mia)
    send(client, f"{mia.username},,,,,Sales,,,")
    assert codes(client) == {2: ["own-account"]}
    send(client, f"{mia.username},Mya,,,,Support,,,")
    assert codes(client) == {2: []}
