"""Workbooks that are refused, each with what is wrong and what to do."""

import io
import zipfile

import pytest

from tests.spreadsheets.books import (
    HEADER,
    SHEET,
    Parts,
    parse,
    parts,
    relations,
    row,
    sheet,
    zipped,
)
from tests.transfers.people_csv.sheets import rejection

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
ONE = row(2, "18", '<c r="B2"><v>19</v></c>')
DTD = '<!DOCTYPE w [<!ENTITY a "19">]>'


def changed(name: str, old: str, new: str) -> Parts:
    book = parts(ONE)
    assert old in str(book[name])
    return book | {name: str(book[name]).replace(old, new)}


def without(name: str) -> Parts:
    book = parts(ONE, strings="<si><t>x</t></si>", styles="")
    del book[name]
    return book


def doubled() -> bytes:
    target = io.BytesIO(zipped(parts(ONE)))
    with zipfile.ZipFile(target, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(SHEET, sheet(HEADER + row(2, "18", '<c r="B2"><v>99</v></c>')))
    return target.getvalue()


def oddly_compressed(method: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in parts(ONE).items():
            archive.writestr(name, content)
    return target.getvalue()


REFUSED = {
    "xls": (OLE, "old-excel-workbook", "save it as .xlsx or as CSV"),
    "password": (OLE + "EncryptedPackage".encode("utf-16-le"), "workbook-with-password", "Protect Workbook"),
    "xlsb": (
        zipped(
            {
                "_rels/.rels": relations({"r": ("officeDocument", "xl/workbook.bin")}),
                "xl/workbook.bin": b"\x83",
            }
        ),
        "binary-workbook",
        "save it as .xlsx",
    ),
    "nested": (zipped({"a.xlsx": zipped(parts(ONE)), "xl/b.xlsx": zipped(parts(ONE))}), "archive", "Extract"),
    "two sheets": (zipped(parts(ONE, more_sheets={"More": HEADER})), "several-sheets", "Delete or hide"),
    "all hidden": (zipped(parts(ONE, states={"Users": "hidden"})), "damaged-workbook", ""),
    "no header": (zipped(changed(SHEET, HEADER, "")), "header-missing", "row 1"),
    "one column": (zipped(changed(SHEET, "To User ID", "Target")), "column-not-found", "To User ID"),
    "column twice": (zipped(changed(SHEET, "First Name", "To User ID")), "column-twice", "Keep one"),
    "empty": (zipped(changed(SHEET, HEADER + ONE, "")), "empty-file", "Download the list of users again"),
    "no users": (zipped(parts()), "no-users", "Download the list of users again"),
    "entities": (zipped(changed(SHEET, "<worksheet", f"{DTD}<worksheet")), "damaged-workbook", ""),
    "entities in the workbook": (
        zipped(changed("xl/workbook.xml", "<workbook", f"{DTD}<workbook")),
        "damaged-workbook",
        "",
    ),
    "other encoding": (
        zipped(changed(SHEET, "<worksheet", '<?xml version="1.0" encoding="cp1252"?><worksheet')),
        "damaged-workbook",
        "",
    ),
    "row twice": (zipped(parts(ONE + ONE)), "damaged-workbook", ""),
    "row 0": (zipped(changed(SHEET, '<row r="2">', '<row r="0">')), "damaged-workbook", ""),
    "row too far": (zipped(changed(SHEET, '<row r="2">', '<row r="1048577">')), "damaged-workbook", ""),
    "cell of another row": (zipped(changed(SHEET, '"B2"', '"B3"')), "damaged-workbook", ""),
    "cell twice": (zipped(changed(SHEET, '"A2"', '"B2"')), "damaged-workbook", ""),
    "column too far": (zipped(changed(SHEET, '"B2"', '"XFE2"')), "damaged-workbook", ""),
    "string too far": (zipped(changed(SHEET, 'r="B2"', 'r="B2" t="s"')), "damaged-workbook", ""),
    "negative string": (zipped(changed(SHEET, 'r="B2"><v>', 'r="B2" t="s"><v>-')), "damaged-workbook", ""),
    "unknown type": (zipped(changed(SHEET, 'r="B2"', 'r="B2" t="x"')), "damaged-workbook", ""),
    "unknown style": (zipped(parts(ONE.replace('"B2"', '"B2" s="9"'), styles="")), "damaged-workbook", ""),
    "bad merge": (
        zipped(changed(SHEET, "</sheetData>", '</sheetData><mergeCell ref="B3:B2"/>')),
        "damaged-workbook",
        "",
    ),
    "not closed": (zipped(changed(SHEET, "</worksheet>", "")), "damaged-workbook", ""),
    "no sheet": (zipped(without(SHEET)), "damaged-workbook", ""),
    "no strings": (zipped(without("xl/sharedStrings.xml")), "damaged-workbook", ""),
    "no styles": (zipped(without("xl/styles.xml")), "damaged-workbook", ""),
    "sheet twice": (doubled(), "damaged-workbook", ""),
    "two workbooks": (
        zipped(
            parts(ONE)
            | {
                "_rels/.rels": relations(
                    {"a": ("officeDocument", "xl/workbook.xml"), "b": ("officeDocument", "xl/workbook2.xml")}
                )
            }
        ),
        "archive",
        "Extract",
    ),
    "a presentation": (
        zipped(parts(ONE) | {"xl/workbook.xml": "<presentation/>"}),
        "archive",
        "Extract",
    ),
    "bz2": (oddly_compressed(zipfile.ZIP_BZIP2), "damaged-workbook", ""),
    "lzma": (oddly_compressed(zipfile.ZIP_LZMA), "damaged-workbook", ""),
}


@pytest.mark.parametrize(("content", "code", "words"), REFUSED.values(), ids=REFUSED)
def test_a_workbook_is_refused_with_the_next_step(content: bytes, code: str, words: str) -> None:
    problem = rejection(content)
    assert problem.code == code
    assert words in problem.sentence + problem.remedy
    assert problem.remedy


def test_two_sheets_are_refused_by_name() -> None:
    problem = rejection(zipped(parts(ONE, more_sheets={"Mai": HEADER})))
    assert problem.sentence == "More than one sheet has the columns that are read: “Users”, “Mai”."


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../../evil", "C:\\x", "a/" * 500, "xl/", "\\xl\\workbook.xml"]
)
def test_names_of_other_members_are_never_used(name: str) -> None:
    assert [found.to_id for found in parse(parts(ONE) | {name: "x"}).rows] == [19]
