"""The columns of people.csv, and finding them in the first row of a file that people have worked on."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from transfers.people_csv import kinds
from transfers.people_csv.encodings import Encoding
from transfers.people_csv.records import records
from transfers.people_csv.rejection import FileRejected
from transfers.people_csv.safe_text import BLANKS
from transfers.problems import shown

FROM_USER_ID, TO_USER_ID = "From User ID", "To User ID"
FIRST_NAME, LAST_NAME, USER_NAME, EMAIL = "First Name", "Last Name", "User Name", "Email"
COLUMNS = (FROM_USER_ID, TO_USER_ID, FIRST_NAME, LAST_NAME, USER_NAME, EMAIL, "Active", "Team")
RESULT = "Result"  # added by "Download rows with errors", which may be uploaded again

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_NAMED = 20
_NOTHING = BLANKS + "".join(DELIMITERS)  # a row of commas is empty, whatever it is split by


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns are. ``number`` is the header's own row; ``positions`` holds known columns only."""

    delimiter: str
    number: int
    width: int
    positions: dict[str, int]
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _FirstRow:
    delimiter: str
    number: int
    cells: list[str]

    def count(self, column: str) -> int:
        return [_key(cell) for cell in self.cells].count(_key(column))

    def has(self, column: str) -> bool:
        return self.count(column) > 0


def find_header(data: bytes, encoding: Encoding) -> Header:
    """Try each delimiter on the first row that is not empty; FileRejected without the two ID columns."""
    row = max(
        _first_rows(data, encoding),
        key=lambda row: (row.has(FROM_USER_ID) + row.has(TO_USER_ID), len(row.cells)),
    )
    _require_id_columns(row)
    return _header(row)


def _first_rows(data: bytes, encoding: Encoding) -> list[_FirstRow]:
    rows, rejections = [], []
    for delimiter in DELIMITERS:
        try:
            rows.append(_first_row(data, encoding, delimiter))
        except FileRejected as rejected:  # a wrong delimiter can break the quoting of a good file
            rejections.append(rejected)
    if not rows:
        raise rejections[0]
    return rows


def _first_row(data: bytes, encoding: Encoding, delimiter: str) -> _FirstRow:
    for record in records(data, encoding, delimiter):
        if any(cell.strip(_NOTHING) for cell in record.cells):
            return _FirstRow(delimiter, record.number, record.cells)
    raise FileRejected(kinds.EMPTY_FILE())


def _require_id_columns(row: _FirstRow) -> None:
    missing = [column for column in (FROM_USER_ID, TO_USER_ID) if not row.has(column)]
    if len(missing) == 2 and any(_looks_like_data(cell) for cell in row.cells):
        raise FileRejected(kinds.HEADER_MISSING(row=row.number))
    if len(missing) == 2:
        raise FileRejected(kinds.COLUMNS_NOT_FOUND(row=row.number, columns=listed(row.cells)))
    if missing:
        problem = kinds.COLUMN_NOT_FOUND(row=row.number, column=missing[0], columns=listed(row.cells))
        raise FileRejected(problem)
    for column in (FROM_USER_ID, TO_USER_ID):
        if row.count(column) > 1:
            raise FileRejected(kinds.COLUMN_TWICE(row=row.number, column=column))


def _looks_like_data(cell: str) -> bool:
    return "@" in cell or re.fullmatch(r"[0-9]+", cell.strip(BLANKS + "'\"")) is not None


def _header(row: _FirstRow) -> Header:
    names = {_key(column): column for column in COLUMNS}
    positions: dict[str, int] = {}
    for position, cell in enumerate(row.cells):
        if (column := names.get(_key(cell))) is not None:
            positions.setdefault(column, position)
    ours = {*names, _key(RESULT), ""}
    unused = tuple(cell for cell in row.cells if _key(cell) not in ours)
    return Header(row.delimiter, row.number, len(row.cells), positions, unused)


def _key(cell: str) -> str:
    """What is left when case, spaces, underscores and marks do not count: TO_USER_ID is "touserid"."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", cell)).casefold()


def listed(cells: Iterable[str]) -> str:
    """Column names for a sentence, the first few of them if there are very many."""
    named = [shown(cell.strip(BLANKS), 40) for cell in cells if cell.strip(BLANKS)]
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more
