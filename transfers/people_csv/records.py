"""From letters to records: csv with strict quoting, and a bound on everything that one record can hold."""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from transfers.people_csv import kinds
from transfers.people_csv.encodings import Encoding
from transfers.people_csv.rejection import FileRejected
from transfers.problems import Problem

MAX_LINES = 200_000
MAX_RECORD = 1_000_000  # characters; a row of people.csv has a few hundred


class Record(NamedTuple):
    """``number`` is the spreadsheet's row; ``many_lines``: a quoted cell in it holds a line break."""

    number: int
    cells: list[str]
    many_lines: bool


class _RecordTooLarge(Exception):
    pass


def records(data: bytes, encoding: Encoding, delimiter: str) -> Iterator[Record]:
    """The records of the file, empty ones included; FileRejected where they cannot be told apart."""
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
            raise FileRejected(kinds.UNREADABLE_TEXT(row=number, encoding=encoding.name)) from error
        yield Record(number, cells, reader.line_num - line > 1)


def _broken(number: int, error: Exception, many_lines: bool) -> Problem:
    message = str(error)
    if many_lines or "unexpected end" in message:
        return kinds.UNCLOSED_QUOTE(row=number)
    if isinstance(error, _RecordTooLarge) or "field limit" in message:
        return kinds.ROW_TOO_LARGE(row=number)
    return kinds.STRAY_QUOTE(row=number)


class _Lines:
    """Lines of text with their own line ends (CR LF, LF or CR, also mixed), each read only as far as allowed."""

    def __init__(self, data: bytes, encoding: Encoding) -> None:
        text = io.TextIOWrapper(io.BytesIO(data), encoding.codec, encoding.errors, newline="")
        self._readline = text.readline
        self.count = 0
        self.length = 0  # of the record being read; the reader of records sets it back

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
            raise FileRejected(kinds.TOO_MANY_LINES(limit=MAX_LINES))
        return line
