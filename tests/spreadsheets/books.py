"""Helpers that build small workbooks part by part, as different programs write them, and read them."""

import io
import zipfile
from collections.abc import Mapping

from spreadsheets.rejection import FileRejected
from spreadsheets.xlsx.workbook import ROOT_RELATIONS
from transfers.people_csv import ParsedFile, read

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
SHEET = "xl/worksheets/sheet1.xml"
HEADER = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>From User ID</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>To User ID</t></is></c>'
    '<c r="C1" t="inlineStr"><is><t>First Name</t></is></c></row>'
)
Parts = dict[str, str | bytes]


def sheet(rows: str, after: str = "", *, namespace: str = MAIN) -> str:
    return f'<worksheet xmlns="{namespace}"><sheetData>{rows}</sheetData>{after}</worksheet>'


def relations(targets: Mapping[str, tuple[str, str]], office: str = OFFICE) -> str:
    """`targets` maps ids to the kind and the address of what they point to."""
    listed = "".join(
        f'<Relationship Id="{key}" Type="{office}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{PACKAGE}">{listed}</Relationships>'


def parts(
    rows: str = "",
    after: str = "",
    *,
    more_sheets: Mapping[str, str] | None = None,
    states: Mapping[str, str] | None = None,
    namespace: str = MAIN,
    office: str = OFFICE,
    settings: str = "",
    strings: str | None = None,
    styles: str | None = None,
) -> Parts:
    """Return the parts of a workbook with the sheet "Users", which holds the header and the rows.

    `more_sheets` maps names of further sheets to their rows, and `states` names of sheets to their visibility.
    """
    contents = {"Users": HEADER + rows, **(more_sheets or {})}
    targets = {f"rId{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(contents) + 1)}
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" state="{(states or {}).get(name, "visible")}" r:id="rId{n}"/>'
        for n, name in enumerate(contents, 1)
    )
    found: Parts = {
        ROOT_RELATIONS: relations({"rId1": ("officeDocument", "xl/workbook.xml")}, office),
        "xl/workbook.xml": f'<workbook xmlns="{namespace}" xmlns:r="{office}">{settings}'
        f"<sheets>{listed}</sheets></workbook>",
    }
    for n, content in enumerate(contents.values(), 1):
        found[f"xl/worksheets/sheet{n}.xml"] = sheet(content, after if n == 1 else "", namespace=namespace)
    if strings is not None:
        targets["strings"] = "sharedStrings", "sharedStrings.xml"
        found["xl/sharedStrings.xml"] = f'<sst xmlns="{namespace}">{strings}</sst>'
    if styles is not None:
        targets["styles"] = "styles", "styles.xml"
        found["xl/styles.xml"] = f'<styleSheet xmlns="{namespace}">{styles}</styleSheet>'
    found["xl/_rels/workbook.xml.rels"] = relations(targets, office)
    return found


def zipped(contents: Mapping[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return target.getvalue()


def row(number: int, source: str, target: str, attributes: str = "") -> str:
    """Return a row with a number under From User ID and the given cell under To User ID."""
    return f'<row r="{number}"{attributes}><c r="A{number}"><v>{source}</v></c>{target}</row>'


def parse(contents: Mapping[str, str | bytes]) -> ParsedFile:
    return read(io.BytesIO(zipped(contents)))


def outcome(content: bytes) -> str | list[tuple[int, int | None, int | None]]:
    """Return the code of the problem because of which the file is refused, or its rows."""
    try:
        return [(found.number, found.from_id, found.to_id) for found in read(io.BytesIO(content)).rows]
    except FileRejected as rejected:
        return rejected.problem.code
