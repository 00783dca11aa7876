"""Opens an uploaded CSV file, and returns its header and records."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from spreadsheets import problem_kinds
from spreadsheets.columns import DELIMITERS, Header, find_header, listed
from spreadsheets.encodings import Encoding, find_encoding
from spreadsheets.file_kind import FileKind
from spreadsheets.intake import refuse_other_types, take_in, without_separator_line
from spreadsheets.records import Record, records
from wording.problems import Problem


@dataclass(frozen=True, slots=True)
class Sheet:
    """An opened file.

    `sha256` is the digest of the bytes as uploaded, in hex. `records` are the records below the header; they can be
    read only once.
    """

    sha256: str
    encoding: Encoding
    header: Header
    records: Iterator[Record]

    def notes(self, empty: int) -> Iterator[Problem]:
        """Yield notes for the user about an unusual encoding or delimiter, empty rows, and unused columns.

        `empty` is the number of empty rows.
        """
        how = [] if self.encoding.lossy or self.encoding.name == "UTF-8" else [self.encoding.name]
        if self.header.delimiter != ",":
            how.append(f"{DELIMITERS[self.header.delimiter]}-separated")
        if how:
            yield problem_kinds.READ_AS(how=", ".join(how))
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
    refuse_other_types(data, kind)
    encoding = find_encoding(data)
    data = without_separator_line(data, encoding)
    header = find_header(data, encoding, kind)
    found = records(data, encoding, header.delimiter)
    return Sheet(sha256, encoding, header, (record for record in found if record.number > header.number))
