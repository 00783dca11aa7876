"""Rows that name users by email, user name or employee ID instead of their ID."""

import io
import unicodedata

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.fixtures.cast import Cast, agent, cache_rights
from tests.transfers.actions.sheets import errors, row, send
from transfers import actions
from transfers.models import Transfer
from transfers.people_csv.pasting import pasted_file

pytestmark = pytest.mark.django_db

EMAILS = "From Email,To Email"


@pytest.fixture(autouse=True)
def employee_ids(cast: Cast) -> None:
    """Give Ana the ID of Cy as employee ID."""
    for user, text in ((cast.ana, str(cast.cy.pk)), (cast.bo, "E-7")):
        user.employee_id = text
        user.save()


def pair(draft: Transfer, number: int = 2) -> tuple[int | None, int | None]:
    found = row(draft, number)
    return found.from_id, found.to_id


def said(draft: Transfer, number: int = 2) -> list[str]:
    return [problem["sentence"] for problem in row(draft, number).cell_problems]


@pytest.fixture
def allowed(cast: Cast) -> None:
    for user in (cast.ada, cast.otto):
        user.tenant.allows_identifiers = True
        user.tenant.save()


# --- Columns of their own --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        (EMAILS, "ana.díaz@example.com,BO.CHEN@example.com"),
        ("from_user_name,to_user_name", "ANA.DÍAZ, bo.chen "),
        ("From Employee ID,To Employee ID", "{cy},E-7"),
        ("From User ID,To User ID,To Email", "{ana},,bo.chen@example.com"),
        ("From User ID,To User ID,To Email", "{ana},NULL,bo.chen@example.com"),
        ("To Email,From User ID,To User ID", "bo.chen@example.com,{ana},{bo}"),
        ("From User ID,To User Name,To Email", '{ana},"=""bo.chen""",bo.chen@example.com'),
    ],
)
def test_the_columns_name_the_users(cast: Cast, header: str, cells: str) -> None:
    draft = send(cast.ada, cells.format(ana=cast.ana.pk, bo=cast.bo.pk, cy=cast.cy.pk), header=header)
    assert (pair(draft), errors(draft)) == ((cast.ana.pk, cast.bo.pk), {})
    assert (row(draft, 2).from_text, row(draft, 2).to_text) == (str(cast.ana.pk), str(cast.bo.pk))


def test_a_note_says_whom_the_cells_were_read_as(cast: Cast) -> None:
    draft = send(cast.ada, f"{cast.ana.pk},bo.chen@example.com", header="From User ID,To Email")
    assert said(draft) == [f"Row 2, To Email: “bo.chen@example.com” was read as Bo Chen ({cast.bo.pk})."]
    actions.swap_direction(by=cast.ada, transfer=draft)
    assert (pair(draft), len(said(draft))) == ((cast.bo.pk, cast.ana.pk), 1)


def test_rows_without_a_target_are_not_selected(cast: Cast) -> None:
    draft = send(cast.ada, "ana.díaz@example.com,", "cy.young@example.com,bo.chen@example.com", header=EMAILS)
    assert [found.number for found in draft.rows.all()] == [3]
    assert (draft.file_summary["read"], draft.file_summary["blank"]) == (2, 1)


@pytest.mark.parametrize("text", ["nobody@example.com", "frida.foreign@example.com", "bo.chen"])
def test_an_email_that_no_visible_user_has(cast: Cast, text: str) -> None:
    draft = send(cast.ada, f"{cast.ana.pk},{text}", header="From User ID,To Email")
    assert pair(draft) == (cast.ana.pk, None)
    expected = "id-is-name" if text == "bo.chen" else "identifier-unknown"
    assert errors(draft) == {2: [expected]}


def test_a_user_outside_the_views_is_not_found(cast: Cast) -> None:
    cells = f"{cast.ana.pk},eli.sales@example.com"
    assert errors(send(cast.otto, cells, header="From User ID,To Email")) == {2: ["identifier-unknown"]}
    assert errors(send(cast.ada, cells, header="From User ID,To Email")) == {}


@pytest.mark.parametrize(
    ("header", "cells", "text"),
    [
        (
            "From User ID,To User ID,To Email",
            "{ana},{di},bo.chen@example.com",
            "To User ID {di} and To Email",
        ),
        (
            "From User ID,To User Name,To Email",
            "{ana},di.ng,bo.chen@example.com",
            "To Email bo.chen@example.com and",
        ),
        ("From User ID,To User ID,To Employee ID", "{ana},7000777,E-7", "To User ID 7000777 and"),
    ],
)
def test_texts_of_two_users_are_an_error_that_stays(cast: Cast, header: str, cells: str, text: str) -> None:
    ids = {"ana": cast.ana.pk, "di": cast.di.pk}
    draft = send(cast.ada, cells.format(**ids), header=header)
    assert (pair(draft), errors(draft)) == ((cast.ana.pk, None), {2: ["identifiers-disagree"]})
    assert row(draft, 2).to_text.startswith(text.format(**ids))
    actions.swap_direction(by=cast.ada, transfer=draft)
    assert errors(draft) == {2: ["id-is-text"]}
    actions.fix_row(by=cast.ada, transfer=draft, number=2, to_text=str(cast.cy.pk))
    assert errors(draft) == {2: ["id-is-text"]}
    actions.fix_row(by=cast.ada, transfer=draft, number=2, from_text=str(cast.di.pk), to_text=str(cast.cy.pk))
    assert errors(draft) == {}


def test_an_unknown_employee_id_never_becomes_an_id(cast: Cast) -> None:
    draft = send(cast.ada, f"{cast.ana.pk},{cast.di.pk}", header="From User ID,To Employee ID")
    assert errors(draft) == {2: ["identifier-unknown"]}
    actions.swap_direction(by=cast.ada, transfer=draft)
    assert (pair(draft), errors(draft)) == ((None, cast.ana.pk), {2: ["id-is-text"]})


def test_an_error_in_the_id_stays_an_error_without_a_suggestion(cast: Cast) -> None:
    draft = send(cast.ada, f'{cast.ana.pk},"1,234",E-7', header="From User ID,To User ID,To Employee ID")
    assert (pair(draft), errors(draft)) == ((cast.ana.pk, None), {2: ["id-thousands-mark"]})
    assert [problem["suggestion"] for problem in row(draft, 2).cell_problems] == [None]


@pytest.mark.parametrize(
    ("column", "attribute"), [("To Employee ID", "employee_id"), ("To User Name", "username")]
)
def test_a_number_may_have_lost_its_leading_zeros(cast: Cast, column: str, attribute: str) -> None:
    setattr(cast.bo, attribute, "00731")
    cast.bo.save()
    header = f"From User ID,{column}"
    assert pair(send(cast.ada, f"{cast.ana.pk},731", header=header)) == (cast.ana.pk, cast.bo.pk)
    setattr(cast.di, attribute, "731")
    cast.di.save()
    draft = send(cast.ada, f"{cast.ana.pk},731", f"{cast.cy.pk},00731", header=header)
    assert (pair(draft), errors(draft)) == ((cast.ana.pk, None), {2: ["identifier-of-many"]})
    assert all(f"({user.pk})" in said(draft)[0] for user in (cast.bo, cast.di))
    assert pair(draft, 3) == (cast.cy.pk, cast.bo.pk)


def test_letters_of_an_unknown_code_page_name_nobody(cast: Cast) -> None:
    content = f"From User ID,To User Name\n{cast.ana.pk},bò.chen\n{cast.cy.pk},di.ng\n"
    cast.bo.username = "bň.chen"  # ň and ò are the same byte in Windows-1250 and Windows-1252
    cast.bo.save()
    cast.eli.username = "bò.chen"
    cast.eli.save()
    draft = actions.upload(by=cast.ada, file_name="a.csv", stream=io.BytesIO(content.encode("cp1252")))
    assert (pair(draft), errors(draft)) == ((cast.ana.pk, None), {2: ["identifier-unreadable"]})
    assert pair(draft, 3) == (cast.cy.pk, cast.di.pk)
    assert pair(send(cast.ada, *content.splitlines()[1:], header="From User ID,To User Name")) == (
        cast.ana.pk,
        cast.eli.pk,
    )


def test_letters_may_be_decomposed(cast: Cast) -> None:
    text = unicodedata.normalize("NFD", "ana.díaz@example.com")
    assert pair(send(cast.ada, f"{text},{cast.bo.pk}", header="From Email,To User ID")) == (
        cast.ana.pk,
        cast.bo.pk,
    )


def test_200_rows_take_as_many_queries_as_5(cast: Cast) -> None:
    made: list[User] = [agent(cast.support, f"A{number} B") for number in range(400)]
    sheet = [f"{made[n].email},{made[n + 200].email}" for n in range(200)]
    cache_rights(cast.ada)
    numbers = []
    for rows in (sheet[:5], sheet[5:100]):  # 100 pairs and more would be counted in the background
        with CaptureQueriesContext(connection) as captured:
            draft = send(cast.ada, *rows, header=EMAILS)
        assert errors(draft) == {}
        numbers.append(len(captured))
    assert numbers[0] == numbers[1]


def test_pasted_columns_with_names(cast: Cast) -> None:
    lines = (
        pasted_file("From Email\tTo Email\nana.díaz@example.com\tbo.chen@example.com").decode().split("\n")
    )
    draft = send(cast.ada, *lines[1:], header=lines[0])
    assert (pair(draft), errors(draft)) == ((cast.ana.pk, cast.bo.pk), {})


# --- Columns that were sorted on their own ---------------------------------------------------------------------------


def suspicions(draft: Transfer) -> list[str]:
    return [problem["sentence"] for problem in draft.file_summary["suspicions"]]


def filled(column: list[str], blank: int = 5) -> list[str]:
    """Return lines in which the first users have these targets, and the last users none."""
    return [f"{number + 7_000_000},{text}" for number, text in enumerate([*column, *[""] * blank])]


@pytest.mark.parametrize("column", ["To Email", "To User Name", "To User ID"])
def test_identifiers_sorted_on_their_own_are_suspected(cast: Cast, allowed: None, column: str) -> None:
    made = [agent(cast.support, f"{name} B") for name in ("Cleo", "Abe", "Eva", "Bea", "Dan")]
    texts = sorted(user.username if column == "To User Name" else user.email for user in made)
    draft = send(cast.ada, *filled(texts), header=f"From User ID,{column}")
    assert [found.to_id for found in draft.rows.all()] != [None] * 5
    assert suspicions(draft) == [
        f"{column} is filled in only in the first 5 rows, in order. Was this column sorted on its own?"
    ]
    in_no_order = [texts[number] for number in (1, 0, 4, 2, 3)]
    assert suspicions(send(cast.ada, *filled(in_no_order), header=f"From User ID,{column}")) == []


def test_names_of_users_sorted_on_their_own_are_suspected_before_their_ids_are_accepted(cast: Cast) -> None:
    draft = send(cast.ada, *filled(["Ana Díaz", "Bo Chen", "Cy Young", "Di Ng", "Eli Sales"]))
    assert [problem["code"] for problem in draft.file_summary["suspicions"]] == ["targets-in-order"]


def test_names_that_rise_by_one_are_suspected(cast: Cast) -> None:
    texts = [f"agent{number:02}" for number in range(7, 13)]
    draft = send(cast.ada, *filled(texts, blank=0), header="From User ID,To User Name")
    assert suspicions(draft) == [
        "To User Name rises or falls by one in 6 rows, from row 2 on. Was the column filled by dragging?"
    ]


def test_users_whose_ids_rise_by_one_are_suspected_whatever_names_them(cast: Cast) -> None:
    made = [agent(cast.support, f"{name} B") for name in ("Cleo", "Abe", "Eva", "Bea", "Dan", "Zed")]
    draft = send(cast.ada, *filled([user.email for user in made], 0), header="From User ID,To Email")
    assert [problem["code"] for problem in draft.file_summary["suspicions"]] == ["targets-counted-up"]


# --- In the ID columns, if the tenant allows it ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["BO.CHEN@example.com", " bo.chen", "'Bo.Chen", "E-7", "user19", "4892e092", "10-2"]
)
def test_an_id_column_may_hold_identifiers(cast: Cast, allowed: None, text: str) -> None:
    if text in ("user19", "4892e092", "10-2"):  # without the switch, a label, a shortened number and a date
        cast.bo.username = text
        cast.bo.save()
    draft = send(cast.ada, f"{cast.ana.pk},{text}")
    assert (pair(draft), errors(draft)) == ((cast.ana.pk, cast.bo.pk), {})
    bare = text.strip(" '")
    assert said(draft) == [f"Row 2, To User ID: “{bare}” was read as Bo Chen ({cast.bo.pk})."]


def test_without_the_switch_the_error_says_that_it_can_be_allowed(cast: Cast) -> None:
    draft = send(cast.ada, f"{cast.ana.pk},E-7", f"{cast.cy.pk},di.ng")
    assert errors(draft) == {2: ["id-is-text"], 3: ["id-is-name"]}
    for number in (2, 3):
        (problem,) = [found for found in row(draft, number).problems if found["severity"] == "error"]
        assert "Your system administrator can allow emails" in problem["remedy"]


def test_an_unknown_text_with_the_switch(cast: Cast, allowed: None) -> None:
    draft = send(cast.ada, f"{cast.ana.pk},E-8", f"{cast.cy.pk},Di Ng", f"{cast.bo.pk},frida.foreign")
    assert errors(draft) == {2: ["id-is-text"], 3: ["id-is-name"], 4: ["id-is-text"]}
    assert said(draft) == ["Row 2, To User ID: no user has the ID, email, user name or employee ID “E-8”."]
    assert "administrator" not in row(draft, 2).problems[0]["remedy"]
    assert errors(send(cast.otto, f"{cast.ana.pk},eli.sales")) == {2: ["id-is-text"]}


def test_digits_are_an_id_even_if_they_are_an_employee_id(cast: Cast, allowed: None) -> None:
    assert pair(send(cast.ada, f"{cast.bo.pk},{cast.cy.pk}")) == (cast.bo.pk, cast.cy.pk)


def test_a_text_of_two_users_names_both(cast: Cast, allowed: None) -> None:
    cast.di.employee_id = "bo.chen"
    cast.di.save()
    draft = send(cast.ada, f"{cast.ana.pk},bo.chen")
    assert (pair(draft), errors(draft)) == ((cast.ana.pk, None), {2: ["identifier-of-many"]})
    assert all(f"({user.pk})" in said(draft)[0] for user in (cast.bo, cast.di))
    assert row(draft, 2).problems[0]["suggestion"] is None


def test_a_text_in_the_id_column_and_another_beside_it(cast: Cast, allowed: None) -> None:
    header = "From User ID,To User ID,To Email"
    agreeing = send(cast.ada, f"{cast.ana.pk},bo.chen,bo.chen@example.com", header=header)
    assert (pair(agreeing), errors(agreeing)) == ((cast.ana.pk, cast.bo.pk), {})
    other = send(cast.ada, f"{cast.ana.pk},bo.chen,di.ng@example.com", header=header)
    assert (pair(other), errors(other)) == ((cast.ana.pk, None), {2: ["identifiers-disagree"]})


def test_a_row_of_the_preview_accepts_the_same(cast: Cast, allowed: None) -> None:
    draft = send(cast.ada, f"{cast.ana.pk},7000777")
    actions.fix_row(by=cast.ada, transfer=draft, number=2, to_text="bo.chen@example.com")
    assert (pair(draft), row(draft, 2).to_text, errors(draft)) == (
        (cast.ana.pk, cast.bo.pk),
        str(cast.bo.pk),
        {},
    )
    actions.fix_row(by=cast.ada, transfer=draft, number=2, to_text="nobody@example.com")
    assert errors(draft) == {2: ["id-is-text"]}


def test_an_unreadable_text_stays_unreadable_when_the_row_is_edited(cast: Cast, allowed: None) -> None:
    cast.eli.username = "bò.chen"
    cast.eli.save()
    content = f"From User ID,To User ID\n{cast.ana.pk},bò.chen\n".encode("cp1252")
    draft = actions.upload(by=cast.ada, file_name="a.csv", stream=io.BytesIO(content))
    assert errors(draft) == {2: ["identifier-unreadable"]}
    text = row(draft, 2).to_text
    actions.fix_row(by=cast.ada, transfer=draft, number=2, from_text=str(cast.cy.pk), to_text=text)
    assert (pair(draft), errors(draft)) == ((cast.cy.pk, None), {2: ["id-is-text"]})


def test_pasted_emails_without_column_names(cast: Cast, allowed: None) -> None:
    header, *lines = pasted_file("ana.díaz@example.com\tbo.chen@example.com").decode().split("\n")
    draft = send(cast.ada, *lines, header=header)
    assert (pair(draft), errors(draft)) == ((cast.ana.pk, cast.bo.pk), {})
