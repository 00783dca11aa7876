"""Splits text into records with the `csv` module in strict mode. Limits the number of lines and the record size."""

import csv
import io
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from spreadsheets import problem_kinds
from spreadsheets.encodings import Encoding
from spreadsheets.rejection import FileRejected
from spreadsheets.safe_cells import BLANKS
from wording.problems import Kind, Problem

MAX_LINES = 200_000
MAX_RECORD = 1_000_000  # characters; an ordinary row has a few hundred


class Record(NamedTuple):
    """A record of the file. `number` is its row in the spreadsheet. `many_lines` is True if a cell has a line break.

    `marks` maps positions of cells to what a workbook says against their text, for example that it is a date.
    `is_hidden` is True if the workbook hides the row.
    """

    number: int
    cells: list[str]
    many_lines: bool
    marks: Mapping[int, Kind] = MappingProxyType({})
    is_hidden: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.has_text_from(0)

    def has_text_from(self, position: int) -> bool:
        return any(cell.strip(BLANKS) for cell in self.cells[position:])


class _RecordTooLarge(Exception):
    pass


def records(data: bytes, encoding: Encoding, delimiter: str) -> Iterator[Record]:
    """Yield the records of the file, including empty ones. Raises FileRejected at a record that cannot be read."""
    lines = _Lines(data, encoding)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = line = 0
    while True:
        number, line, lines.length = number + 1, reader.line_num, 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _RecordTooLarge) as error:
            raise FileRejected(_broken(number, error, lines.count - line > 1)) from error
        except UnicodeError as error:
            raise FileRejected(problem_kinds.UNREADABLE_TEXT(row=number, encoding=encoding.name)) from error
        yield Record(number, cells, reader.line_num - line > 1)


def _broken(number: int, error: Exception, many_lines: bool) -> Problem:
    message = str(error)
    if many_lines or "unexpected end" in message:
        return problem_kinds.UNCLOSED_QUOTE(row=number)
    if isinstance(error, _RecordTooLarge) or "field limit" in message:
        return problem_kinds.ROW_TOO_LARGE(row=number)
    return problem_kinds.STRAY_QUOTE(row=number)


class _Lines:
    """The lines of the file with their line ends (CR LF, LF or CR, also mixed), for the csv reader.

    Stops with an error at a record longer than MAX_RECORD characters, and after MAX_LINES lines.
    """

    def __init__(self, data: bytes, encoding: Encoding) -> None:
        text = io.TextIOWrapper(io.BytesIO(data), encoding.codec, encoding.errors, newline="")
        self._readline = text.readline
        self.count = 0
        self.length = 0  # characters of the current record so far; `records` resets it

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._readline(MAX_RECORD + 1)
        if not line:
            raise StopIteration
        self.count += 1
        self.length += len(line)
        if self.length > MAX_RECORD:
            raise _RecordTooLarge
        if self.count > MAX_LINES:
            raise FileRejected(problem_kinds.TOO_MANY_LINES(limit=MAX_LINES))
        return line
