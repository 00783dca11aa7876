"""The worked example of docs/extending.md behaves as documented."""

from datetime import timedelta

import pytest
from django.core.checks import ERROR, run_checks
from django.db import connection

from accounts.models import User
from tests.apps.exampleapp.models import DoorEvent, Headset
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.journal import deleted_by
from tests.fixtures.records import NOON
from tests.fixtures.roles import as_owner
from tests.fixtures.running import run_single
from transfers.models import State
from transfers.planning.plan import plan_for_pair

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(cast: Cast) -> Cast:
    """The standard test users, with employee IDs. Frida, who is in another tenant, has the same employee ID as Ana."""
    for user, number in ((cast.ana, "E1"), (cast.bo, "E2"), (cast.frida, "E1")):
        user.employee_id = number
        user.save()
    return cast


def headset(holder: User, name: str, days: int = 0) -> Headset:
    return Headset.objects.create(holder=holder, model_name=name, lent_at=NOON + timedelta(days=days))


def opened(user: User, door: str) -> DoorEvent:
    return DoorEvent.objects.create(
        tenant=user.tenant, employee_no=user.employee_id, door=door, opened_at=NOON
    )


def test_of_two_headsets_of_a_model_the_one_lent_later_stays(staff: Cast) -> None:
    later, other = headset(staff.ana, "Pro", days=2), headset(staff.ana, "Lite")
    earlier = headset(staff.bo, "Pro")
    transfer = run_single(staff.ada, staff.ana, staff.bo)
    assert transfer.state == State.SUCCEEDED
    assert set(Headset.objects.filter(holder=staff.bo)) == {later, other}
    assert [row["id"] for _, row in deleted_by(transfer)] == [earlier.pk]
    counts = transfer.pairs.get().counts["exampleapp.headset"]
    assert counts == {"source": 2, "target": 1, "moved": 2, "replaced": 1}


def test_the_door_log_moves_by_employee_id_and_stays_in_the_tenant(staff: Cast) -> None:
    mine, foreign = opened(staff.ana, "North"), opened(staff.frida, "South")
    transfer = run_single(staff.ada, staff.ana, staff.bo)
    mine.refresh_from_db()
    foreign.refresh_from_db()
    assert (mine.employee_no, foreign.employee_no) == ("E2", "E1")
    assert transfer.pairs.get().counts["exampleapp.doorevent"] == {"source": 1, "moved": 1}


def test_a_target_without_an_employee_id_is_refused_with_the_remedy(staff: Cast) -> None:
    staff.bo.employee_id = ""
    staff.bo.save()
    problem = plan_for_pair(staff.ada, staff.ana.pk, staff.bo.pk).errors[0]
    assert problem.code == "target-without-attribute"
    assert "employee ID" in problem.sentence
    assert problem.remedy


def test_the_pages_show_the_new_types(staff: Cast) -> None:
    headset(staff.ana, "Pro")
    client = signed_in(staff.ada)
    rules = client.get("/help/").content.decode()
    assert "Our building" in rules
    assert "Headsets on loan to the user." in rules
    page = client.get(f"/transfer/single/?source={staff.ana.pk}&target={staff.bo.pk}").content.decode()
    assert "Headsets" in page


def test_the_checks_pass() -> None:
    found = run_checks(databases=["default"])
    assert [message for message in found if message.level >= ERROR] == []
    assert [message for message in found if "Headsets" in message.msg or "Door Log" in message.msg] == []


def test_a_key_added_in_the_database_stops_the_start(db: None) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX one_door_a_person ON door_log (employee_no, door)")
    found = {message.id: message for message in run_checks(databases=["default"])}
    assert "one_door_a_person" in found["transfers.E102"].msg
    assert "Combine(on_clash=KeepTarget())" in found["transfers.E102"].hint


def test_an_undeclared_reference_in_the_database_stops_the_start(db: None) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE repair (headset_id bigint REFERENCES exampleapp_headset)")
    assert "transfers.E103" in [message.id for message in run_checks(databases=["default"])]


def test_a_missing_index_is_a_warning_with_the_line_to_paste(db: None) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("DROP INDEX door_log_by_employee")
    found = {message.id: message for message in run_checks(databases=["default"])}
    assert found["transfers.W101"].hint == 'CREATE INDEX CONCURRENTLY ON "door_log" ("employee_no");'
