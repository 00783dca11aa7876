"""Workbooks that are downloaded: text stays text, and reading one gives what was written."""

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from spreadsheets.writer import Table
from spreadsheets.xlsx.writer import write_xlsx
from transfers.people_csv import COLUMNS, read

FORMULAS = [
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "{=1}",
    "'=1",
    "https://example.com",
    "A;=1+1;B",
    "_x0041_",
    "1E5",
]
SHEET = "xl/worksheets/sheet1.xml"


def people(*rows: tuple[object, ...]) -> bytes:
    return b"".join(Table(COLUMNS, rows).xlsx())


def part(content: bytes, name: str = SHEET) -> str:
    return zipfile.ZipFile(io.BytesIO(content)).read(name).decode()


def user(number: int, target: object, text: str) -> tuple[object, ...]:
    return number, target, text, text, text, text, "Yes", text


@pytest.mark.parametrize("text", [*FORMULAS, "Zoë", "東京", "a\rb", " x ", "x" * 5000, "\x01"])
def test_text_is_read_as_it_was_written(text: str) -> None:
    (row,) = read(io.BytesIO(people(user(18, 19, text)))).rows
    assert (row.from_id, row.to_id, row.problems) == (18, 19, ())
    assert (row.first_name, row.last_name, row.user_name, row.email) == (text,) * 4


def test_no_cell_is_a_formula_a_link_or_a_guessed_number() -> None:
    sheet = part(people(*(user(number, "", text) for number, text in enumerate(FORMULAS, 1))))
    assert "<f" not in sheet
    assert "hyperlink" not in sheet
    texts = re.findall(r'<c r="([B-H][0-9]+)"([^>]*)', sheet)
    assert len(texts) == 7 * (len(FORMULAS) + 1)
    assert all('t="inlineStr"' in attributes or cell[0] == "B" for cell, attributes in texts)


def test_to_user_id_is_formatted_as_text_and_the_header_is_frozen_with_filters() -> None:
    content = people(user(18, "", "Ana"), user(19, 20, "Bo"))
    sheet, styles = part(content), part(content, "xl/styles.xml")
    formats = re.findall(r'<xf numFmtId="(\d+)"', styles.partition("<cellXfs")[2])
    assert {formats[int(style)] for style in re.findall(r'<c r="B[0-9]+" s="(\d+)"', sheet)} == {"49"}
    (column,) = re.findall(r'<col min="1" max="8"[^>]* style="(\d+)"', sheet)
    assert formats[int(column)] == "49"
    assert 'ySplit="1"' in sheet
    assert 'state="frozen"' in sheet
    assert '<autoFilter ref="A1:H3"/>' in sheet


def test_long_ids_survive_as_text() -> None:
    numbers = [19, 10**15 - 1, 10**15, 2**53 + 1, 2**63 - 1]
    content = people(*(user(number, number - 1, "") for number in numbers))
    assert [(row.from_id, row.to_id) for row in read(io.BytesIO(content)).rows] == [
        (number, number - 1) for number in numbers
    ]
    assert "<is><t>9223372036854775807</t></is>" in part(content)
    assert "<v>999999999999999</v>" in part(content)


def test_an_unchanged_workbook_selects_no_users() -> None:
    parsed = read(io.BytesIO(people(user(18, "", "Ana"), user(19, None, "Bo"))))
    assert (parsed.rows, parsed.blank) == ([], 2)


def test_a_lone_surrogate_cannot_break_the_download() -> None:
    assert read(io.BytesIO(people(user(18, 19, "\ud800x")))).rows[0].first_name == "?x"


def test_a_table_too_long_for_a_sheet_goes_on_in_another() -> None:
    content = b"".join(write_xlsx(["Name"], ([f"row {n}"] for n in range(1, 6)), last_row=3))
    sheets = [part(content, f"xl/worksheets/sheet{n}.xml") for n in (1, 2, 3)]
    assert [re.findall(r"row \d", sheet) for sheet in sheets] == [
        ["row 1", "row 2"],
        ["row 3", "row 4"],
        ["row 5"],
    ]
    assert all("Name" in sheet for sheet in sheets)


def test_no_temporary_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def failing() -> Iterator[list[str]]:
        yield ["one"]
        raise LookupError

    with pytest.raises(LookupError):
        write_xlsx(["Name"], failing())
    chunks = write_xlsx(["Name"], [["one"]])
    assert next(chunks).startswith(b"PK")
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys, tempfile
from spreadsheets.xlsx.writer import write_xlsx
tempfile.tempdir = sys.argv[1]

def rows():
    yield from ([f"Ana {number}"] for number in range(10_000))
    os.kill(os.getpid(), signal.SIGKILL)

write_xlsx(["Name"], rows())
"""


def test_what_a_killed_process_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=settings.BASE_DIR, check=False)
    assert len(list(tmp_path.iterdir())) == 1
    in_use = tmp_path / f"transfer-workbook-{os.getpid()}-abc"
    in_use.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    write_xlsx(["Name"], [["one"]])
    assert list(tmp_path.iterdir()) == [in_use]


FULL = """
import resource
from spreadsheets.xlsx.writer import TemporaryFilesFailed, write_xlsx
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    write_xlsx(["Name"], [["Ana"]] * 1000)
except TemporaryFilesFailed as error:
    print("refused:", error.strerror)
"""


@pytest.mark.parametrize("limit", [0, 500, 3000])
def test_a_disk_without_room_for_the_workbook_is_one_error(limit: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL.format(limit=limit)],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(
        "refused: " if limit else "refused: No usable temporary directory found in "
    )
    assert done.stderr == ""
