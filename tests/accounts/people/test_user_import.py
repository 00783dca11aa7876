"""User import: no user is created or changed until the preview is confirmed, and all problems are reported at once."""

import csv
import io
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AccessView, AccessViewAssignment, User
from accounts.people.user_import import actions
from accounts.people.user_import import problem_kinds as kinds_of_problems
from accounts.people.user_import.models import UserImport
from accounts.people.user_import.resolving import digest
from audit.log import sentence
from audit.models import AuditEvent
from tests.fixtures.cast import Cast, agent, signed_in
from tests.fixtures.managers import account_events, boss, enterprise, give, manager, narrow, text
from tests.fixtures.signing_in import PASSWORD, age_session, is_signed_in, sign_in

pytestmark = pytest.mark.django_db

IMPORT, PREVIEW, CONFIRMATION = "/users/import/", "/users/import/preview/", "/users/import/confirmation/"
HEADER = "User Name,First Name,Last Name,Email,Employee ID,Team,Active,Roles,Views"


def send(client: Client, *lines: str, header: str = HEADER, encoding: str = "utf-8-sig") -> Any:
    content = "\r\n".join([header, *lines]).encode(encoding)
    return client.post(IMPORT, {"file": SimpleUploadedFile("new.csv", content)})


def preview(client: Client, **query: Any) -> Any:
    response = client.get(PREVIEW, {"rows": 100, **query})
    assert response.status_code == 200
    return response


def kinds(client: Client) -> dict[int, str]:
    return {line["outcome"].row.number: line["outcome"].kind for line in preview(client).context["lines"]}


def codes(client: Client) -> dict[int, list[str]]:
    lines = preview(client).context["lines"]
    return {line["outcome"].row.number: [p.code for p in line["outcome"].problems] for line in lines}


def confirm(client: Client) -> Any:
    return client.post(CONFIRMATION, {"seen": preview(client).context["seen"]})


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


def test_an_empty_row_is_skipped_and_noted(cast: Cast) -> None:
    tess = signed_in(boss(cast))
    send(tess, "zoe.new,Zoë,New,,,Support,,,", ",,,,,,,,")
    assert "1 empty row skipped." in text(preview(tess))


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


# --- The file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "line", "encoding"),
    [
        ("user_name;TEAM", "x.new;Support", "utf-8"),
        ("User Name\tTeam", "x.new\tSupport", "utf-16"),
        (" Team , user name ,Favourite colour", "Support,x.new,blue", "utf-8-sig"),
    ],
)
def test_separators_encodings_and_columns_in_any_order(
    cast: Cast, header: str, line: str, encoding: str
) -> None:
    tess = signed_in(boss(cast))
    send(tess, line, "", header=header, encoding=encoding)
    confirm(tess)
    assert User.objects.get(username="x.new").team == cast.support


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "This file is empty."),
        (b"PK\x03\x04xl/workbook", "This is an Excel workbook."),
        (b"Name,Team\r\nx,y", "Column User Name was not found."),
        (b"ana,ana@example.com\r\nbo,bo@example.com", "The first row must hold the column names."),
        (b"<html>Sign in", "Download users.csv again and edit that file."),
        (b"User Name,Team", "The file has a header but no users."),
        (b"User Name,user name\r\nx,y", "is in the file more than once"),
        ("User Name,First Name\r\nx,Zoë".encode("cp1252"), "The file is not UTF-8"),
        (b'User Name,First Name\r\nx,"y', "is never closed"),
        (b"User Name\r\n" + b"x\r\n" * 10_001, "more than 10,000 users"),
    ],
)
def test_rejected_files_say_why(cast: Cast, content: bytes, sentence: str) -> None:
    tess = signed_in(boss(cast))
    answer = tess.post(IMPORT, {"file": SimpleUploadedFile("x.csv", content)})
    assert answer.status_code == 422
    page = text(answer)
    assert sentence in page
    assert "people.csv" not in page
    assert not UserImport.objects.exists()


def test_no_file(cast: Cast) -> None:
    assert "No file was chosen." in text(signed_in(boss(cast)).post(IMPORT))


def test_the_export_is_a_file_that_changes_nothing(cast: Cast) -> None:
    User.objects.filter(pk=cast.ana.pk).update(first_name="=Ana", employee_id="-7")
    tess = signed_in(boss(cast))
    content = b"".join(tess.get("/users/import/users.csv"))
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == User.objects.filter(tenant=cast.abacus).count() + 1
    assert "'=Ana" in [row[1] for row in rows]
    tess.post(IMPORT, {"file": SimpleUploadedFile("users.csv", content)})
    assert set(kinds(tess).values()) == {"unchanged"}
    assert "There is nothing to import." in text(preview(tess))


def test_each_person_has_a_separate_file_and_can_discard_it(cast: Cast) -> None:
    tess, tom = signed_in(boss(cast)), signed_in(boss(cast, "Tom Boss"))
    send(tess, "x.new,,,,,,,,")
    assert tom.get(PREVIEW).url == IMPORT
    assert "is waiting for your confirmation" in text(tess.get(IMPORT))
    tom.post("/users/import/discard/")
    assert UserImport.objects.count() == 1
    tess.post("/users/import/discard/")
    assert not UserImport.objects.exists()


def test_the_permission_is_required_before_anything_is_read(cast: Cast) -> None:
    for address in (IMPORT, PREVIEW, "/users/import/users.csv"):
        assert signed_in(cast.ada).get(address).status_code == 403
    for address in (IMPORT, CONFIRMATION, "/users/import/discard/"):
        assert signed_in(cast.ada).post(address).status_code == 403


def test_a_form_without_its_token_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(boss(cast))
    assert client.post(IMPORT, {"file": SimpleUploadedFile("x.csv", b"User Name\r\nx")}).status_code == 403


# --- Many ------------------------------------------------------------------------------------------------------------


def statements(cast: Cast, by: User, lines: Sequence[str]) -> int:
    """Return how many SQL statements the preview and the confirmation execute together."""
    send(signed_in(by), *lines)
    with CaptureQueriesContext(connection) as queries:
        waiting = UserImport.objects.get(made_by=by)
        actions.confirm(by=by, seen=digest(actions.outcomes_of(by, waiting)))
    return len(queries)


def test_the_number_of_statements_does_not_depend_on_the_rows(cast: Cast) -> None:
    by = boss(cast)
    assert by.permissions  # caches the permissions, so that neither count includes their query
    for number in range(1000):
        agent(cast.support, f"Old {number:04}")
    few = [f"new.{n},A,B,,,Support,,Transfer viewer,Support only" for n in range(2)] + [
        "old.0999,C,,,,,,Transfer viewer,"
    ]
    many = [f"newer.{n},A,B,,,Sales,,Transfer viewer,Support only" for n in range(1000)]
    many += [f"old.{n:04},C,,,,,,Transfer viewer,Support only" for n in range(999)]
    assert statements(cast, by, few) == statements(cast, by, many)
    assert User.objects.filter(username__startswith="newer.").count() == 1000


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
