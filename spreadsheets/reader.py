"""Opens an uploaded CSV file or workbook, and returns its header and records."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from spreadsheets import problem_kinds
from spreadsheets.columns import DELIMITERS, Header, find_header, listed
from spreadsheets.encodings import WORKBOOK, Encoding, find_encoding
from spreadsheets.file_kind import FileKind
from spreadsheets.intake import is_workbook, refuse_other_types, take_in, without_separator_line
from spreadsheets.records import Record, records
from spreadsheets.xlsx.opening import open_workbook
from wording.problems import Problem


@dataclass(frozen=True, slots=True)
class Sheet:
    """An opened file.

    `sha256` is the digest of the bytes as uploaded, in hex. `records` are the records below the header; they can be
    read only once. `format_notes` is complete after the last of them.
    """

    sha256: str
    encoding: Encoding
    header: Header
    records: Iterator[Record]
    format_notes: list[Problem] = field(default_factory=list)

    def notes(self, empty: int) -> Iterator[Problem]:
        """Yield notes for the user about an unusual encoding or delimiter, empty rows, and unused columns.

        `empty` is the number of empty rows.
        """
        is_usual = self.encoding.lossy or self.encoding.name == "UTF-8" or self.encoding is WORKBOOK
        how = [] if is_usual else [self.encoding.name]
        if self.header.delimiter not in ("", ","):
            how.append(f"{DELIMITERS[self.header.delimiter]}-separated")
        if how:
            yield problem_kinds.READ_AS(how=", ".join(how))
        yield from self.format_notes
        if self.header.above:
            yield problem_kinds.rows_above(self.header.above)
        if empty:
            yield problem_kinds.empty_rows(empty)
        if self.header.unused:
            yield problem_kinds.EXTRA_COLUMNS(columns=listed(self.header.unused))


def open_sheet(stream: BinaryIO, kind: FileKind) -> Sheet:
    """Open the file and find its header.

    Raises only FileRejected; reading the records may raise it too.
    """
    data, sha256 = take_in(stream, kind)
    if is_workbook(data):
        book = open_workbook(data, kind)
        return Sheet(sha256, WORKBOOK, book.header, book.records, book.notes)
    refuse_other_types(data, kind)
    encoding = find_encoding(data)
    data = without_separator_line(data, encoding)
    header = find_header(data, encoding, kind)
    found = records(data, encoding, header.delimiter)
    return Sheet(sha256, encoding, header, (record for record in found if record.number > header.number))
