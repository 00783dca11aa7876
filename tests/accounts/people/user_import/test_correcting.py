"""Rows with errors are said by kind, downloaded, corrected and put back into the file, or left out."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from accounts.people.user_import.correcting import put_back
from accounts.people.user_import.reader import Row
from spreadsheets.problem_kinds import CELL_IS_DATE
from tests.accounts.people.user_import.pages import (
    IMPORT,
    PREVIEW,
    codes,
    confirm,
    download_errors,
    kinds,
    preview,
    send,
)
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.managers import boss, manager, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def tess(cast: Cast) -> Client:
    """The client of Tess, who has uploaded four rows, three of them with errors."""
    client = signed_in(boss(cast))
    send(
        client,
        "zoe.new,Zoë,New,,,Support,,,",
        "a.new,Ann,New,no address,,Support,,,",
        "b.new,Ben,New,neither,,Support,perhaps,,",
        "c.new,Cem,New,,,Nowhere,,,",
    )
    return client


def upload_rows(client: Client, rows: list[dict[str, str]]) -> str:
    """Upload rows as a file and return the next page."""
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    sent = SimpleUploadedFile("fixed.csv", file.getvalue().encode("utf-8-sig"))
    return text(client.post(IMPORT, {"file": sent}, follow=True))


def test_errors_are_grouped_by_kind_with_their_numbers(tess: Client) -> None:
    page = text(preview(tess))
    assert "3 rows have errors. Nothing can be imported yet." in page
    assert "2 rows have an Email that is not an address, such as “" in page
    assert "no address" in page
    assert "Row 5: Your views contain no team called" in page
    for said in ("What to do", "Download rows with errors", "Upload the corrected rows", "Leave out 3 rows"):
        assert said in page
    listed = preview(tess, show="no-email-address").context["lines"]
    assert [line["outcome"].row.number for line in listed] == [3, 4]


def test_the_file_of_errors_says_what_is_wrong(tess: Client) -> None:
    rows = download_errors(tess)
    assert [(row["Row"], row["User Name"], row["Active"]) for row in rows] == [
        ("3", "a.new", ""),
        ("4", "b.new", "perhaps"),
        ("5", "c.new", ""),
    ]
    assert "is not an email address." in rows[0]["Result"]
    assert "Active must be yes or no." in rows[1]["Result"]


def test_corrected_rows_take_their_places(tess: Client) -> None:
    rows = download_errors(tess)
    rows[0]["Email"] = "ann@example.com"
    rows[1] |= {"Email": "", "Active": "no"}
    page = upload_rows(tess, rows)
    assert "The corrected rows took their places in the file." in page
    assert "1 row has an error. Nothing can be imported yet." in page
    assert codes(tess) == {2: [], 3: [], 4: [], 5: ["unknown-team"]}
    rows[2]["Team"] = "Support"
    upload_rows(tess, rows[2:])
    assert set(kinds(tess).values()) == {"created"}
    assert confirm(tess).url == "/users/"
    assert User.objects.get(username="a.new").email == "ann@example.com"
    assert not User.objects.get(username="b.new").is_active
    assert User.objects.filter(username__in=("zoe.new", "c.new")).count() == 2


def test_a_problem_of_a_workbook_cell_names_the_row_of_the_whole_file() -> None:
    date = CELL_IS_DATE(row=2, column="Email", value="2-Oct").to_json()
    rows = put_back([Row(2, {}), Row(7, {})], [Row(2, {"Row": "7", "Email": "2-Oct"}, faults=[date])])
    assert rows is not None
    (fault,) = rows[1].faults
    assert (rows[1].number, fault["row"]) == (7, 7)
    assert fault["sentence"].startswith("Row 7, Email")


@pytest.mark.parametrize("row", ["", "99", "x", "-3", "9" * 30])
def test_a_file_of_other_rows_replaces_the_waiting_one(tess: Client, row: str) -> None:
    page = upload_rows(tess, [{"Row": row, "User Name": "d.new", "Team": "Support"}])
    assert "took their places" not in page
    assert kinds(tess) == {2: "created"}


def test_no_row_is_lost_if_two_have_the_same_number(tess: Client) -> None:
    rows = [{"Row": "3", "User Name": name, "Team": "Support"} for name in ("d.new", "e.new")]
    assert "took their places" not in upload_rows(tess, rows)
    assert kinds(tess) == {2: "created", 3: "created"}


def test_rows_with_errors_are_left_out(tess: Client) -> None:
    page = text(tess.post(f"{PREVIEW}left-out/", follow=True))
    assert "3 rows left out. Nothing has been stored yet." in page
    assert kinds(tess) == {2: "created"}
    assert not User.objects.filter(username="zoe.new").exists()
    confirm(tess)
    assert User.objects.filter(username__endswith=".new").count() == 1


def test_without_a_waiting_file_there_is_nothing_to_correct(cast: Cast) -> None:
    mia = signed_in(manager(cast))
    assert mia.get(f"{IMPORT}errors.csv").url == IMPORT
    assert mia.post(f"{PREVIEW}left-out/", follow=True).status_code == 200
