"""Workbooks as many programs write them: what is read from them, and what they say beyond the text of a cell."""

from collections.abc import Callable

import pytest

from spreadsheets.xlsx.cells import column_of, date_text
from spreadsheets.xlsx.styles import is_date_format
from tests.spreadsheets.books import (
    HEADER,
    STRICT,
    STRICT_OFFICE,
    Parts,
    parse,
    parts,
    relations,
    row,
)
from tests.transfers.people_csv.sheets import codes, pairs
from tests.transfers.people_csv.sheets import parse as parse_csv
from transfers.people_csv.reader import Row

TEXT = '<c r="B2" t="inlineStr"><is>{}</is></c>'
STYLES = (
    '<numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="0 &quot;days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/>'
    '<xf numFmtId="165"/><xf numFmtId="49"/></cellXfs>'
)


def row_with(cell: str, **book: str) -> Row:
    """Return row 2, in which the cell stands under To User ID."""
    (found,) = parse(parts(row(2, "18", cell), **book)).rows
    assert (found.number, found.from_id) == (2, 18)
    return found


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="B2"><v>19</v></c>', "19"),
        ('<c r="B2" t="n"><v> 19 </v></c>', "19"),
        ("<c><v>19</v></c>", "19"),
        (TEXT.format("<t>19</t>"), "19"),
        (TEXT.format("<r><rPr><b/></rPr><t>1</t></r><r><t>9</t></r>"), "19"),
        (TEXT.format('<t>19</t><rPh sb="0" eb="1"><t>55</t></rPh><phoneticPr fontId="1"/>'), "19"),
        (TEXT.format("<t><![CDATA[1]]>9</t>"), "19"),
        (TEXT.format("<t>&#49;9<!-- 5 --></t>"), "19"),
        (TEXT.format("<t>_x0031_9</t>"), "19"),
        ('<c r="B2" t="s"><v>1</v></c>', "19"),
        ('<c r="B2" t="s"><v>2</v></c>', "19"),
        ('<c r="B2" s="4" t="s"><v>1</v></c>', "19"),
        ('<c r="B2" s="1" t="s"><v>1</v></c>', "19"),
        ('<c r="B2" s="3"><v>19</v></c>', "19"),
        ('<c r="B2" t="str"><v>19</v></c>', "19"),
        ('<c r="B2"><v>9007199254740993</v></c>', "9007199254740993"),
    ],
)
def test_an_id_is_read_as_it_is_stored(cell: str, text: str) -> None:
    strings = "<si><t>x</t></si><si><t>19</t></si><si><r><t>1</t></r><r><t>9</t></r><rPh><t>4</t></rPh></si>"
    found = row_with(cell, strings=strings, styles=STYLES)
    assert (found.to_text, found.to_id, found.problems) == (text, int(text), ())


@pytest.mark.parametrize(
    "text", ["1.9E1", "19.000000000000004", "1.9000000000000001E1", "1e+05", "19.5", "-19"]
)
def test_a_number_is_judged_by_the_rules_for_text(text: str) -> None:
    found = row_with(f'<c r="B2"><v>{text}</v></c>')
    (of_csv,) = parse_csv(f"From User ID,To User ID,First Name\n18,{text},\n").rows
    assert found.to_text == text
    assert found == of_csv


@pytest.mark.parametrize(
    ("cell", "code", "text"),
    [
        ('<c r="B2" s="1"><v>43468</v></c>', "cell-is-date", "2019-01-03"),
        ('<c r="B2" s="2"><v>19</v></c>', "cell-is-date", "1900-01-19"),
        ('<c r="B2" s="2"><v>0.5</v></c>', "cell-is-date", "12:00"),
        ('<c r="B2" s="2"><v>99999999</v></c>', "cell-is-date", "date 99999999"),
        ('<c r="B2" t="d"><v>2019-01-03T00:00:00</v></c>', "cell-is-date", "2019-01-03T00:00:00"),
        ('<c r="B2" t="d"><v>19</v></c>', "cell-is-date", "date 19"),
        ('<c r="B2" t="e"><v>#N/A</v></c>', "cell-is-error", "#N/A"),
        ('<c r="B2" t="e"><f>A2/0</f><v>#DIV/0!</v></c>', "cell-is-error", "#DIV/0!"),
        ('<c r="B2" t="e"><v>19</v></c>', "cell-is-error", "#ERROR"),
        ('<c r="B2"><f>A2+1</f></c>', "cell-not-calculated", "=A2+1 → ?"),
        ('<c r="B2"><f>A2+1</f><v/></c>', "cell-not-calculated", "=A2+1 → ?"),
        ('<c r="B2" t="str"><f>A2</f></c>', "cell-not-calculated", "=A2 → ?"),
        ('<c r="B2"><f t="shared" si="0"/></c>', "cell-not-calculated", "= → ?"),
        ('<c r="B2" t="b"><v>1</v></c>', "id-is-truth-value", "TRUE"),
    ],
)
def test_a_cell_that_is_no_id_is_an_error_with_its_reason(cell: str, code: str, text: str) -> None:
    found = row_with(cell, styles=STYLES)
    assert codes(found.problems) == [code]
    assert (found.to_text, found.to_id) == (text, None)
    assert text in found.problems[0].sentence
    assert "Row 2, To User ID:" in found.problems[0].sentence
    assert found.problems[0].severity.blocks


def test_formulas_with_a_result_are_read_and_counted() -> None:
    rows = [row(n, str(n), f'<c r="B{n}"><f>A{n}+50</f><v>{n + 50}</v></c>') for n in range(2, 5)]
    blank = row(5, "5", '<c r="B5" t="str"><f>IF(1,"","")</f><v></v></c>')
    parsed = parse(parts("".join(rows) + blank))
    assert pairs(parsed) == [(2, 2, 52), (3, 3, 53), (4, 4, 54)]
    assert [note.sentence for note in parsed.notes] == [
        "3 cells with a formula: the result stored in the file was read."
    ]


@pytest.mark.parametrize(
    ("area", "wrong"),
    [
        ("B2:B3", [2, 3]),
        ("A4:B4", [4]),
        ("A2:A3", [2]),  # row 3 has no To User ID
        ("C2:C4", []),
        ("A9:B9", []),  # a title without an ID
        ("B1:B1048576", [2, 3, 4]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_merged_id_cells_are_errors_in_each_row(area: str, wrong: list[int], encoding: str) -> None:
    rows = row(2, "18", '<c r="B2"><v>19</v></c>') + row(3, "20", "") + row(4, "21", "")
    title = '<row r="9"><c r="A9" t="inlineStr"><is><t>Support</t></is></c></row>'
    book = parts(rows + title, f'<mergeCells><mergeCell ref="{area}"/></mergeCells>')
    book["xl/worksheets/sheet1.xml"] = str(book["xl/worksheets/sheet1.xml"]).encode(encoding)
    found = parse(book).rows
    assert [each.number for each in found if "cell-is-merged" in codes(each.problems)] == wrong
    assert [each.number for each in found if not each.problems] == ([] if 2 in wrong else [2])


def test_selected_rows_that_are_hidden_are_warned_of() -> None:
    target = '<c r="B{0}"><v>{1}</v></c>'
    parsed = parse(
        parts(
            row(2, "18", target.format(2, 28), ' hidden="1"')
            + row(3, "19", target.format(3, 29))
            + row(4, "20", "", ' hidden="1"')
            + row(5, "21", target.format(5, 31), ' ht="0" customHeight="1"')
        )
    )
    assert [(each.number, codes(each.problems)) for each in parsed.rows] == [
        (2, ["row-is-hidden"]),
        (3, []),
        (5, ["row-is-hidden"]),
    ]
    assert not parsed.rows[0].problems[0].severity.blocks


def test_row_numbers_are_those_of_the_sheet_in_any_order() -> None:
    rows = row(40, "18", '<c r="B40"><v>19</v></c>') + row(7, "20", '<c r="B7"><v>21</v></c>')
    assert sorted(pairs(parse(parts(rows)))) == [(7, 20, 21), (40, 18, 19)]


def test_cells_and_rows_without_addresses_follow_each_other() -> None:
    rows = "<row><c><v>18</v></c><c><v>19</v></c></row><row/><row><c><v>20</v></c><c/><c><v>5</v></c></row>"
    parsed = parse(parts(rows))
    assert pairs(parsed) == [(2, 18, 19)]
    assert parsed.blank == 1


def test_cells_may_come_in_any_order() -> None:
    assert pairs(parse(parts('<row r="2"><c r="B2"><v>19</v></c><c r="A2"><v>18</v></c></row>'))) == [
        (2, 18, 19)
    ]


def test_a_title_above_the_header_does_no_harm() -> None:
    book = parts()
    moved = HEADER.replace('"1"', '"3"').replace("1", "3")
    title = '<row r="1"><c r="A1" t="inlineStr"><is><t>Leavers of May</t></is></c></row>'
    book["xl/worksheets/sheet1.xml"] = str(book["xl/worksheets/sheet1.xml"]).replace(
        HEADER, title + moved + row(4, "18", '<c r="B4"><v>19</v></c>')
    )
    assert pairs(parse(book)) == [(4, 18, 19)]


ONE = row(2, "18", '<c r="B2"><v>19</v></c>')


def utf16(book: Parts) -> Parts:
    return {name: str(content).encode("utf-16") for name, content in book.items()}


def absolute(book: Parts) -> Parts:
    return book | {
        "xl/_rels/workbook.xml.rels": str(book["xl/_rels/workbook.xml.rels"]).replace(
            'Target="', 'Target="/xl/'
        )
    }


def prefixed(book: Parts) -> Parts:
    content = str(book["xl/worksheets/sheet1.xml"])
    for name in ("worksheet", "sheetData", "row", "c", "v", "is", "t"):
        content = content.replace(f"<{name}>", f"<x:{name}>").replace(f"<{name} ", f"<x:{name} ")
        content = content.replace(f"</{name}>", f"</x:{name}>")
    return book | {"xl/worksheets/sheet1.xml": content.replace("xmlns=", "xmlns:x=")}


def elsewhere(book: Parts) -> Parts:
    moved = {name.replace("xl/", "Office/").replace("workbook", "book"): text for name, text in book.items()}
    moved["_rels/.rels"] = relations({"r": ("officeDocument", "/Office/book.xml")})
    return moved | {"xl/unused.xml": ""}


def upper_case(book: Parts) -> Parts:
    return {name.upper() if "sheet1" in name else name: content for name, content in book.items()}


@pytest.mark.parametrize("change", [utf16, absolute, prefixed, elsewhere, upper_case])
def test_other_spellings_of_the_same_workbook(change: Callable[[Parts], Parts]) -> None:
    assert pairs(parse(change(parts(ONE)))) == [(2, 18, 19)]


def test_strict_workbooks() -> None:
    assert pairs(parse(parts(ONE, namespace=STRICT, office=STRICT_OFFICE))) == [(2, 18, 19)]


def test_elements_of_extensions_are_not_cells() -> None:
    ours = '<c r="B2"><v>19</v><extLst><ext xmlns:x="http://example.com/x"><x:v>7</x:v></ext></extLst></c>'
    assert row_with(ours).to_id == 19


def test_dates_count_from_1904_if_the_workbook_says_so() -> None:
    cell = '<c r="B2" s="1"><v>42006</v></c>'
    found = row_with(cell, styles=STYLES, settings='<workbookPr date1904="1"/>')
    assert found.to_text == "2019-01-03"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1", "1900-01-01"),
        ("59", "1900-02-28"),
        ("61", "1900-03-01"),
        ("43468.75", "2019-01-03 18:00"),
        ("0.000011574", "00:00:01"),
        ("2958465", "9999-12-31"),
        ("2958466", "date 2958466"),
        ("-1", "date -1"),
        ("1E5", "date 1E5"),
    ],
)
def test_dates_are_named_as_the_spreadsheet_shows_them(value: str, text: str) -> None:
    assert date_text(value, from_1904=False) == text


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *(
            (code, True)
            for code in ("d/m/yy", "[h]:mm", "[mm]", "mmm", "[$-407]DD.MM.YYYY", "h AM/PM", "0;[Red]s")
        ),
        *(
            (code, False)
            for code in ("General", "0.00", "@", '0 "days"', "0\\d", "[Red]0", "0_d", "*y0", "[$USD]0")
        ),
    ],
)
def test_date_formats(code: str, expected: bool) -> None:
    assert is_date_format(code) is expected


def test_columns() -> None:
    assert [column_of(letters) for letters in ("A", "Z", "AA", "XFD")] == [0, 25, 26, 16_383]
    assert [column_of(letters) for letters in ("", "a", "A1", "$A", "Ä", "A" * 50)] == [-1] * 6


# --- Sheets ----------------------------------------------------------------------------------------------------------


def test_the_visible_sheet_with_both_columns_counts() -> None:
    notes = '<row r="1"><c r="A1" t="inlineStr"><is><t>Remember</t></is></c></row>'
    parsed = parse(
        parts(ONE, more_sheets={"Notes": notes, "Old": HEADER + ONE}, states={"Old": "veryHidden"})
    )
    assert pairs(parsed) == [(2, 18, 19)]
    assert [note.sentence for note in parsed.notes] == ["Only the sheet “Users” was read."]


def test_an_unused_sheet_may_be_the_first() -> None:
    book = parts(ONE, more_sheets={"More": HEADER + ONE}, states={"Users": "hidden"})
    assert pairs(parse(book)) == [(2, 18, 19)]


# --- The same content as CSV -----------------------------------------------------------------------------------------


def test_the_same_content_gives_the_same_rows_as_csv() -> None:
    lines = [
        ("18", "19", "Zoë"),
        ("20", "", "Bo"),
        ("21", "00022", "'=Ana"),
        ("23", "Bo Chen", ""),
        ("24", "1,234", ""),
    ]
    cells = [
        "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' if value else "<c/>" for value in line)
        for line in lines
    ]
    book = parse(parts("".join(f"<row>{line}</row>" for line in cells)))
    csv = parse_csv("From User ID;To User ID;First Name\n" + "\n".join(";".join(line) for line in lines))
    assert book.rows == csv.rows
    assert (book.rows_read, book.blank, book.empty) == (csv.rows_read, csv.blank, csv.empty)
    assert (book.encoding, book.delimiter_word, book.notes) == ("an Excel workbook", "", [])
