"""Users imported from a workbook, and the download of users as one."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from spreadsheets.writer import Table
from tests.accounts.people.user_import.pages import HEADER, IMPORT, codes, confirm, kinds, preview
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.managers import boss
from tests.spreadsheets.books import parts, zipped

COLUMNS = HEADER.split(",")


def send(client: Client, content: bytes) -> Any:
    return client.post(IMPORT, {"file": SimpleUploadedFile("users.xlsx", content)})


def test_users_are_created_from_a_workbook(cast: Cast) -> None:
    tess = signed_in(boss(cast))
    row = ("x.new", "=Zoë", "1E5", "x@example.com", "00123", "Support", "yes", "", "")
    assert send(tess, b"".join(Table(COLUMNS, [row]).xlsx())).status_code == 302
    assert kinds(tess) == {2: "created"}
    confirm(tess)
    user = User.objects.get(username="x.new")
    assert (user.first_name, user.last_name, user.employee_id) == ("=Zoë", "1E5", "00123")


def test_the_downloaded_workbook_changes_nothing(cast: Cast) -> None:
    tess = signed_in(boss(cast))
    answer = tess.get("/users/import/users.csv", {"format": "xlsx"})
    assert answer["Content-Disposition"] == 'attachment; filename="users.xlsx"'
    send(tess, b"".join(answer.streaming_content))
    assert set(kinds(tess).values()) == {"unchanged"}


def test_dates_errors_and_merged_cells_are_errors_of_their_rows(cast: Cast) -> None:
    tess = signed_in(boss(cast))
    names = ("User Name", "First Name", "Employee ID")
    header = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in names)
    rows = [
        '<c t="inlineStr"><is><t>a</t></is></c><c/><c s="1"><v>43468</v></c>',
        '<c t="inlineStr"><is><t>b</t></is></c><c t="e"><v>#REF!</v></c>',
        '<c t="inlineStr"><is><t>c</t></is></c><c t="inlineStr"><is><t>C</t></is></c>',
    ]
    hidden = '<row r="5" hidden="1"><c t="inlineStr"><is><t>d</t></is></c></row>'
    book = parts(styles='<cellXfs><xf/><xf numFmtId="14"/></cellXfs>')
    content = f"<row>{header}</row>" + "".join(f"<row>{cells}</row>" for cells in rows) + hidden
    merged = '<mergeCells><mergeCell ref="B4:C4"/></mergeCells>'
    book["xl/worksheets/sheet1.xml"] = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{content}</sheetData>{merged}</worksheet>"
    )
    assert send(tess, zipped(book)).status_code == 302
    assert {number: set(found) - {"team-needed"} for number, found in codes(tess).items()} == {
        2: {"cell-is-date"},
        3: {"cell-is-error"},
        4: {"cell-is-merged"},
        5: set(),
    }
    page = preview(tess).content.decode()
    assert "1 row hidden in the sheet" in page
    assert "a spreadsheet had turned it into" not in page, "the cell that is a date has an error already"
