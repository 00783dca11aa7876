"""Corrects a waiting file: its rows with errors as a file, that file put back into it, or the rows left out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from accounts.people.user_import.outcome import ERROR, Outcome
from accounts.people.user_import.reader import COLUMNS, ROW, Row
from spreadsheets.writer import Table

RESULT = "Result"


def errors_table(outcomes: Iterable[Outcome]) -> Table:
    """Return the rows with errors as they were uploaded, with what is wrong. The column Row leads them back."""
    return Table((ROW, *COLUMNS, RESULT), error_rows(outcomes))


def error_rows(outcomes: Iterable[Outcome]) -> Iterator[Sequence[object]]:
    for outcome in outcomes:
        if outcome.kind == ERROR:
            said = " ".join(f"{problem.sentence} {problem.remedy}".strip() for problem in outcome.problems)
            cells = [outcome.row.cells.get(column, "") for column in COLUMNS]
            yield outcome.row.number, *cells, said


def put_back(rows: Iterable[Row], corrected: Sequence[Row]) -> list[Row] | None:
    """Return the rows with the corrected ones in their places.

    Return None if the corrected rows are a file of their own: one of them has no number, one that no row has, or the
    number of another one, which would be lost.
    """
    by_number = {row.number: row for row in rows}
    places = [place_of(row) for row in corrected]
    if len(set(places)) < len(places) or not all(place in by_number for place in places):
        return None
    return list((by_number | dict(zip(places, map(moved, corrected, places), strict=True))).values())


def place_of(row: Row) -> int:
    """Return the number in the column Row, or 0 if there is none."""
    text = row.cells.get(ROW, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def moved(row: Row, number: int) -> Row:
    cells = {column: text for column, text in row.cells.items() if column != ROW}
    faults = [
        fault | {"row": number, "sentence": fault["sentence"].replace(f"Row {row.number},", f"Row {number},")}
        for fault in row.faults
    ]
    return replace(row, number=number, cells=cells, faults=faults)
