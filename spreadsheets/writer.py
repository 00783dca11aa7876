"""Writes tables as CSV or as workbooks.

CSV is UTF-8 with BOM and CRLF, and is written in batches, so that a download of any length uses constant memory.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from spreadsheets.safe_cells import safe_cell
from spreadsheets.xlsx.writer import write_xlsx

_BATCH = 500
_BOM = codecs.BOM_UTF8  # without this mark, Excel would decode UTF-8 with the machine's code page


class Table(NamedTuple):
    """The content of a download. The rows can be iterated over once."""

    header: Sequence[str]
    rows: Iterable[Sequence[object]]

    def csv(self) -> Iterator[bytes]:
        return write_csv(self.header, self.rows)

    def xlsx(self) -> Iterator[bytes]:
        return write_xlsx(self.header, self.rows)


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """Yield a CSV file in chunks of a few hundred rows.

    None becomes an empty cell, numbers are left as they are, and everything else becomes text that no spreadsheet runs
    as a formula.
    """
    remaining = iter(rows)
    yield _BOM + _chunk([header, *islice(remaining, _BATCH)])
    while batch := list(islice(remaining, _BATCH)):
        yield _chunk(batch)


def _chunk(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", errors="replace")


def _cell(value: object) -> object:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    return safe_cell(str(value))
