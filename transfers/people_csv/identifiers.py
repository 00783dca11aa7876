"""Columns that name a user by email, user name or employee ID, in place of an ID column or beside it.

Which user has the text is looked up in `transfers.validation.identifiers`.
"""

from collections.abc import Iterator

from spreadsheets.cell_text import forced_text
from spreadsheets.columns import Header
from spreadsheets.problem_kinds import CELL_IS_MERGED
from spreadsheets.records import Record
from spreadsheets.safe_cells import BLANKS, unsafe_cell
from transfers.people_csv.columns import IDENTIFIERS
from transfers.people_csv.ids import is_blank
from wording.problems import Problem

Identifiers = tuple[tuple[str, str], ...]  # the columns and texts of the cells that are not blank


def position_of(header: Header, column: str) -> int:
    """Return the position of the ID column, or of the first column in its place."""
    if column in header.positions:
        return header.positions[column]
    return min(header.positions[name] for name in IDENTIFIERS[column] if name in header.positions)


def identifiers(record: Record, header: Header, column: str) -> Identifiers:
    """Return what the row says beside the ID column, of the user whose ID stands there or would stand there."""
    return tuple(
        (name, text)
        for name, position in _positions(header, column)
        if not is_blank(text := _text(record, position)) or record.marks.get(position)
    )


def mark_problems(record: Record, header: Header, column: str) -> Iterator[Problem]:
    """Yield what a workbook says against these cells, for example that they are dates."""
    for name, position in _positions(header, column):
        mark = record.marks.get(position)
        if mark and (mark is not CELL_IS_MERGED or position != position_of(header, column)):
            yield mark(row=record.number, column=name, value=_text(record, position))


def _positions(header: Header, column: str) -> list[tuple[str, int]]:
    return [(name, header.positions[name]) for name in IDENTIFIERS[column] if name in header.positions]


def _text(record: Record, position: int) -> str:
    text = record.cells[position] if position < len(record.cells) else ""
    return (forced_text(text) or unsafe_cell(text)).strip(BLANKS)
