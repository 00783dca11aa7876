"""The format of the downloaded people.csv, and its protection against formulas."""

import itertools

import pytest

from spreadsheets.safe_cells import safe_cell, unsafe_cell
from spreadsheets.writer import write_csv
from transfers.people_csv import COLUMNS

RUN_BY_SPREADSHEETS = [
    *("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "\nx", "\0x", "-19", "'-19"),
    *("\u00a0=1", "\u3000@x", "  \n", "\ufeff=1", "＝1", "＋x", "－x", "＠x", "\0=1"),
    *("=cmd|'/c calc'!A0", "'=1", "''=1", "+4712345678", "-", "-1.5", "=", "-١", '"=1'),
]
# Text with a formula behind a separator, and how it is written.
BEHIND_A_SEPARATOR = {
    " =1": "' '=1",
    " - x": "' '- x",
    "' =1": "'' '=1",
    "\t=1": "'\t'=1",
    "A;=1+1;B": "A;'=1+1;B",
    "A|=1+1|B": "A|'=1+1|B",
    "A\t=1+1": "A\t'=1+1",
    "A, +1": "A,' '+1",
    "A =1": "A '=1",
    "A\n=1": "A\n'=1",
    "A\r\n@x": "A\r'\n'@x",
    'A;"=1;B': "A;'\"=1;B",
    "A;'=1": "A;''=1",
    "A;\u200b＝1": "A;'\u200b＝1",
    "A;-": "A;'-",
    "A; - B": "A;' '- B",
}
HARMLESS = [
    "",
    "Ana",
    "a=b",
    "19",
    "0",
    "'Ana",
    "'",
    "O'Neil",
    " Ana",
    "1+1",
    "Zoë",
    "{0}",
    "#N/A",
    "Sales - North",
    "Research & Development + Quality",
    "Nguyễn Thị-Hoa, MSc; 2nd floor | East",
    "ana+test@example.com",
    "Line 1\nLine 2\tx",
    "C++; C#",
    "A '- B",
]


@pytest.mark.parametrize("text", RUN_BY_SPREADSHEETS)
def test_a_formula_gets_an_apostrophe_and_loses_it_again(text: str) -> None:
    assert safe_cell(text) == "'" + text
    assert unsafe_cell("'" + text) == text


@pytest.mark.parametrize(("text", "written"), BEHIND_A_SEPARATOR.items())
def test_a_formula_behind_a_separator_gets_one_too(text: str, written: str) -> None:
    assert safe_cell(text) == written
    assert unsafe_cell(written) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_is_never_changed(text: str) -> None:
    assert safe_cell(text) == text
    assert unsafe_cell(text) == text


@pytest.mark.parametrize("part", [" ", "'", "=", " =", "' ", "\t", ";'"])
def test_the_time_is_linear(part: str) -> None:
    """Quadratic time would take hours for a cell of the largest size that is read."""
    for text in (part * 400_000, f"{part * 400_000}x", f"x{part * 400_000}="):
        assert unsafe_cell(safe_cell(text)) == text


def test_people_csv_is_written_as_spreadsheets_expect() -> None:
    rows = [
        (18, "", "Ana", "Díaz", "=ana", "ana@x.com", "Yes", "East, 1"),
        (-5, None, "", "", "", "", True, 1.5),
    ]
    content = b"".join(write_csv(COLUMNS, rows))
    assert content == (
        b"\xef\xbb\xbfFrom User ID,To User ID,First Name,Last Name,User Name,Email,Active,Team\r\n"
        b'18,,Ana,D\xc3\xadaz,\'=ana,ana@x.com,Yes,"East, 1"\r\n'
        b"-5,,,,,,True,1.5\r\n"
    )


def test_the_bom_comes_before_a_quoted_first_column() -> None:
    assert b"".join(write_csv(["a,b", "c"], [])) == b'\xef\xbb\xbf"a,b",c\r\n'


def test_the_download_streams() -> None:
    chunks = write_csv(COLUMNS, ((n, *[""] * (len(COLUMNS) - 1)) for n in itertools.count(1)))
    assert [len(chunk.splitlines()) for chunk in itertools.islice(chunks, 3)] == [501, 500, 500]


def test_a_lone_surrogate_cannot_break_the_download() -> None:
    assert b"".join(write_csv(["Name"], [["\ud800x"]])).endswith(b"\r\n?x\r\n")
