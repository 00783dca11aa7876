"""people.csv in: the whole way from an uploaded stream to rows, counts and problems."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from transfers.people_csv import columns, kinds
from transfers.people_csv.columns import DELIMITERS, FROM_USER_ID, TO_USER_ID, Header, find_header, listed
from transfers.people_csv.encodings import Encoding, find_encoding
from transfers.people_csv.ids import is_blank, parse_id
from transfers.people_csv.intake import refuse_other_types, take_in, without_separator_line
from transfers.people_csv.records import Record, records
from transfers.people_csv.rejection import FileRejected
from transfers.people_csv.safe_text import BLANKS, unsafe_cell
from transfers.problems import Problem


@dataclass(frozen=True, slots=True)
class Row:
    """A selected row. An id is None if the cell is blank or ``problems`` say what is wrong with it.

    Names, user name and email are what the file says ('' without such a column): a checksum, never shown as
    the user's name.
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
    """``rows_read == blank + len(rows)`` always; entirely empty rows are counted apart.

    ``rows`` are those with a To User ID, and those that end before one, in the order of the file. ``delimiter``
    is the character, ``delimiter_word`` its name; ``sha256`` is over the bytes as uploaded, in hex.
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
    """Read an uploaded people.csv. Any bytes give a ParsedFile or raise FileRejected, nothing else.

    Limits: 25 MB, 200,000 lines. Only the selected rows are kept.
    """
    data, sha256 = take_in(stream)
    refuse_other_types(data)
    data = without_separator_line(data)
    encoding = find_encoding(data)
    header = find_header(data, encoding)
    parsed = ParsedFile(encoding.name, header.delimiter, DELIMITERS[header.delimiter], sha256)
    _read_rows(parsed, header, records(data, encoding, header.delimiter))
    if not parsed.rows_read:
        raise FileRejected(kinds.NO_USERS())
    parsed.notes.extend(_notes(parsed, header, encoding))
    return parsed


def _read_rows(parsed: ParsedFile, header: Header, found: Iterator[Record]) -> None:
    to = header.positions[TO_USER_ID]
    for record in found:
        cells = record.cells
        if record.number <= header.number:
            parsed.empty += record.number < header.number
            continue
        if record.many_lines:
            _refuse_swallowed_rows(record, header)
        if len(cells) > to and not is_blank(cells[to]):
            parsed.rows.append(_row(record, header))
        elif not any(cell.strip(BLANKS) for cell in cells):
            parsed.empty += 1
        elif len(cells) > to:
            parsed.blank += 1
        else:
            parsed.rows.append(_row(record, header))


def _row(record: Record, header: Header) -> Row:
    cells = {column: _cell(record, position) for column, position in header.positions.items()}
    from_id, from_problems = parse_id(cells[FROM_USER_ID], FROM_USER_ID, record.number)
    to_id, to_problems = parse_id(cells[TO_USER_ID], TO_USER_ID, record.number)
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
    """Rows that only lack trailing columns are fine; so are empty cells beyond the header."""
    cells = record.cells
    out_of_reach = [column for column in (FROM_USER_ID, TO_USER_ID) if header.positions[column] >= len(cells)]
    if out_of_reach:
        column = min(out_of_reach, key=header.positions.__getitem__)
        yield kinds.SHORT_ROW(row=record.number, column=column)
    if any(
        cell.strip(BLANKS) for cell in cells[header.width :]
    ):  # 1,234 without quotes: two cells, other users
        yield kinds.LONG_ROW(row=record.number, cells=len(cells), width=header.width)


def _refuse_swallowed_rows(record: Record, header: Header) -> None:
    """A quotation mark left open can find its partner many rows later, and the rows between would vanish."""
    for position, cell in enumerate(record.cells):
        *whole, last = re.split(r"\r\n|\r|\n", cell)[1:] or [""]
        cells_after = len(record.cells) - position - 1
        if any(_is_row(line, header, 0) for line in whole) or _is_row(last, header, cells_after):
            raise FileRejected(kinds.ROWS_IN_CELL(row=record.number))


def _is_row(line: str, header: Header, cells_after: int) -> bool:
    parts = line.split(header.delimiter)
    if len(parts) + cells_after != header.width or header.positions[FROM_USER_ID] >= len(parts):
        return False
    return parts[header.positions[FROM_USER_ID]].strip(BLANKS + "'\"").isdecimal()


def _notes(parsed: ParsedFile, header: Header, encoding: Encoding) -> Iterator[Problem]:
    if not parsed.rows:
        yield kinds.NONE_SELECTED()
    how = [encoding.name] if encoding.name not in ("UTF-8", "Windows-1252") else []
    if header.delimiter != ",":
        how.append(f"{parsed.delimiter_word}-separated")
    if how:
        yield kinds.READ_AS(how=", ".join(how))
    if encoding.lossy:
        yield kinds.NOT_UTF8()
    if parsed.empty:
        yield kinds.empty_rows(parsed.empty)
    if header.unused:
        yield kinds.EXTRA_COLUMNS(columns=listed(header.unused))
