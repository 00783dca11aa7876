import csv
from io import BytesIO, StringIO

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from audit.models import AuditEvent
from tests.fixtures.cast import Cast, add_pair, agent, signed_in, transfer
from tests.fixtures.records import everything
from tests.fixtures.running import confirm, run, upload
from transfers.models import Kind, PairState, State, Transfer
from transfers.people_csv import read
from transfers.planning.plan import plan_of
from transfers.registry import data_types
from transfers.results.exports import COUNTED

ERROR_COLUMNS = (
    "Transfer,Row,From User ID,From User,To User ID,To User,Result,Reason code,Reason,What to do,Data type,"
    "Attempts,Started,Finished,Requested by"
)
NAMES = ("transfer-errors", "transfer-log", "transfer-retry-file")


def download(user: User, name: str, made: Transfer) -> bytes:
    response = signed_in(user).get(reverse(f"transfers:{name}", args=[made.number]))
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment; filename=")
    return b"".join(response.streaming_content)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content.decode("utf-8-sig")), strict=True))


def with_errors(cast: Cast) -> Transfer:
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.STOPPED)
    failure = {"code": "locked", "reason": "=HYPERLINK(1)", "remedy": "Try again."}
    add_pair(
        made, 9, cast.cy, cast.di, state=PairState.FAILED, data_type="workforce.agentschedule", **failure
    )
    add_pair(made, 10, cast.eli, agent(cast.sales, "Tim To"), state=PairState.NOT_STARTED)
    return made


def test_audit_log_of_errors(cast: Cast) -> None:
    content = download(cast.ada, "transfer-errors", made := with_errors(cast))

    assert content.decode("utf-8-sig").splitlines()[0] == ERROR_COLUMNS
    failed, waiting = table(content)
    assert failed["Transfer"] == str(made.number)
    assert (failed["From User ID"], failed["From User"]) == (str(cast.cy.pk), "Cy Young")
    assert (failed["Reason code"], failed["What to do"]) == ("locked", "Try again.")
    assert failed["Reason"] == "'=HYPERLINK(1)"
    assert failed["Data type"] == "Agent Schedules"
    assert failed["Requested by"] == "Ada Admin"
    assert (waiting["Result"], waiting["Reason code"]) == ("Not started", "not-started")
    assert waiting["Reason"]
    assert waiting["What to do"]


def test_the_full_log_has_the_numbers_of_the_run(cast: Cast) -> None:
    everything(cast.ana)
    everything(cast.bo)
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    plan = plan_of(made, cast.ada)
    run(confirm(made, cast.ada))

    rows = table(download(cast.ada, "transfer-log", made))

    assert [row["Result"] for row in rows] == ["Transferred", "Transferred"]
    moved = sum(int(rows[0][f"{entry.name}: moved"]) for entry in data_types())
    merged = sum(int(rows[0][f"{entry.name}: merged"]) for entry in data_types())
    deleted = sum(int(rows[0][f"{entry.name}: deleted"]) for entry in data_types())
    assert (moved + merged, deleted) == (plan.totals.transferred, plan.totals.deleted)
    assert all(rows[1][f"{entry.name}: moved"] == "0" for entry in data_types())
    page = signed_in(cast.ada).get(reverse("transfers:transfer-detail", args=[made.number]))
    assert "Data Transfer Successful" in page.content.decode()
    assert page.context["impact"].deleted == plan.totals.deleted


def test_the_full_log_has_the_children_of_deleted_records(cast: Cast) -> None:
    numbers = {"source": 3, "moved": 1, "dropped": 2, "replaced": 4, "children": 7, "replaced_children": 2}
    made = transfer(cast.ada)
    add_pair(
        made, 2, cast.ana, cast.bo, state=PairState.SUCCEEDED, counts={"workforce.agentschedule": numbers}
    )
    [row] = table(download(cast.ada, "transfer-log", made))
    found = {name: row[f"Agent Schedules: {name}"] for name in COUNTED}
    assert found == {
        "moved": "1",
        "dropped": "2",
        "merged": "0",
        "deleted": "6",
        "children of dropped or merged": "5",
    }


def test_the_retry_file_can_be_uploaded(cast: Cast) -> None:
    content = download(cast.ada, "transfer-retry-file", made := with_errors(cast))

    selected = [(row.from_id, row.to_id) for row in read(BytesIO(content)).rows]
    assert selected == list(
        made.pairs.exclude(state=PairState.SUCCEEDED).values_list("source_id", "target_id")
    )
    assert "Cy,Young,cy.young" in content.decode()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_recorded(cast: Cast, name: str) -> None:
    made = with_errors(cast)

    download(cast.vera, name, made)

    event = AuditEvent.objects.get(kind="audit-downloaded")
    assert (event.actor_id, event.transfer_number) == (cast.vera.pk, made.number)


@pytest.mark.parametrize("name", NAMES)
def test_who_may_download(cast: Cast, name: str) -> None:
    address = reverse(f"transfers:{name}", args=[with_errors(cast).number])

    statuses = [
        signed_in(person).get(address).status_code
        for person in (cast.ada, cast.vera, cast.otto, cast.nina, cast.frida)
    ]
    assert statuses == [200, 200, 404, 403, 404]
    assert signed_in(cast.ada).post(address).status_code == 405


@pytest.mark.parametrize("name", NAMES)
def test_300_pairs_need_as_many_queries_as_1(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries, name: str
) -> None:
    made = with_errors(cast)
    for number in range(100, 400):
        users = agent(cast.support, f"S{number} X"), agent(cast.support, f"T{number} X")
        add_pair(made, number, *users, state=PairState.NOT_STARTED)
    client = signed_in(cast.ada)

    with django_assert_max_num_queries(8):
        response = client.get(reverse(f"transfers:{name}", args=[made.number]))
        assert b"".join(response.streaming_content).count(b"\r\n") > 300
