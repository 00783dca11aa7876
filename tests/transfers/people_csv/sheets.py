"""Helpers that write small people.csv files as spreadsheet programs do, and that read them."""

import csv
import io
from collections.abc import Iterable, Sequence

import pytest

from spreadsheets.rejection import FileRejected
from transfers.people_csv import COLUMNS, ParsedFile, read
from wording.problems import Problem

HEADER = ",".join(COLUMNS) + "\r\n"
SHORT_HEADER = "From User ID,To User ID\r\n"


def parse(content: str | bytes) -> ParsedFile:
    return read(io.BytesIO(content.encode() if isinstance(content, str) else content))


def rejection(content: str | bytes) -> Problem:
    with pytest.raises(FileRejected) as rejected:
        parse(content)
    return rejected.value.problem


def pairs(parsed: ParsedFile) -> list[tuple[int, int | None, int | None]]:
    return [(row.number, row.from_id, row.to_id) for row in parsed.rows]


def codes(problems: Iterable[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def saved(
    rows: Iterable[Sequence[object]], *, encoding: str = "utf-8-sig", delimiter: str = ",", end: str = "\r\n"
) -> bytes:
    """Return the rows as a CSV file in this dialect. Characters that the encoding lacks become "?", as in Excel."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    return text.getvalue().encode(encoding, errors="replace")
