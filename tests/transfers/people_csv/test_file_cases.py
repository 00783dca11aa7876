"""The numbered cases of docs/csv-cases.md about the whole file, which is rejected or accepted with notes."""

import hashlib
import io
import zipfile
from typing import BinaryIO, cast

import pytest

from spreadsheets.intake import MAX_BYTES
from spreadsheets.problem_kinds import NO_FILE
from spreadsheets.records import MAX_LINES
from spreadsheets.rejection import FileRejected
from tests.transfers.people_csv.sheets import HEADER, SHORT_HEADER, codes, pairs, parse, rejection
from transfers.people_csv import PEOPLE_CSV, read
from wording.problems import Severity


def zipped(*names: str, content: str = "") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return target.getvalue()


ODS = zipped("mimetype", content="application/vnd.oasis.opendocument.spreadsheet")

REJECTED = [
    ("2", b"", "empty-file", "This file is empty."),
    ("2-bom", b"\xef\xbb\xbf", "empty-file", "This file is empty."),
    ("2-blank-lines", "\r\n , \r\n", "empty-file", "This file is empty."),
    ("3", HEADER, "no-users", "There are column names but no users."),
    ("3-empty-rows", HEADER + ",,,\r\n" * 3, "no-users", "There are column names but no users."),
    ("5", b"x" * (MAX_BYTES + 1), "file-too-large", "The file is larger than 25 MB."),
    ("6", SHORT_HEADER + "18,\r\n" * MAX_LINES, "too-many-lines", "There are more than 200,000 lines"),
    ("8-no-parts", zipped("[Content_Types].xml", "xl/workbook.xml"), "archive", "a zip"),
    ("8-cut", zipped("[Content_Types].xml", "xl/workbook.xml")[:-30], "damaged-workbook", "cut off"),
    ("9-xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old-excel-workbook", "old .xls format"),
    ("9-ods", ODS, "other-file-type", "an OpenDocument spreadsheet"),
    ("9-numbers", zipped("Index/Document.iwa"), "other-file-type", "a Numbers document"),
    ("9-pdf", b"%PDF-1.7\n%\xe2\xe3", "other-file-type", "This is a PDF file, not a CSV"),
    ("9-png", b"\x89PNG\r\n\x1a\n" + bytes(50), "other-file-type", "a PNG image"),
    ("9-html", "\n <!DOCTYPE html><title>Sign in</title>", "web-page", "This is a web page"),
    ("9-html-bom", "\ufeff<html><body>Sign in", "web-page", "This is a web page"),
    ("9-parquet", b"PAR1\x15\x04", "other-file-type", "a Parquet file"),
    ("9-json", '\n[{"From User ID": 18}]', "other-file-type", "a JSON file"),
    ("9-html-table", "<html><td>From User ID</td>", "other-file-type", "a table in HTML"),
    ("9-xml", '<?xml version="1.0"?><Workbook>', "other-file-type", "an XML file"),
    ("10-zip", zipped("people.csv", content=SHORT_HEADER), "archive", "a zip"),
    ("10-gz", b"\x1f\x8b\x08\x00" + bytes(20), "archive", "a gz archive"),
    ("12-cut", "From User ID\tTo User ID\n18\t19\n".encode("utf-16")[:-1], "unreadable-text", "cut off"),
    ("17", "From User ID|To User ID|X\n18|19|x\n", "columns-not-found", "Found: “From User ID|To User ID|X”"),
    ("17-nothing", "hello\nworld\n", "columns-not-found", "Found: “hello”"),
    ("18", "18,19,Ana,Díaz\n20,,Bo,Chen\n", "header-missing", "The first row must hold the column names."),
    ("18-email", "Ana;;ana@example.com\n", "header-missing", "The first row must hold the column names."),
    (
        "20",
        "From User ID,Target\n18,19\n",
        "column-not-found",
        "Column To User ID was not found. Columns that",
    ),
    ("20-listed", "From User ID,Target\n18,19\n", "column-not-found", "were found: From User ID, Target."),
    ("20-translated", "Von,An User ID\n18,19\n", "columns-not-found", "Found: “Von, An User ID”"),
    ("20-from", "Source;To User ID\n18;19\n", "column-not-found", "Column From User ID was not found."),
    (
        "21-twice",
        "From User ID,To User ID,TO_USER_ID\n18,19,20\n",
        "column-twice",
        "To User ID was found more than once",
    ),
    (
        "23",
        SHORT_HEADER + '18,19\r\n18,"19\r\n20,21\r\n',
        "unclosed-quote",
        "opened in row 3 is never closed",
    ),
    ("23-last", SHORT_HEADER + '18,"19', "unclosed-quote", "opened in row 2 is never closed"),
    ("23-next", HEADER + '18,19,"Ana,D\n20,21,"Bo",C\n', "unclosed-quote", "opened in row 2 is never closed"),
    ("23-long", SHORT_HEADER + '1,"2\r\n' + "3,4\r\n" * 50_000, "unclosed-quote", "opened in row 2 is"),
    ("23-header", '"From User ID,To User ID\n18,19\n', "unclosed-quote", "opened in row 1 is never closed"),
    ("23-stray", SHORT_HEADER + '18,19\r\n18,"19"x\r\n', "stray-quote", "Row 3 has text after"),
    (
        "21-header-again",
        "From User ID,To User ID\n18,19\nTo User ID,From User ID\n21,20\n",
        "header-again",
        "Row 3 repeats the column names in another order",
    ),
    ("26", "From User ID,To User ID,X;\n18,,a;19\n", "typed-beside-data", "The IDs stand beside the data"),
    ("26-quoted", '"From User ID,To User ID,X",\n"18,,a",19\n', "typed-beside-data", "The IDs stand beside"),
    (
        "26-quotes-inside",
        'From User ID,To User ID,X;\n"18,,""a""";19\n',
        "typed-beside-data",
        "The IDs stand",
    ),
    (
        "23-swallow",
        HEADER + '1,,"A\n2,9,B\n3,9,C",,,,,\n',
        "rows-in-cell",
        "A cell in row 2 holds whole rows",
    ),
    ("23-partner", HEADER + '1,,"A\n2,9,B",C,b,b@x.com,Yes,T\n', "rows-in-cell", "row 2 holds whole rows"),
    ("6-no-line-ends", SHORT_HEADER + "18," * 900_000, "row-too-large", "Row 2 is far larger"),
    ("6-huge-cell", SHORT_HEADER + "18," + "9" * 200_000, "row-too-large", "Row 2 is far larger"),
]


@pytest.mark.parametrize(
    ("content", "code", "words"), [case[1:] for case in REJECTED], ids=[c[0] for c in REJECTED]
)
def test_file_is_rejected_with_the_reason_and_the_next_step(
    content: str | bytes, code: str, words: str
) -> None:
    problem = rejection(content)
    assert (problem.code, problem.severity) == (code, Severity.REJECT)
    assert words in problem.sentence
    assert problem.remedy


def test_case_1_no_file_was_chosen() -> None:
    remedy = NO_FILE(choose=PEOPLE_CSV.choose).remedy
    assert remedy == "Choose the people.csv or people.xlsx file you edited, then upload it."


def test_case_5_reading_stops_at_the_limit() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return b"," * size

    stream = Endless()
    with pytest.raises(FileRejected, match="larger than 25 MB"):
        read(cast(BinaryIO, stream))
    assert stream.given < MAX_BYTES + 100_000


def test_case_5_and_6_the_limits_themselves_are_accepted() -> None:
    parsed = parse(SHORT_HEADER + "18,19\r\n" * (MAX_LINES - 1))
    assert len(parsed.rows) == parsed.rows_read == MAX_LINES - 1
    body = SHORT_HEADER.encode() + b"18,19\r\n"
    filler = b'"' + b" " * 50_000 + b'",\r\n'
    full = body + filler * ((MAX_BYTES - len(body)) // len(filler))
    assert parse(full + b" " * (MAX_BYTES - len(full))).rows_read == 1


UTF16 = "From User ID\tTo User ID\r\n18\t19\r\n"
ACCEPTED = [
    ("4", SHORT_HEADER + "18,\r\n20,\r\n", ["No users selected."]),
    ("11", b"\xef\xbb\xbf" + SHORT_HEADER.encode() + b"18,19\r\n", []),
    ("11-no-bom", SHORT_HEADER + "18,19\r\n", []),
    ("11-quoted", '\ufeff"A,B",From User ID,To User ID\n1,18,19\n', ["Columns that are not used: A,B."]),
    ("12-le", b"\xff\xfe" + UTF16.encode("utf-16-le"), ["Read as UTF-16, tab-separated."]),
    ("12-be", b"\xfe\xff" + UTF16.encode("utf-16-be"), ["Read as UTF-16, tab-separated."]),
    ("12-no-bom", UTF16.encode("utf-16-le"), ["Read as UTF-16, tab-separated."]),
    ("12-utf-32", UTF16.encode("utf-32"), ["Read as UTF-32, tab-separated."]),
    (
        "13",
        (HEADER + "18,19,Zoë,Díaz\r\n").encode("cp1252"),
        ["The file is not UTF-8, so letters"],
    ),
    (
        "13-mac",
        (HEADER + "18,19,Zoë,Åse\r\n").encode("mac-roman"),
        ["The file is not UTF-8, so letters"],
    ),
    (
        "13-undefined",
        HEADER.encode() + b"18,19,\x81\x8d\x8f\x90\x9d\r\n",
        ["The file is not UTF-8, so letters"],
    ),
    (
        "13-mixed",
        b"\xef\xbb\xbf" + HEADER.encode() + b"18,19,Zo\xeb\r\n",
        ["The file is not UTF-8, so letters"],
    ),
    ("14", "From User ID;To User ID\n18;19\n", ["Read as semicolon-separated."]),
    ("14-quoted", '"From User ID";"To User ID"\n"18";"19"\n', ["Read as semicolon-separated."]),
    ("14-sep", "sep=;\r\nFrom User ID;To User ID\r\n18;19\r\n", ["Read as semicolon-separated."]),
    ("15", "From User ID\tTo User ID\n18\t19\n", ["Read as tab-separated."]),
    ("26-nothing-typed", "From User ID,To User ID,Team;\n18,,a;\n", ["No users selected."]),
    ("19", "from user id ,TO_USER_ID\n18,19\n", []),
    ("19-nbsp", "From\u00a0User\u00a0ID,\u00a0ToUserId\n18,19\n", []),
    ("19-line-break", '"From\nUser ID",To User ID\n18,19\n', []),
    ("21-ordered", "Team,To User ID,Email,From User ID,Result\nEast,19,a@x.com,18,Ready\n", []),
    (
        "21-extra",
        "From User ID,Cost,To User ID,Grade\n18,1,19,2\n",
        ["Columns that are not used: Cost, Grade."],
    ),
    ("22", SHORT_HEADER + "18,19\r\n" + "\r\n" * 400 + ",,,,\r\n" * 500, ["900 empty rows skipped."]),
    ("22-one", SHORT_HEADER + "18,19\r\n , \u00a0\r\n", ["1 empty row skipped."]),
    ("24-cr", "From User ID,To User ID\r18,19\r", []),
    ("24-mixed", "From User ID,To User ID\n18,19\r\n20,\r", []),
    ("24-nul", HEADER + "18,19,A\0na\r\n", []),
]


@pytest.mark.parametrize(("content", "notes"), [case[1:] for case in ACCEPTED], ids=[c[0] for c in ACCEPTED])
def test_file_is_accepted_with_notes(content: str | bytes, notes: list[str]) -> None:
    parsed = parse(content)
    assert pairs(parsed) == ([] if "No users selected." in notes else [(2, 18, 19)])
    assert len(parsed.notes) == len(notes)
    for note, words in zip(parsed.notes, notes, strict=True):
        assert note.severity == Severity.NOTE
        assert note.sentence.startswith(words)
    assert [row.problems for row in parsed.rows] == [()] * len(parsed.rows)


def test_case_7_all_selected_rows_are_kept() -> None:
    assert len(parse(SHORT_HEADER + "18,19\r\n" * 2_001).rows) == 2_001


def test_the_summary_counts_every_row_once() -> None:
    parsed = parse(SHORT_HEADER + "18,19\r\n20,\r\n,\r\n,21\r\n22,'\r\n23\r\n")
    assert (parsed.rows_read, parsed.blank, len(parsed.rows), parsed.empty) == (5, 2, 3, 1)
    assert (parsed.encoding, parsed.delimiter, parsed.delimiter_word) == ("UTF-8", ",", "comma")


def test_the_hash_is_of_the_bytes_as_uploaded() -> None:
    content = b"sep=,\n" + SHORT_HEADER.encode() + b"18,19\n"
    assert parse(content).sha256 == hashlib.sha256(content).hexdigest()


SHAPES = [
    ("16", HEADER + "18,19\r\n57\r\n", [(2, []), (3, ["Row 3 ends before the To User ID column."])]),
    (
        "16-from",
        "To User ID,X,From User ID\n19\n\n,\n",
        [(2, ["Row 2 ends before the From User ID column."])],
    ),
    ("16-trailing", HEADER + "18,19,Ana\r\n", [(2, [])]),
    (
        "16-both",
        "First Name,From User ID,To User ID\nAna\n",
        [(2, ["Row 2 ends before the From User ID column."])],
    ),
    (
        "28-unquoted",
        SHORT_HEADER + "1,234,19\n",
        [(2, ["Row 2 has 3 cells but the header has 2, so its cells"])],
    ),
    ("22-beyond", SHORT_HEADER + "18,19, ,,\n", [(2, [])]),
]


@pytest.mark.parametrize(("content", "expected"), [case[1:] for case in SHAPES], ids=[c[0] for c in SHAPES])
def test_rows_of_the_wrong_length(content: str, expected: list[tuple[int, list[str]]]) -> None:
    rows = parse(content).rows
    assert [row.number for row in rows] == [number for number, _ in expected]
    for row, (_, sentences) in zip(rows, expected, strict=True):
        assert len(row.problems) == len(sentences)
        for problem, sentence in zip(row.problems, sentences, strict=True):
            assert problem.sentence.startswith(sentence)
            assert problem.severity == Severity.ERROR


def test_case_24_line_breaks_in_names_do_not_shift_row_numbers() -> None:
    parsed = parse(HEADER + '18,,"Ana\r\nMaría",D\r\n20,21,"Bo\n\rX\n",C\r\n\r\n22,23\r\n')
    assert [row.number for row in parsed.rows] == [3, 5]
    assert parsed.rows[0].first_name == "Bo\n\rX\n"


@pytest.mark.parametrize("above", ["#TYPE System.Object", "Table 1,,", "\ufeff#TYPE x"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_line_above_the_header_is_skipped_with_a_note(above: str, encoding: str) -> None:
    parsed = parse(f"{above}\r\n{SHORT_HEADER}18,19\r\n".encode(encoding))
    assert pairs(parsed) == [(3, 18, 19)]
    assert "1 row above the column names skipped" in " ".join(note.sentence for note in parsed.notes)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_a_separator_line_is_hidden_in_any_encoding(encoding: str) -> None:
    assert pairs(parse("sep=;\r\nFrom User ID;To User ID;Zoë\r\n18;19;é\r\n".encode(encoding))) == [
        (2, 18, 19)
    ]


def test_a_repeated_header_and_dashes_are_skipped_with_a_note() -> None:
    parsed = parse(SHORT_HEADER + "------------,----------\n18,19\n" + SHORT_HEADER + "20,21\n")
    assert pairs(parsed) == [(3, 18, 19), (5, 20, 21)]
    assert [note.sentence for note in parsed.notes] == [
        "A line of dashes skipped in row 2.",
        "Repeated column names skipped in row 4.",
    ]


def test_6000_words_for_empty_are_blank_cells() -> None:
    parsed = parse(SHORT_HEADER + "18,19\n" + "".join(f"{n},NULL\n" for n in range(100, 6_100)))
    assert (parsed.rows_read, parsed.blank, len(parsed.rows)) == (6_001, 6_000, 1)
    assert [note.sentence for note in parsed.notes] == ["6,000 cells with NULL were read as blank."]


def test_the_word_for_empty_is_blank_in_names_too() -> None:
    rows = parse(HEADER + "18,19,NULL,Díaz\n20,NULL,Bo,Chen\n").rows
    assert [(row.first_name, row.last_name) for row in rows] == [("", "Díaz")]
    assert parse(HEADER + "18,19,NULL,Díaz\n").rows[0].first_name == "NULL"


def test_text_is_read_from_formulas_that_force_it() -> None:
    row = parse('="From User ID",="To User ID",="First Name"\n="18",="19",="Ana"\n').rows[0]
    assert (row.from_id, row.to_id, row.first_name) == (18, 19, "Ana")
    assert codes(row.problems) == ["id-read-as", "id-read-as"]


SHIFTED = [
    ("05", "From User ID,To User ID,Remark\n16,2,000,\n", [2]),
    ("05-full", HEADER + "16,2,000,Ana,D,u,e,Yes,\n20,60,Bo,C,v,f,Yes,East\n", [2]),
    ("05-source", "From User ID,To User ID,Remark\n1,234,60,\n", [2]),
    ("05-no-team", HEADER + "16,60,Ana,D,u,e,Yes,\n20,61,Bo,C,v,f,Yes\n", []),
    ("05-every-row", SHORT_HEADER + "16,60,\n20,61,\n", []),
    ("05-one-row", SHORT_HEADER + "16,60\n20,61\n23,62,\n29,\n", [4]),
    ("05-padded-block", SHORT_HEADER + "16,\n" * 50 + "18,19,,\n" * 16, []),
]


@pytest.mark.parametrize(("content", "numbers"), [case[1:] for case in SHIFTED], ids=[c[0] for c in SHIFTED])
def test_a_row_longer_than_the_header_and_the_other_rows_is_shifted(content: str, numbers: list[int]) -> None:
    rows = [row for row in parse(content).rows if "long-row" in codes(row.problems)]
    assert [row.number for row in rows] == numbers
    assert not any(row.first_name for row in rows)


@pytest.mark.parametrize(
    "text", ["(10 rows affected)", "(2 rows)", "Total,,", "Grand total,63,", "Printed 19 January"]
)
def test_a_row_that_is_no_user_has_one_problem(text: str) -> None:
    parsed = parse("From User ID,To User ID,X\n18,19,a\n" + text + "\n")
    problems = [row.problems for row in parsed.rows[1:]]
    assert [codes(found) for found in problems] in ([["row-without-user"]], [])
    assert parsed.blank == (not problems)


def test_rows_above_the_header_count_as_spreadsheet_rows() -> None:
    parsed = parse("\r\n,\r\n" + SHORT_HEADER + "18,19\r\n")
    assert pairs(parsed) == [(4, 18, 19)]
    assert codes(parsed.notes) == ["empty-rows"]


def test_names_are_kept_for_the_checksum() -> None:
    row = parse("Email,Last Name,To User ID,From User ID,User Name\na@x.com,Díaz,19,18,'=ana\n").rows[0]
    assert (row.first_name, row.last_name, row.user_name, row.email) == ("", "Díaz", "=ana", "a@x.com")
