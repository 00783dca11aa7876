"""The shape of a row: too short, shifted, not the row of a user, or several rows that a quotation mark has joined."""

import re
from collections.abc import Iterable, Iterator, Sequence

from spreadsheets.columns import Header, is_header
from spreadsheets.problem_kinds import CELL_IS_MERGED, HEADER_AGAIN, ROW_IS_HIDDEN, ROWS_IN_CELL
from spreadsheets.records import Record
from spreadsheets.rejection import FileRejected
from spreadsheets.safe_cells import BLANKS
from transfers.people_csv import problem_kinds
from transfers.people_csv.columns import FROM_USER_ID, PEOPLE_CSV, TO_USER_ID
from transfers.people_csv.identifiers import position_of
from wording.problems import Problem

REPEATED_HEADER, DASHES, TYPE = "Repeated column names", "A line of dashes", "A line about a type"

_CELLS = 1_000  # so many cells of a row are looked at
_DASHES = re.compile(r"[-=+_]{2,}")
_FOOTER = re.compile(
    r"(?:grand\s*|sub)?totals?\b.*|sum|summe|gesamt\w*|count|average|\(?[0-9.,]+\s+(?:rows?|records?|results?)\b.*",
    re.IGNORECASE,
)
_LEADING_DIGITS, _GROUP = re.compile(r"[1-9][0-9]{0,2}"), re.compile(r"[0-9]{3}")


def skipped_row(record: Record, header: Header) -> str:
    """Return what the row is if it can be skipped because it speaks of no user, else "".

    Raises FileRejected if the row repeats the column names in another order, because the cells below are in that order.
    """
    cells = record.cells[:_CELLS]
    if is_header(cells, PEOPLE_CSV):
        if header.is_repeated_by(cells):
            return REPEATED_HEADER
        raise FileRejected(HEADER_AGAIN(row=record.number))
    texts = [text for cell in cells if (text := cell.strip(BLANKS))]
    if texts and texts[0].startswith("#TYPE "):  # PowerShell writes it above the column names
        return TYPE
    return DASHES if texts and all(map(_DASHES.fullmatch, texts)) else ""


def footer(record: Record, from_text: str, to_text: str) -> Problem | None:
    """Return the problem of a row that programs write below the data, such as “(10 rows affected)”, or None."""
    texts = [text for cell in record.cells[:_CELLS] if (text := cell.strip(BLANKS))]
    is_lone_text = len(texts) == 1 and any(map(str.isalpha, texts[0]))
    for text in (from_text.strip(BLANKS), to_text.strip(BLANKS)):
        if text and (_FOOTER.fullmatch(text) or (is_lone_text and text == texts[0] and not to_text)):
            return problem_kinds.NOT_A_USER(row=record.number, value=text)
    return None


def shape_problems(record: Record, header: Header) -> Iterator[Problem]:
    """Yield problems of the row that remain if its IDs are swapped: short, shifted, with merged cells, or hidden."""
    cells = record.cells
    positions = {position_of(header, column): column for column in (TO_USER_ID, FROM_USER_ID)}
    if out_of_reach := [position for position in positions if position >= len(cells)]:
        yield problem_kinds.SHORT_ROW(row=record.number, column=positions[min(out_of_reach)])
    if record.has_text_from(header.width) or splits_id(cells, header):
        yield long_row(record.number, len(cells), header)
    for position, column in sorted(positions.items()):
        if record.marks.get(position) is CELL_IS_MERGED:
            yield CELL_IS_MERGED(row=record.number, column=column)
    if record.is_hidden:
        yield ROW_IS_HIDDEN(row=record.number, column=TO_USER_ID)


def long_row(row: int, cells: int, header: Header) -> Problem:
    return problem_kinds.LONG_ROW(row=row, cells=cells, width=header.width)


def is_shifted(problems: Iterable[Problem]) -> bool:
    """Return whether the cells of the row may have shifted, so that what stands in a column may belong to another."""
    return any(problem.code == problem_kinds.LONG_ROW.code for problem in problems)


def splits_id(cells: Sequence[str], header: Header) -> bool:
    """Return whether a row longer than the header has an ID such as 2,000 in two cells, 2 and 000."""
    if len(cells) <= header.width:
        return False
    source, target = position_of(header, FROM_USER_ID), position_of(header, TO_USER_ID)
    is_source_split = is_split_at(cells, source) and (target != source + 1 or is_number(cells, target + 1))
    return is_source_split or is_split_at(cells, target)


def is_split_at(cells: Sequence[str], position: int) -> bool:
    if not (is_number(cells, position) and is_number(cells, position + 1)):
        return False
    return bool(
        _LEADING_DIGITS.fullmatch(cells[position].strip(BLANKS)) and _GROUP.fullmatch(cells[position + 1])
    )


def is_number(cells: Sequence[str], position: int) -> bool:
    return position < len(cells) and cells[position].strip(BLANKS).isdecimal()


def refuse_swallowed_rows(record: Record, header: Header) -> None:
    """Reject the file if a cell contains rows: an unclosed quotation mark swallows all rows up to the next mark."""
    for position, cell in enumerate(record.cells):
        *whole, last = re.split(r"\r\n|\r|\n", cell)[1:] or [""]
        cells_after = len(record.cells) - position - 1
        if any(_is_row(line, header, 0) for line in whole) or _is_row(last, header, cells_after):
            raise FileRejected(ROWS_IN_CELL(row=record.number))


def _is_row(line: str, header: Header, cells_after: int) -> bool:
    parts = line.split(header.delimiter)
    source = position_of(header, FROM_USER_ID)
    if len(parts) + cells_after != header.width or source >= len(parts):
        return False
    return parts[source].strip(BLANKS + "'\"").isdecimal()
