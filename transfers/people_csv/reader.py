"""Read rows, counts and problems from an uploaded people.csv."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from spreadsheets.columns import DELIMITERS, Header
from spreadsheets.problem_kinds import CELL_IS_MERGED, ROW_IS_HIDDEN, ROWS_IN_CELL
from spreadsheets.reader import Sheet, open_sheet
from spreadsheets.records import Record
from spreadsheets.rejection import FileRejected
from spreadsheets.safe_cells import BLANKS, unsafe_cell
from transfers.people_csv import columns, problem_kinds
from transfers.people_csv.columns import FROM_USER_ID, PEOPLE_CSV, TO_USER_ID
from transfers.people_csv.ids import Reading, is_blank, parse_id
from wording.problems import Problem


@dataclass(frozen=True, slots=True)
class Row:
    """A selected row. An ID is None if its cell is blank or cannot be read; `problems` then say why it cannot be read.

    Names, user name and email are read from the file ('' if the column is missing). They are only compared with the
    user's data and never shown as the user's name.
    """

    number: int
    from_text: str
    to_text: str
    from_id: int | None
    to_id: int | None
    first_name: str
    last_name: str
    user_name: str
    email: str
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class ParsedFile:
    """The selected rows, in the order of the file. A row is selected if it has a To User ID or ends before that column.

    `blank` counts rows with a blank To User ID, `empty` rows without any text. `rows_read` excludes empty rows.
    `delimiter` is the character and `delimiter_word` its name; both are empty for a workbook. `sha256` is the hex
    digest of the uploaded bytes.
    """

    encoding: str
    delimiter: str
    delimiter_word: str
    sha256: str
    rows: list[Row] = field(default_factory=list)
    blank: int = 0
    empty: int = 0
    notes: list[Problem] = field(default_factory=list)

    @property
    def rows_read(self) -> int:
        return self.blank + len(self.rows)


def read(stream: BinaryIO) -> ParsedFile:
    """Read an uploaded people.csv. For any bytes, either return a ParsedFile or raise FileRejected.

    Limits: 25 MB, 200,000 lines. Only the selected rows are kept.
    """
    sheet = open_sheet(stream, PEOPLE_CSV)
    delimiter = sheet.header.delimiter
    parsed = ParsedFile(sheet.encoding.name, delimiter, DELIMITERS.get(delimiter, ""), sheet.sha256)
    parsed.empty = sheet.header.number - 1
    _read_rows(parsed, sheet)
    if not parsed.rows_read:
        raise FileRejected(problem_kinds.NO_USERS())
    parsed.notes.extend(_notes(parsed, sheet))
    return parsed


def _read_rows(parsed: ParsedFile, sheet: Sheet) -> None:
    header = sheet.header
    to = header.positions[TO_USER_ID]
    for record in sheet.records:
        cells = record.cells
        if record.many_lines:
            _refuse_swallowed_rows(record, header)
        if len(cells) > to and _has_target(record, header):
            parsed.rows.append(_row(record, header))
        elif record.is_empty:
            parsed.empty += 1
        elif len(cells) > to:
            parsed.blank += 1
        else:
            parsed.rows.append(_row(record, header))


def _has_target(record: Record, header: Header) -> bool:
    """Return whether the row has a To User ID, or may have the one of another row with which its cell is merged."""
    to = header.positions[TO_USER_ID]
    mark = record.marks.get(to)
    if mark is CELL_IS_MERGED and is_blank(record.cells[to]):
        return _read_id(record, header, FROM_USER_ID)[0] is not None
    return mark is not None or not is_blank(record.cells[to])


def _read_id(record: Record, header: Header, column: str) -> Reading:
    text, mark = _cell(record, header.positions[column]), record.marks.get(header.positions[column])
    if mark is None or mark is CELL_IS_MERGED:  # see `_shape_problems`
        return parse_id(text, column, record.number)
    return None, (mark(row=record.number, column=column, value=text),)


def _row(record: Record, header: Header) -> Row:
    cells = {column: _cell(record, position) for column, position in header.positions.items()}
    from_id, from_problems = _read_id(record, header, FROM_USER_ID)
    to_id, to_problems = _read_id(record, header, TO_USER_ID)
    return Row(
        number=record.number,
        from_text=cells[FROM_USER_ID],
        to_text=cells[TO_USER_ID],
        from_id=from_id,
        to_id=to_id,
        first_name=cells.get(columns.FIRST_NAME, ""),
        last_name=cells.get(columns.LAST_NAME, ""),
        user_name=cells.get(columns.USER_NAME, ""),
        email=cells.get(columns.EMAIL, ""),
        problems=(*_shape_problems(record, header), *from_problems, *to_problems),
    )


def _cell(record: Record, position: int) -> str:
    return unsafe_cell(record.cells[position]) if position < len(record.cells) else ""


def _shape_problems(record: Record, header: Header) -> Iterator[Problem]:
    """Yield problems of the row that remain if its IDs are swapped: its length, merged cells, and that it is hidden."""
    cells = record.cells
    out_of_reach = [column for column in (FROM_USER_ID, TO_USER_ID) if header.positions[column] >= len(cells)]
    if out_of_reach:
        column = min(out_of_reach, key=header.positions.__getitem__)
        yield problem_kinds.SHORT_ROW(row=record.number, column=column)
    if record.has_text_from(header.width):  # an unquoted 1,234 fills two cells, 1 and 234
        yield problem_kinds.LONG_ROW(row=record.number, cells=len(cells), width=header.width)
    for column in (FROM_USER_ID, TO_USER_ID):
        if record.marks.get(header.positions[column]) is CELL_IS_MERGED:
            yield CELL_IS_MERGED(row=record.number, column=column)
    if record.is_hidden:
        yield ROW_IS_HIDDEN(row=record.number, column=TO_USER_ID)


def _refuse_swallowed_rows(record: Record, header: Header) -> None:
    """Reject the file if a cell contains rows: an unclosed quotation mark swallows all rows up to the next mark."""
    for position, cell in enumerate(record.cells):
        *whole, last = re.split(r"\r\n|\r|\n", cell)[1:] or [""]
        cells_after = len(record.cells) - position - 1
        if any(_is_row(line, header, 0) for line in whole) or _is_row(last, header, cells_after):
            raise FileRejected(ROWS_IN_CELL(row=record.number))


def _is_row(line: str, header: Header, cells_after: int) -> bool:
    parts = line.split(header.delimiter)
    if len(parts) + cells_after != header.width or header.positions[FROM_USER_ID] >= len(parts):
        return False
    return parts[header.positions[FROM_USER_ID]].strip(BLANKS + "'\"").isdecimal()


def _notes(parsed: ParsedFile, sheet: Sheet) -> Iterator[Problem]:
    if not parsed.rows:
        yield problem_kinds.NONE_SELECTED()
    if sheet.encoding.lossy:
        yield problem_kinds.NOT_UTF8()
    yield from sheet.notes(parsed.empty)
