from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Team, User
from audit.models import AuditEvent
from spreadsheets.reader import open_sheet
from tests.fixtures.cast import Cast, agent, signed_in
from transfers.people_csv import COLUMNS, PEOPLE_CSV, read


def export(user: User) -> bytes:
    response = signed_in(user).get(reverse("transfers:people-export"))
    assert response.status_code == 200, response
    assert response["Content-Disposition"] == 'attachment; filename="people.csv"'
    assert response["Content-Type"].startswith("text/csv")
    return b"".join(response.streaming_content)


def lines(user: User) -> list[str]:
    return export(user).decode("utf-8-sig").split("\r\n")


def test_all_users_of_the_view_active_and_inactive(cast: Cast) -> None:
    gone = agent(cast.sales, "Gus Gone", is_active=False)

    found = lines(cast.ada)

    assert found[0] == ",".join(COLUMNS)
    assert f"{cast.ana.pk},,Ana,Díaz,ana.díaz,ana.díaz@example.com,Yes,Support" in found
    assert f"{gone.pk},,Gus,Gone,gus.gone,gus.gone@example.com,No,Sales" in found
    assert not [line for line in found if "Frida" in line]
    ids = [int(line.split(",")[0]) for line in found[1:-1]]
    assert ids == sorted(User.objects.filter(tenant=cast.abacus).values_list("pk", flat=True))


def test_employee_ids_are_in_the_last_column_if_there_are_any(cast: Cast) -> None:
    User.objects.filter(pk=cast.bo.pk).update(employee_id="00123")

    found = lines(cast.ada)

    assert found[0] == ",".join((*COLUMNS, "Employee ID"))
    assert f"{cast.bo.pk},,Bo,Chen,bo.chen,bo.chen@example.com,Yes,Support,00123" in found
    assert f"{cast.cy.pk},,Cy,Young,cy.young,cy.young@example.com,Yes,Support," in found


def test_it_starts_with_a_bom_and_uses_crlf(cast: Cast) -> None:
    body = export(cast.ada)

    assert body.startswith(b"\xef\xbb\xbf")
    assert body.count(b"\r\n") == body.count(b"\n") == User.objects.filter(tenant=cast.abacus).count() + 1


def test_no_cell_runs_as_a_formula(cast: Cast) -> None:
    agent(Team.objects.create(tenant=cast.abacus, name="+Team"), "=cmd|'/c'!A0 @Sum")

    line = next(line for line in lines(cast.ada) if "=cmd" in line)

    cells = line.split(",")
    assert cells[2].startswith("'=cmd")
    assert cells[3].startswith("'@")
    assert cells[-1] == "'+Team"


def test_an_unchanged_export_selects_no_users(cast: Cast) -> None:
    parsed = read(BytesIO(export(cast.ada)))

    assert parsed.rows == []
    assert parsed.blank == User.objects.filter(tenant=cast.abacus).count()


def test_people_xlsx_has_the_same_cells(cast: Cast) -> None:
    agent(Team.objects.create(tenant=cast.abacus, name="+Team"), "=cmd|'/c'!A0 @Sum")
    response = signed_in(cast.ada).get(reverse("transfers:people-export"), {"format": "xlsx"})
    assert response["Content-Disposition"] == 'attachment; filename="people.xlsx"'
    assert response["Content-Type"].endswith("spreadsheetml.sheet")
    assert response["Cache-Control"] == "no-store"

    book = open_sheet(BytesIO(b"".join(response.streaming_content)), PEOPLE_CSV)
    csv = open_sheet(BytesIO(export(cast.ada)), PEOPLE_CSV)

    assert book.header.positions == csv.header.positions
    assert [record.cells for record in book.records] == [record.cells for record in csv.records]


def test_another_format_is_csv(cast: Cast) -> None:
    response = signed_in(cast.ada).get(reverse("transfers:people-export"), {"format": "<xls>"})
    assert b"".join(response.streaming_content) == export(cast.ada)


def test_it_is_recorded(cast: Cast) -> None:
    export(cast.ada)

    event = AuditEvent.objects.get(kind="users-exported")
    assert (event.actor_id, event.details) == (cast.ada.pk, {"users": 9})


@pytest.mark.parametrize("name", ["otto", "vera", "nina"])
def test_it_needs_the_permission_to_transfer_in_bulk(cast: Cast, name: str) -> None:
    response = signed_in(getattr(cast, name)).get(reverse("transfers:people-export"))

    assert response.status_code == 403
    assert "Transfer data in bulk" in response.content.decode()


def test_five_thousand_users_take_the_same_queries(cast: Cast) -> None:
    client = signed_in(cast.ada)

    def lines_and_queries() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            response = client.get(reverse("transfers:people-export"))
            return sum(chunk.count(b"\r\n") for chunk in response.streaming_content), len(queries)

    assert lines_and_queries() == (10, 7)
    User.objects.bulk_create(
        User(tenant=cast.abacus, team=cast.support, first_name="F", last_name=str(n), username=f"user{n}")
        for n in range(5000)
    )
    assert lines_and_queries() == (5010, 7)
