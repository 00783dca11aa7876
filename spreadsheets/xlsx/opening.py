"""Opens a workbook: finds its sheet, header and records, or rejects the file with a sentence."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from xml.parsers.expat import ExpatError  # only the exception  # nosec B407

from spreadsheets import problem_kinds
from spreadsheets.columns import Header
from spreadsheets.file_kind import FileKind
from spreadsheets.records import MAX_LINES, Record
from spreadsheets.rejection import FileRejected
from spreadsheets.xlsx.limits import Damaged, TooMuch
from spreadsheets.xlsx.merged import merged_cells
from spreadsheets.xlsx.package import Package
from spreadsheets.xlsx.rows import Book, SheetRow, read_rows, read_strings, read_styles
from spreadsheets.xlsx.selection import Selection, select_sheet
from spreadsheets.xlsx.workbook import BinaryWorkbook, NotAWorkbook, read_workbook
from wording.phrases import counted
from wording.problems import Problem

# What zipfile, zlib and expat raise for damaged input. ValueError includes text that is not decodable.
_DAMAGE = (
    Damaged,
    zipfile.BadZipFile,
    zlib.error,
    ExpatError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,  # a version of zip that zipfile does not know
    RuntimeError,  # an encrypted file in the zip file
)


class Contents(NamedTuple):
    """An opened workbook. `notes` is complete after the last record was read."""

    header: Header
    records: Iterator[Record]
    notes: list[Problem]


def open_workbook(data: bytes, kind: FileKind) -> Contents:
    """Find the sheet and its header. Raises only FileRejected; reading the records may raise it too."""
    with _rejecting(kind):
        package = Package(data)
        workbook = read_workbook(package)
        book = Book(
            read_strings(package, workbook.strings),
            read_styles(package, workbook.styles),
            workbook.counts_from_1904,
        )
        selection = select_sheet(package, workbook, book, kind)
        notes: list[Problem] = []
        if selection.others:
            notes.append(problem_kinds.SHEET_READ(sheet=selection.sheet.name))
        return Contents(selection.header, _records(package, book, selection, kind, notes), notes)


def _records(
    package: Package, book: Book, selection: Selection, kind: FileKind, notes: list[Problem]
) -> Iterator[Record]:
    columns = set(selection.header.positions.values())
    part, width, formulas, count = selection.sheet.part, selection.header.width, 0, 0
    with _rejecting(kind):
        merged = merged_cells(package, part, columns)
        for row in read_rows(package, part, book):
            count += 1
            if count > MAX_LINES:
                raise FileRejected(problem_kinds.TOO_MANY_LINES(limit=MAX_LINES))
            if row.number > selection.header.number:
                formulas += len(columns.intersection(row.formulas))
                row.cells.extend([""] * (width - len(row.cells)))  # a row without its last cells is not short
                yield _record(row, [column for column, rows in merged.items() if rows[row.number]])
    if formulas:
        notes.append(problem_kinds.FORMULAS(cells=counted(formulas, "cell")))


def _record(row: SheetRow, merged: list[int]) -> Record:
    marks = row.marks | dict.fromkeys(merged, problem_kinds.CELL_IS_MERGED) if merged else row.marks
    return Record(row.number, row.cells, False, marks, row.is_hidden)


@contextmanager
def _rejecting(kind: FileKind) -> Iterator[None]:
    try:
        yield
    except NotAWorkbook as error:
        raise FileRejected(problem_kinds.ARCHIVE(what="a zip archive", choose=kind.choose)) from error
    except BinaryWorkbook as error:
        raise FileRejected(problem_kinds.BINARY_WORKBOOK()) from error
    except TooMuch as error:
        raise FileRejected(problem_kinds.WORKBOOK_TOO_LARGE(what=str(error))) from error
    except _DAMAGE as error:
        raise FileRejected(problem_kinds.WORKBOOK_DAMAGED()) from error
