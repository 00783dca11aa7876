"""Chooses the sheet to read: the only visible one that has the required columns."""

from itertools import islice
from typing import NamedTuple

from spreadsheets import problem_kinds
from spreadsheets.columns import SEARCHED_ROWS, FirstRow, Header, absent, checked_header, first_row
from spreadsheets.file_kind import FileKind
from spreadsheets.rejection import FileRejected
from spreadsheets.xlsx.limits import Damaged
from spreadsheets.xlsx.package import Package
from spreadsheets.xlsx.rows import Book, read_rows
from spreadsheets.xlsx.workbook import SheetEntry, Workbook
from wording.problems import Problem, shown

_NAMED = 5


class Selection(NamedTuple):
    """The sheet to read. `others` counts the other visible sheets."""

    sheet: SheetEntry
    header: Header
    others: int


def select_sheet(package: Package, workbook: Workbook, book: Book, kind: FileKind) -> Selection:
    """Return the sheet with the required columns. Raises FileRejected if no visible sheet or more than one has them."""
    visible = [sheet for sheet in workbook.sheets if sheet.is_visible]
    if not visible:
        raise Damaged("no visible sheet")
    heads = [(sheet, _header_row(package, sheet, book, kind)) for sheet in visible]
    filled = [(sheet, row) for sheet, row in heads if row is not None]
    if not filled:
        raise FileRejected(problem_kinds.EMPTY_FILE(start_again=kind.start_again))
    complete = [(sheet, row) for sheet, row in filled if not absent(row.keys, kind)]
    if len(complete) > 1:
        raise FileRejected(_several([sheet.name for sheet, _ in complete]))
    sheet, row = (complete or filled)[0]
    if not complete and row.holds_header_in_one_cell(kind):
        raise FileRejected(problem_kinds.TYPED_BESIDE(row=row.number, typed=kind.typed))
    return Selection(sheet, checked_header(row, kind), len(visible) - 1)


def _header_row(package: Package, sheet: SheetEntry, book: Book, kind: FileKind) -> FirstRow | None:
    """Return the header if it is one of the upper rows, else the likeliest of them. None if the sheet is empty."""
    rows = islice(read_rows(package, sheet.part, book), SEARCHED_ROWS)
    return first_row(sorted((row.number, row.cells) for row in rows), "", kind)


def _several(names: list[str]) -> Problem:
    quoted = [f"“{shown(name, 40)}”" for name in names[:_NAMED]]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return problem_kinds.SEVERAL_SHEETS(sheets=", ".join(quoted) + more)
