"""Employee IDs and user names that a spreadsheet has changed are warned of, and stored only if they are confirmed."""

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.people.user_import.pages import CONFIRMATION, PREVIEW, confirm, kinds, preview, send
from tests.fixtures.cast import Cast, agent, signed_in
from tests.fixtures.managers import boss, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def tess(cast: Cast) -> Client:
    return signed_in(boss(cast))


def warnings(client: Client) -> dict[int, list[tuple[str, str | None]]]:
    lines = preview(client).context["lines"]
    return {
        line["outcome"].row.number: [(warning.code, warning.column) for warning in line["outcome"].warnings]
        for line in lines
    }


@pytest.mark.parametrize(
    "value",
    [
        *(
            "4.892E+95",
            "4,892e+95",
            "1E+05",
            "2-Oct",
            "02. Okt",
            "Oct-02",
            "2-janv.",
            "2026-10-02",
            "10/2/2026",
        ),
        *("02.10.2026", "2.10.", "10月2日", "1234567890123450"),
    ],
)
def test_numbers_and_dates_that_spreadsheets_make(tess: Client, value: str) -> None:
    send(tess, f'new.one,A,B,,"{value}",,,,', f'"{value}",A,B,,,,,,')
    assert warnings(tess) == {
        2: [("made-by-spreadsheet", "Employee ID")],
        3: [("made-by-spreadsheet", "User Name")],
    }


@pytest.mark.parametrize(
    "value", ["4892e092", "10-2", "12-ABC", "E+05", "maria-85", "123", "0123", "123456789012345", "a.b"]
)
def test_other_values_are_not_warned_of(tess: Client, value: str) -> None:
    send(tess, f"new.one,A,B,,{value},,,,", f"{value},A,B,,,,,,")
    assert warnings(tess) == {2: [], 3: []}


def test_leading_zeros_of_the_users_own_id(cast: Cast, tess: Client) -> None:
    User.objects.filter(pk=cast.ana.pk).update(employee_id="00123")
    User.objects.filter(pk=cast.bo.pk).update(employee_id="0000077")
    send(tess, "ana.díaz,,,,123,,,,", "bo.chen,,,,0000077,,,,", "cy.young,,,,45,,,,")
    assert warnings(tess) == {2: [("lost-zeros", "Employee ID")], 3: [], 4: []}
    assert (
        "Employee ID 123 seems to have lost its leading zeros in a spreadsheet. It may have been 00123."
        in text(preview(tess))
    )


def test_leading_zeros_of_a_fixed_width(cast: Cast, tess: Client) -> None:
    User.objects.filter(pk=cast.bo.pk).update(employee_id="00077")
    send(tess, "new.one,A,B,,8,,,,", "new.two,A,B,,00009,,,,", "new.three,A,B,,12345,,,,")
    assert warnings(tess) == {2: [("lost-zeros", "Employee ID")], 3: [], 4: []}
    assert "It may have been 00008." in text(preview(tess))


def test_a_user_name_without_its_zeros_would_create_another_user(cast: Cast, tess: Client) -> None:
    User.objects.filter(pk=cast.ana.pk).update(username="00123")
    send(tess, "123,Ana,Díaz,,,,,,", "00123,Ana,Maria,,,,,,")
    assert kinds(tess) == {2: "created", 3: "changed"}
    assert warnings(tess) == {2: [("lost-zeros", "User Name")], 3: []}


def test_ids_of_users_out_of_view_are_not_revealed(cast: Cast, tess: Client) -> None:
    User.objects.filter(pk=cast.frida.pk).update(employee_id="00123")
    send(tess, "new.one,A,B,,123,,,,")
    assert warnings(tess) == {2: []}


def test_a_value_that_is_already_stored_is_not_warned_of(cast: Cast, tess: Client) -> None:
    User.objects.filter(pk=cast.ana.pk).update(employee_id="2-Oct", username="3-Oct")
    send(tess, "3-Oct,Anna,Díaz,,2-Oct,,,,")
    assert warnings(tess) == {2: []}


def test_nothing_is_stored_until_the_warnings_are_confirmed(cast: Cast, tess: Client) -> None:
    agent(cast.support, "Old One", employee_id="00001")
    send(tess, "new.one,A,B,,2,,,,", "new.two,A,B,,00003,,,,")
    page = preview(tess, show="warning")
    assert [line["outcome"].row.number for line in page.context["lines"]] == [2]
    assert "I have checked the 1 row with a warning." in text(page)
    assert confirm(tess).url == PREVIEW
    assert "First check the values with a warning" in text(preview(tess))
    assert not User.objects.filter(username__startswith="new.").exists()
    seen = preview(tess).context["seen"]
    assert tess.post(CONFIRMATION, {"seen": seen, "checked": "on"}).url == "/users/"
    assert User.objects.get(username="new.one").employee_id == "2"
