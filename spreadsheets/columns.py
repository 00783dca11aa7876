"""Finds the header of a CSV file, its delimiter and its columns, even if a spreadsheet or a person changed them."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from spreadsheets import problem_kinds
from spreadsheets.encodings import Encoding
from spreadsheets.file_kind import FileKind
from spreadsheets.records import records
from spreadsheets.rejection import FileRejected
from spreadsheets.safe_cells import BLANKS
from wording.problems import Problem, shown

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_NOTHING = BLANKS + "".join(DELIMITERS)  # a row that contains only these characters counts as empty
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a file and the columns it names.

    `number` is the row of the header and `width` its number of cells. `positions` holds known columns only; `unused`
    names the others. `delimiter` is empty for a workbook.
    """

    delimiter: str
    number: int
    width: int
    positions: dict[str, int]
    unused: tuple[str, ...]


class FirstRow(NamedTuple):
    """The row that may be the header. `keys` are the cells as `column_key` spells them."""

    delimiter: str
    number: int
    cells: list[str]
    keys: list[str]

    def count_of(self, columns: Iterable[str]) -> int:
        return sum(column_key(column) in self.keys for column in columns)


def column_key(cell: str) -> str:
    """Return the name in lower case, without spaces, underscores and punctuation: TO_USER_ID becomes "touserid"."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", cell)).casefold()


def listed(cells: Iterable[str]) -> str:
    """Return column names as text for a sentence: the first few, then how many more there are."""
    named = [shown(cell.strip(BLANKS), 40) for cell in cells if cell.strip(BLANKS)]
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more


def find_header(data: bytes, encoding: Encoding, kind: FileKind) -> Header:
    """Return the header, after trying each delimiter on the first row that is not empty.

    Raises FileRejected if a `required` column is missing or an `unambiguous` column occurs more than once.
    """
    row = max(
        _first_rows(data, encoding, kind),
        key=lambda row: (row.count_of(kind.required), row.count_of(kind.columns), len(row.cells)),
    )
    return checked_header(row, kind)


def checked_header(row: FirstRow, kind: FileKind) -> Header:
    """Return the header that the row is. Raises FileRejected as `find_header` does."""
    if missing := [column for column in kind.required if not row.count_of([column])]:
        raise FileRejected(_missing(row, missing, kind))
    for column in kind.unambiguous:
        if row.keys.count(column_key(column)) > 1:
            raise FileRejected(problem_kinds.COLUMN_TWICE(row=row.number, column=column))
    return _header(row, kind)


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
    for record in records(data, encoding, delimiter):
        if any(cell.strip(_NOTHING) for cell in record.cells):
            keys = [column_key(cell) for cell in record.cells]
            return FirstRow(delimiter, record.number, record.cells, keys)
    raise FileRejected(problem_kinds.EMPTY_FILE(start_again=kind.start_again))


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


def _header(row: FirstRow, kind: FileKind) -> Header:
    columns = {column_key(column): column for column in kind.columns}
    positions: dict[str, int] = {}
    for position, key in enumerate(row.keys):
        if key in columns:
            positions.setdefault(columns[key], position)
    unused = tuple(cell for cell, key in zip(row.cells, row.keys, strict=True) if key and key not in columns)
    return Header(row.delimiter, row.number, len(row.cells), positions, unused)
