"""Finds the header of a CSV file, its delimiter and its columns, even if a spreadsheet or a person changed them."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from spreadsheets import problem_kinds
from spreadsheets.encodings import Encoding
from spreadsheets.file_kind import FileKind
from spreadsheets.records import records
from spreadsheets.rejection import FileRejected
from spreadsheets.safe_cells import BLANKS
from wording.normal_form import normalized
from wording.problems import Problem, shown

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_NOTHING = BLANKS + "".join(DELIMITERS)  # a row that contains only these characters counts as empty
_NAMED = 20
# The header is looked for in so many rows and cells, because exports may have a title or a line about a type above it.
SEARCHED_ROWS, _SEARCHED_CELLS = 20, 10_000


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a file and the columns it names.

    `number` is the row of the header and `width` its number of cells. `positions` holds known columns only; `unused`
    names the others. `above` holds the first text of each row above the header. `delimiter` is empty for a workbook.
    `beside` is "", or the delimiter with which column A would hold all columns and further cells would follow.
    """

    delimiter: str
    number: int
    width: int
    positions: dict[str, int]
    unused: tuple[str, ...]
    above: tuple[str, ...] = ()
    beside: str = ""

    def is_repeated_by(self, cells: list[str]) -> bool:
        """Return whether the cells are column names in the same order as in this header."""
        keys = [column_key(cell) for cell in cells]
        return len(keys) >= len(self.positions) and all(
            position < len(keys) and keys[position] == column_key(column)
            for column, position in self.positions.items()
        )


class FirstRow(NamedTuple):
    """The row that may be the header. `keys` are the cells as `column_key` spells them."""

    delimiter: str
    number: int
    cells: list[str]
    keys: list[str]
    above: tuple[str, ...] = ()

    def likeness_to(self, kind: FileKind) -> tuple[int, int]:
        """Return what tells a header from other rows: how few columns it lacks, and how many are known."""
        known = sum(column_key(column) in self.keys for column in kind.columns)
        return -len(absent(self.keys, kind)), known

    def holds_header_in_one_cell(self, kind: FileKind) -> bool:
        """Return whether the first cell holds all required columns, separated by any delimiter.

        In a CSV file further cells have to follow, because with another delimiter the row may be one cell.
        """
        parts = (self.cells[0].split(delimiter) for delimiter in DELIMITERS)
        may_be = len(self.cells) > 1 or not self.delimiter
        return may_be and any(is_header(cells, kind) for cells in parts)


def column_key(cell: str) -> str:
    """Return the name in lower case, without spaces, underscores and punctuation: TO_USER_ID becomes "touserid"."""
    return re.sub(r"[\W_]+", "", normalized("NFKC", cell)).casefold()


def is_header(cells: Iterable[str], kind: FileKind) -> bool:
    """Return whether the cells name all required columns, or columns in their place."""
    return not absent({column_key(cell) for cell in cells}, kind)


def absent(keys: Collection[str], kind: FileKind) -> list[str]:
    """Return the required columns that are not among the keys, and have no column in their place there."""
    return [
        column
        for column in kind.required
        if not any(column_key(name) in keys for name in (column, *kind.instead.get(column, ())))
    ]


def listed(cells: Iterable[str]) -> str:
    """Return column names as text for a sentence: the first few, then how many more there are."""
    named = [shown(cell.strip(BLANKS), 40) for cell in cells if cell.strip(BLANKS)]
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more


def find_header(data: bytes, encoding: Encoding, kind: FileKind) -> Header:
    """Return the header, after trying each delimiter on the first rows.

    Raises FileRejected if a `required` column is missing or an `unambiguous` column occurs more than once.
    """
    rows = _first_rows(data, encoding, kind)
    row = max(rows, key=lambda row: (*row.likeness_to(kind), len(row.cells)))
    beside = next((one.delimiter for one in rows if one.holds_header_in_one_cell(kind)), "")
    if beside and len(absent(row.keys, kind)) == len(kind.required):
        raise FileRejected(problem_kinds.TYPED_BESIDE(row=row.number, typed=kind.typed))
    return checked_header(row, kind, beside)


def checked_header(row: FirstRow, kind: FileKind, beside: str = "") -> Header:
    """Return the header that the row is. Raises FileRejected as `find_header` does."""
    if missing := absent(row.keys, kind):
        raise FileRejected(_missing(row, missing, kind))
    for column in kind.unambiguous:
        if row.keys.count(column_key(column)) > 1:
            raise FileRejected(problem_kinds.COLUMN_TWICE(row=row.number, column=column))
    return _header(row, kind, beside)


def _first_rows(data: bytes, encoding: Encoding, kind: FileKind) -> list[FirstRow]:
    rows, rejections = [], []
    for delimiter in DELIMITERS:
        try:
            rows.append(_first_row(data, encoding, delimiter, kind))
        except FileRejected as rejected:  # a wrong delimiter can break the quoting of a good file
            rejections.append(rejected)
    if not rows:
        raise rejections[0]
    return rows


def _first_row(data: bytes, encoding: Encoding, delimiter: str, kind: FileKind) -> FirstRow:
    rows = ((record.number, record.cells) for record in records(data, encoding, delimiter))
    if (row := first_row(rows, delimiter, kind)) is None:
        raise FileRejected(problem_kinds.EMPTY_FILE(start_again=kind.start_again))
    return row


def first_row(numbered: Iterable[tuple[int, list[str]]], delimiter: str, kind: FileKind) -> FirstRow | None:
    """Return the header if it is one of the first rows, else the one with the most columns of this kind.

    The argument yields numbers and cells of rows. None means that all rows are empty.
    """
    rows: list[FirstRow] = []
    try:
        for number, cells in numbered:
            if any(cell.strip(_NOTHING) for cell in cells):
                above = tuple(_first_text(row.cells) for row in rows)
                rows.append(FirstRow(delimiter, number, cells, [column_key(cell) for cell in cells], above))
                if not absent(rows[-1].keys, kind) or _is_enough(rows):
                    break
    except FileRejected:
        if not rows:
            raise
    return max(rows, key=lambda row: row.likeness_to(kind), default=None)


def _is_enough(rows: list[FirstRow]) -> bool:
    return len(rows) == SEARCHED_ROWS or sum(len(row.cells) for row in rows) > _SEARCHED_CELLS


def _first_text(cells: list[str]) -> str:
    return next(text for cell in cells if (text := cell.strip(_NOTHING)))


def _missing(row: FirstRow, missing: list[str], kind: FileKind) -> Problem:
    columns = listed(row.cells)
    if len(missing) == len(kind.required) and any(_looks_like_data(cell) for cell in row.cells):
        return problem_kinds.HEADER_MISSING(row=row.number, keep_header=kind.keep_header)
    if len(missing) == 1:
        return problem_kinds.COLUMN_NOT_FOUND(
            row=row.number, column=missing[0], columns=columns, keep_header=kind.keep_header
        )
    return problem_kinds.COLUMNS_NOT_FOUND(
        row=row.number, missing=" and ".join(missing), columns=columns, keep_header=kind.keep_header
    )


def _looks_like_data(cell: str) -> bool:
    return "@" in cell or re.fullmatch(r"[0-9]+", cell.strip(BLANKS + "'\"")) is not None


def _header(row: FirstRow, kind: FileKind, beside: str) -> Header:
    columns = {column_key(column): column for column in kind.columns}
    positions: dict[str, int] = {}
    for position, key in enumerate(row.keys):
        if key in columns:
            positions.setdefault(columns[key], position)
    unused = tuple(cell for cell, key in zip(row.cells, row.keys, strict=True) if key and key not in columns)
    return Header(row.delimiter, row.number, len(row.cells), positions, unused, row.above, beside)
