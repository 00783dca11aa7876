"""Finds the parts of a workbook by their relationships, and lists its sheets."""

from typing import NamedTuple

from spreadsheets.xlsx.limits import MAX_SHEETS, Damaged, TooMuch
from spreadsheets.xlsx.package import Package, resolve
from spreadsheets.xlsx.xml import (
    DOCUMENT_RELATIONS,
    MAIN,
    PACKAGE_RELATIONS,
    Attributes,
    Parser,
    full_names,
    is_true,
)

ROOT_RELATIONS = "_rels/.rels"


class NotAWorkbook(Exception):
    """The zip file is something else, such as an archive with workbooks in it."""


class BinaryWorkbook(Exception):
    """The workbook is in the binary format of .xlsb."""


class Relation(NamedTuple):
    kind: str  # the last word of its type, such as "worksheet"
    part: str


class SheetEntry(NamedTuple):
    name: str
    part: str
    is_visible: bool


class Workbook(NamedTuple):
    """The parts to read. `strings` and `styles` are None if the workbook has none."""

    sheets: list[SheetEntry]
    strings: str | None
    styles: str | None
    counts_from_1904: bool


def read_workbook(package: Package) -> Workbook:
    if ROOT_RELATIONS not in package:
        raise NotAWorkbook
    main = [
        relation.part for relation in relations(package, "").values() if relation.kind == "officeDocument"
    ]
    if len(main) != 1:
        raise NotAWorkbook
    if main[0].endswith(".bin"):
        raise BinaryWorkbook
    related = relations(package, main[0])
    parser = _WorkbookParser(related)
    parser.parse(package.read(main[0]))
    if not parser.is_workbook:
        raise NotAWorkbook
    by_kind = {relation.kind: relation.part for relation in related.values()}
    return Workbook(
        parser.sheets, by_kind.get("sharedStrings"), by_kind.get("styles"), parser.counts_from_1904
    )


def relations(package: Package, source: str) -> dict[str, Relation]:
    """Return the relations of a part, or of the package if `source` is empty, by their ids."""
    folder, _, name = source.rpartition("/")
    parser = _RelationsParser(source)
    parser.parse(package.read(f"{folder}/_rels/{name}.rels".lstrip("/")))
    return parser.found


class _RelationsParser(Parser):
    names = full_names(PACKAGE_RELATIONS, ["Relationship"])

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.found: dict[str, Relation] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        super().start(name, attributes)
        if name in self.names and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            part = resolve(self.source, attributes.get("Target", ""))
            self.found[attributes.get("Id", "")] = Relation(kind, part)


class _WorkbookParser(Parser):
    names = full_names(MAIN, ["workbook", "sheet", "workbookPr"])

    def __init__(self, related: dict[str, Relation]) -> None:
        super().__init__()
        self.related = related
        self.sheets: list[SheetEntry] = []
        self.is_workbook = self.counts_from_1904 = False

    def start(self, name: str, attributes: Attributes) -> None:
        super().start(name, attributes)
        match self.names.get(name):
            case "workbook":
                self.is_workbook = True
            case "workbookPr":
                self.counts_from_1904 = is_true(attributes.get("date1904"))
            case "sheet":
                self.add_sheet(attributes)

    def add_sheet(self, attributes: Attributes) -> None:
        ids = [
            attributes[f"{namespace} id"]
            for namespace in DOCUMENT_RELATIONS
            if f"{namespace} id" in attributes
        ]
        if not ids or ids[0] not in self.related:
            raise Damaged("sheet without a part")
        relation = self.related[ids[0]]
        if len(self.sheets) >= MAX_SHEETS:
            raise TooMuch("sheets")
        if relation.kind == "worksheet":  # not a chart sheet or a macro sheet
            visible = attributes.get("state", "visible") == "visible"
            self.sheets.append(SheetEntry(attributes.get("name", ""), relation.part, visible))
