"""`manage.py sync_people` brings the users in line with a view of the organisation's people."""

from io import StringIO
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Team, User
from accounts.people.from_view.synchronising import Report, synchronise
from accounts.permissions import TENANT_ADMINISTRATOR
from accounts.tasks import sync_people
from audit.models import AuditEvent
from tenancy.context import NO_TENANT, setting_context
from tenancy.models import Tenant
from tests.fixtures.cast import enterprise_view, person
from tests.fixtures.roles import as_owner
from tests.fixtures.signing_in import sign_in
from transfer_site.run.embedded import APPLICATION
from transfer_site.settings.people import COLUMNS

pytestmark = pytest.mark.django_db

PASSWORD = "a long way to Tipperary"

VIEW = f"""
CREATE SCHEMA suite;
GRANT USAGE ON SCHEMA suite TO {APPLICATION};
CREATE TABLE suite.person (
    person_id integer, tenant text, user_name text, email text, first_name text, last_name text, team text,
    active boolean, employee_id text
);
CREATE VIEW transfer_people AS SELECT * FROM suite.person;
GRANT SELECT ON transfer_people TO {APPLICATION};
"""
AGAIN = f"CREATE VIEW transfer_people AS SELECT * FROM suite.person; GRANT SELECT ON transfer_people TO {APPLICATION}"
ANA: dict[str, Any] = {
    "person_id": 7,
    "tenant": "Acme",
    "user_name": "ana",
    "email": "ana@example.com",
    "first_name": "Ana",
    "last_name": "Díaz",
    "team": "Support",
    "active": True,
    "employee_id": "E7",
}


@pytest.fixture(autouse=True)
def acme(db: None) -> Tenant:
    owner(VIEW)
    return Tenant.objects.create(name="Acme")


def owner(statement: str, parameters: list[Any] | None = None) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def people(*rows: dict[str, Any]) -> None:
    """Replace the people of the organisation."""
    owner("TRUNCATE suite.person")
    for row in rows:
        marks = ", ".join(["%s"] * len(row))
        owner(f"INSERT INTO suite.person ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def bo(**values: Any) -> dict[str, Any]:
    return {"person_id": 8, "tenant": "Acme", "user_name": "bo", "active": True} | values


def sync(*words: str) -> str:
    """Run the command without a tenant context, as in production."""
    out = StringIO()
    with setting_context(NO_TENANT):
        call_command("sync_people", *words, stdout=out)
    return out.getvalue()


def refused() -> str:
    before = list(User.objects.order_by("pk").values())
    with pytest.raises(CommandError) as error:
        sync()
    assert "Nothing was changed." in str(error.value)
    assert list(User.objects.order_by("pk").values()) == before
    return str(error.value)


def user(external_id: object) -> User:
    return User.objects.get(external_id=str(external_id))


def events(kind: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(kind=kind).order_by("pk"))


# --- What it does ---------------------------------------------------------------------------------------------------


def test_people_become_users(acme: Tenant) -> None:
    people(ANA, bo(active=False))
    assert sync() == "Acme: 2 users created, 0 changed, 0 deactivated, 0 left out.\n"
    ana = user(7)
    assert (ana.tenant, ana.username, ana.email, ana.name) == (acme, "ana", "ana@example.com", "Ana Díaz")
    assert (ana.team_name, ana.employee_id, ana.is_active) == ("Support", "E7", True)
    assert not ana.has_usable_password()
    assert (user(8).is_active, user(8).team, user(8).email) == (False, None, "")


def test_each_change_is_in_the_audit_log(acme: Tenant) -> None:
    people(ANA)
    sync()
    [created] = events("user-created")
    assert (created.tenant_id, created.actor_name) == (acme.pk, "")
    assert created.details["subject_id"] == user(7).pk
    assert "User name: none → ana. First name: none → Ana." in created.details["summary"]
    assert {"field": "External ID", "before": "", "after": "7"} in created.details["changes"]
    assert [event.details["name"] for event in events("team-created")] == ["Support"]
    people(ANA | {"last_name": "Ruiz", "team": ""})
    sync()
    [changed] = events("user-changed")
    assert changed.details["name"] == "Ana Díaz"
    assert (
        changed.details["summary"] == "Last name: Díaz → Ruiz. Team: Support → none. From the view of people."
    )
    assert [event.details["created"] for event in events("people-synchronised")] == [1, 0]


def test_a_second_run_changes_nothing() -> None:
    people(ANA, bo())
    sync()
    before = list(User.objects.order_by("pk").values()), AuditEvent.objects.count()
    assert sync() == "All users are as the view says.\n"
    assert (list(User.objects.order_by("pk").values()), AuditEvent.objects.count()) == before


def test_a_dry_run_says_the_same_and_stores_nothing() -> None:
    people(ANA)
    said = sync("--dry-run")
    assert said == (
        "Acme: 1 user created, 0 changed, 0 deactivated, 0 left out.\nThis was a dry run. Nothing was changed.\n"
    )
    assert not User.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_person_who_vanished_is_deactivated_and_returns() -> None:
    people(ANA, bo())
    sync()
    people(bo())
    assert "0 created, 0 changed, 1 deactivated" in sync().replace(" users", "")
    assert not user(7).is_active
    assert user(7).username == "ana"
    people(ANA, bo())
    sync()
    assert user(7).is_active


def test_two_people_exchange_their_names() -> None:
    people(ANA, bo(email="bo@example.com", employee_id="E8"))
    sync()
    people(
        ANA | {"user_name": "bo", "email": "bo@example.com", "employee_id": "E8"},
        bo(user_name="ana", email="ana@example.com", employee_id="E7"),
    )
    assert "2 changed" in sync()
    assert (user(7).username, user(8).username) == ("bo", "ana")
    assert (user(7).email, user(8).employee_id) == ("bo@example.com", "E7")


def test_users_without_an_external_id_and_administrators_stay(acme: Tenant) -> None:
    local = person(acme, "Local User")
    admin = person(acme, "Ada Admin", TENANT_ADMINISTRATOR, enterprise_view(acme), external_id="9")
    gone = person(acme, "Gone Admin", TENANT_ADMINISTRATOR, external_id="10")
    before = list(User.objects.order_by("pk").values())
    people(ANA, bo(person_id=9, user_name="other", active=False))
    said = sync()
    assert list(User.objects.filter(pk__in=[local.pk, admin.pk, gone.pk]).order_by("pk").values()) == before
    assert f"{admin.username} is not active in the view, but is an administrator" in said
    assert f"{gone.username} is not in the view any more, but is an administrator" in said


def test_teams_are_found_ignoring_case(acme: Tenant) -> None:
    team = Team.objects.create(tenant=acme, name="support")
    people(ANA, bo(team="SUPPORT"))
    sync()
    assert list(Team.objects.all()) == [team]
    assert user(8).team == team


def test_texts_are_cleaned() -> None:
    people(bo(user_name=" bo\u200b ", first_name="Bo\u202e", team="  ", email=" Bo@Example.com "))
    sync()
    assert (user(8).username, user(8).first_name, user(8).team) == ("bo", "Bo", None)
    assert user(8).email == "Bo@Example.com"


def test_tenants_by_name_or_id(acme: Tenant) -> None:
    other = Tenant.objects.create(name="Other")
    people(ANA | {"tenant": "ACME"}, bo(person_id=7, tenant=str(other.pk)))
    sync()
    assert set(User.objects.filter(external_id="7").values_list("tenant_id", "username")) == {
        (acme.pk, "ana"),
        (other.pk, "bo"),
    }


# --- Clashes --------------------------------------------------------------------------------------------------------


def test_a_user_name_of_a_local_user_is_listed_and_left_out(acme: Tenant) -> None:
    local = User.objects.create(tenant=acme, username="ANA")
    people(ANA, bo())
    said = sync()
    assert (
        f"7 was left out: the user ANA ({local.pk}) has the user name ana. Change it on the Users page"
        in said
    )
    assert "1 user created" in said
    assert "1 left out" in said
    assert not User.objects.filter(external_id="7").exists()


def test_a_user_name_of_a_user_of_another_tenant() -> None:
    User.objects.create(tenant=Tenant.objects.create(name="Other"), username="ana")
    people(ANA, bo())
    assert "7 was left out" in sync()


def test_a_user_name_twice_in_the_view_stays_with_the_person_who_has_it() -> None:
    people(ANA)
    sync()
    people(ANA | {"first_name": "Anna"}, bo(user_name="Ana"))
    said = sync()
    assert "8 was left out: another person in the view has the user name Ana too." in said
    assert user(7).first_name == "Anna"


def test_a_name_that_is_kept_because_its_person_was_left_out(acme: Tenant) -> None:
    """Ana should become Cy, whose name a local user has; so she keeps hers, and Bo cannot get it."""
    people(ANA, bo())
    sync()
    User.objects.create(tenant=acme, username="cy")
    people(ANA | {"user_name": "cy"}, bo(user_name="ana", first_name="Bo"))
    said = sync()
    assert "7 was left out" in said
    assert f"8 was left out: the user Ana Díaz ({user(7).pk}) has the user name ana." in said
    assert (user(7).username, user(8).username, user(8).first_name) == ("ana", "bo", "")


def test_an_email_or_employee_id_that_is_taken_is_left_empty(acme: Tenant) -> None:
    User.objects.create(tenant=acme, username="local", email="ANA@example.com", employee_id="E7")
    people(ANA, bo(email="x@example.com"), bo(person_id=9, user_name="cy", email="X@example.com"))
    said = sync()
    assert (
        "7 (ana) has no email and employee ID: it is not valid, or another person or user has it too" in said
    )
    assert [user(n).email for n in (7, 8, 9)] == ["", "", ""]
    assert user(7).employee_id == ""
    assert "All users are as the view says." in sync().splitlines()


def test_a_user_name_that_is_the_email_of_somebody_else(acme: Tenant) -> None:
    """Both are used to sign in. Among the people of the view, the email is left empty."""
    local = User.objects.create(tenant=acme, username="local@example.com", email="mail@example.com")
    people(
        ANA | {"user_name": "MAIL@example.com"},
        bo(user_name="bo@example.com"),
        bo(person_id=9, user_name="cy", email="bo@example.com"),
        bo(person_id=10, user_name="di", email="local@example.com"),
        bo(person_id=11, user_name="eva@example.com", email="Eva@example.com"),
    )
    said = sync()
    assert f"7 was left out: the user {local.username} ({local.pk}) has the email MAIL@example.com." in said
    assert [user(n).email for n in (9, 10, 11)] == ["", "", "Eva@example.com"]
    assert "9 (cy) has no email" in said


def test_an_email_that_is_kept_because_its_person_was_left_out(acme: Tenant) -> None:
    """Ana should lose her email, which Bo takes as user name; but she is left out, so Bo is too."""
    people(ANA, bo())
    sync()
    User.objects.create(tenant=acme, username="cy")
    people(ANA | {"user_name": "cy", "email": ""}, bo(user_name="ana@example.com"))
    assert f"8 was left out: the user Ana Díaz ({user(7).pk}) has the email ana@example.com." in sync()
    assert user(8).username == "bo"
    User.objects.filter(username="cy").delete()
    sync()
    assert (user(7).email, user(8).username) == ("", "ana@example.com")


@pytest.mark.parametrize("email", ["bo", "bo@x", "a b@example.com", "bo@example.com, cy@example.com"])
def test_an_email_that_is_none(email: str) -> None:
    people(bo(email=email))
    assert "8 (bo) has no email" in sync()
    assert user(8).email == ""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"user_name": None}, "no user_name. Correct it in the view."),
        ({"user_name": "x" * 255}, "too long user_name. Shorten it in the view."),
        ({"team": "x" * 201}, "too long team."),
    ],
)
def test_a_person_who_cannot_be_stored(values: dict[str, Any], words: str) -> None:
    people(ANA, bo(**values))
    assert f"8 was left out: {words}" in sync()
    assert user(7).username == "ana"


def test_many_clashes_are_counted(acme: Tenant) -> None:
    owner(
        "INSERT INTO suite.person (person_id, tenant, user_name, active)"
        " SELECT n, 'Acme', 'same', true FROM generate_series(1, 150) AS n"
    )
    said = sync().splitlines()
    assert said[0] == "Acme: 0 users created, 0 changed, 0 deactivated, 150 left out."
    assert (len(said), said[-1]) == (102, "50 more were left out.")


# --- Views that cannot be used --------------------------------------------------------------------------------------


def test_no_view(settings: Settings) -> None:
    settings.PEOPLE_VIEW = ("nowhere",)
    assert "The view nowhere with the people does not exist." in refused()
    settings.PEOPLE_VIEW = ("public", "person")
    assert "There is suite.person." in refused()


def test_a_view_that_may_not_be_read(settings: Settings) -> None:
    settings.PEOPLE_VIEW = ("suite", "person")
    said = refused()
    assert f'GRANT SELECT ON "suite"."person" TO "{APPLICATION}";' in said


def test_a_view_without_its_columns(settings: Settings) -> None:
    settings.PEOPLE_COLUMNS = {name: name for name in COLUMNS} | {"person_id": "number", "tenant": "org"}
    said = refused()
    assert "transfer_people has no column number, org. It has: person_id, tenant, user_name" in said


def test_an_empty_view() -> None:
    people(ANA)
    sync()
    people()
    assert "transfer_people is empty. Nobody was deactivated" in refused()
    assert user(7).is_active


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([ANA, ANA | {"user_name": "x"}], "1 people more than once: person_id 7"),
        ([ANA, bo(person_id=None)], "1 rows without a person_id"),
        ([ANA, bo(tenant="Nix")], "names tenants that do not exist: Nix. There are: Acme."),
        ([ANA, bo(tenant=None)], "names tenants that do not exist: (empty)."),
        ([ANA, bo(active=None)], "1 rows in which active is neither yes nor no"),
    ],
)
def test_people_that_make_the_view_unusable(rows: list[dict[str, Any]], words: str) -> None:
    people(*rows)
    assert words in refused()


def test_several_tenants_need_a_column() -> None:
    owner("DROP VIEW transfer_people; ALTER TABLE suite.person DROP tenant;")
    owner(
        f"CREATE VIEW transfer_people AS SELECT * FROM suite.person; GRANT SELECT ON transfer_people TO {APPLICATION}"
    )
    owner("INSERT INTO suite.person (person_id, user_name, active) VALUES (8, 'bo', true)")
    assert "1 user created" in sync()
    Tenant.objects.create(name="Other")
    assert "has no column tenant, and there are 2 tenants" in refused()


# --- Views of every shape -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql_type", "value", "text"),
    [
        ("smallint", 7, "7"),
        ("bigint", 2**40, str(2**40)),
        ("numeric(10,2)", 7, "7"),
        ("uuid", "0000000a-0000-0000-0000-00000000000A", "0000000a-0000-0000-0000-00000000000a"),
        ("text", "A/7", "A/7"),
        ("char(8)", "A7", "A7"),
        ("varchar(9)", "ä 7", "ä 7"),
    ],
)
def test_ids_of_every_type(sql_type: str, value: object, text: str) -> None:
    owner(f"DROP VIEW transfer_people; ALTER TABLE suite.person ALTER person_id TYPE {sql_type} USING NULL")
    owner(
        f"CREATE VIEW transfer_people AS SELECT * FROM suite.person; GRANT SELECT ON transfer_people TO {APPLICATION}"
    )
    owner(
        "INSERT INTO suite.person (person_id, tenant, user_name, active) VALUES (%s, 'Acme', 'bo', true)",
        [value],
    )
    sync()
    assert User.objects.get().external_id == text
    assert "All users are as the view says." in sync()


def test_other_names_and_types(settings: Settings) -> None:
    owner(
        f"""
        CREATE TABLE suite."The People" (
            "ID" uuid PRIMARY KEY, "Login" varchar(50), mail text, given text, family text, unit text, state char(1)
        );
        GRANT SELECT ON suite."The People" TO {APPLICATION};
        INSERT INTO suite."The People" VALUES (gen_random_uuid(), 'ana', '', 'Ana', 'Díaz', 'Support', '1'),
            (gen_random_uuid(), 'bo', NULL, NULL, NULL, NULL, 'N');
        """
    )
    settings.PEOPLE_VIEW = ("suite", "The People")
    settings.PEOPLE_COLUMNS = {name: name for name in COLUMNS} | {
        "person_id": "ID",
        "user_name": "Login",
        "email": "mail",
        "first_name": "given",
        "last_name": "family",
        "team": "unit",
        "active": "state",
    }
    User.objects.create(tenant=Tenant.objects.get(), username="local", employee_id="E1")
    sync()
    found = User.objects.exclude(external_id="").order_by("username").values_list("username", "is_active")
    assert list(found) == [("ana", True), ("bo", False)]


def test_employee_ids_stay_if_the_view_has_none(settings: Settings) -> None:
    people(ANA)
    sync()
    owner(
        "DROP VIEW transfer_people; ALTER TABLE suite.person DROP employee_id; UPDATE suite.person SET team = ''"
    )
    owner(
        f"CREATE VIEW transfer_people AS SELECT * FROM suite.person; GRANT SELECT ON transfer_people TO {APPLICATION}"
    )
    assert "1 changed" in sync()
    assert user(7).employee_id == "E7"


# --- How it runs ----------------------------------------------------------------------------------------------------


def statements(report: list[Report]) -> int:
    with CaptureQueriesContext(connection) as queries:
        report.append(synchronise())
    return len(queries)


def test_the_number_of_statements_does_not_depend_on_the_people() -> None:
    people(ANA, bo())
    reports: list[Report] = []
    few = statements(reports)
    owner(
        "INSERT INTO suite.person (person_id, tenant, user_name, email, team, active)"
        " SELECT n, 'Acme', 'u' || n, 'u' || n || '@example.com', 'Team ' || n % 20, n % 3 > 0"
        " FROM generate_series(100, 1100) AS n"
    )
    assert statements(reports) == few
    owner("UPDATE suite.person SET user_name = user_name || 'x', email = ''")
    assert statements(reports) == few
    assert [report.tenants[0].total for report in reports] == [2, 1001, 1003]


def test_the_clock_runs_it(caplog: pytest.LogCaptureFixture) -> None:
    people(ANA)
    with setting_context(NO_TENANT):
        sync_people()
        assert user_exists(7)
        people()
        sync_people()
    assert "the users do not follow the view of people: transfer_people is empty." in caplog.text


def user_exists(external_id: int) -> bool:
    with setting_context("*"):
        return User.objects.filter(external_id=str(external_id)).exists()


def test_sessions_of_deactivated_users_end(acme: Tenant, client: Client) -> None:
    ana = User(tenant=acme, username="ana", external_id="7")
    ana.set_password(PASSWORD)
    ana.save()
    sign_in(client, "ana", PASSWORD)
    assert UserSession.objects.filter(user=ana).exists()
    people(bo())
    sync("--dry-run")
    assert UserSession.objects.filter(user=ana).exists()
    sync()
    assert not User.objects.get(pk=ana.pk).is_active
    assert not UserSession.objects.filter(user=ana).exists()
