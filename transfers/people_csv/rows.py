"""Read one selected row: its IDs, the texts about its users, and its problems."""

from collections.abc import Mapping
from dataclasses import dataclass

from spreadsheets.cell_text import forced_text
from spreadsheets.columns import Header
from spreadsheets.problem_kinds import CELL_IS_ERROR, CELL_IS_MERGED
from spreadsheets.records import Record
from spreadsheets.safe_cells import BLANKS, unsafe_cell
from transfers.people_csv import problem_kinds
from transfers.people_csv.columns import FROM_USER_ID, IDENTITY, PREVIEW, ROW, TO_USER_ID
from transfers.people_csv.identifiers import Identifiers, identifiers, mark_problems, position_of
from transfers.people_csv.ids import Reading, is_blank, parse_id
from transfers.people_csv.shapes import footer, is_shifted, shape_problems
from wording.problems import Problem

_OF_LOOK_UPS = (CELL_IS_ERROR.code, problem_kinds.ID_IS_FORMULA.code, problem_kinds.ID_NOT_POSITIVE.code)
_DIGITS = 16  # numbers of previews and rows have fewer


@dataclass(frozen=True, slots=True)
class Row:
    """A selected row. An ID is None if its cell is blank or cannot be read; `problems` then say why it cannot be read.

    The texts from `first_name` to `employee_id` are read from the file ('' if the column is missing). They are only
    compared with the user's data and never shown as the user's name. `from_identifiers` and `to_identifiers` name the
    two users in place of their IDs or beside them. `origin` is the preview, and the row in it, from which the row was
    downloaded to be corrected.
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
    employee_id: str
    problems: tuple[Problem, ...]
    from_identifiers: Identifiers = ()
    to_identifiers: Identifiers = ()
    origin: tuple[int, int] | None = None

    @property
    def found_nothing(self) -> bool:
        """True if To User ID seems to hold the result of a look-up that found no user: a formula error or 0."""
        return self.to_id is None and any(
            problem.column == TO_USER_ID and problem.code in _OF_LOOK_UPS for problem in self.problems
        )


def has_target(record: Record, header: Header) -> bool:
    """Return whether the row names a target, or may have that of another row with which its cell is merged."""
    to = position_of(header, TO_USER_ID)
    mark = record.marks.get(to)
    if mark is CELL_IS_MERGED and is_blank(record.cells[to]):
        source = _read_id(record, header, FROM_USER_ID)[0]
        return source is not None or bool(identifiers(record, header, FROM_USER_ID))
    is_filled = mark is not None or not is_blank(record.cells[to])
    return is_filled or bool(identifiers(record, header, TO_USER_ID))


def _read_id(record: Record, header: Header, column: str) -> Reading:
    if column not in header.positions:
        return None, ()
    text, mark = _id_cell(record, header.positions[column]), record.marks.get(header.positions[column])
    if mark is None or mark is CELL_IS_MERGED:  # see `shape_problems`
        return parse_id(text, column, record.number)
    return None, (mark(row=record.number, column=column, value=text),)


def row_of(record: Record, header: Header) -> Row:
    """Return the row, with all problems of its shape and of its cells."""
    cells = {column: _cell(record, position) for column, position in header.positions.items()}
    from_text, to_text = (
        _id_cell(record, header.positions.get(column)) for column in (FROM_USER_ID, TO_USER_ID)
    )
    sources, targets = (identifiers(record, header, column) for column in (FROM_USER_ID, TO_USER_ID))
    from_id, from_problems = _read_id(record, header, FROM_USER_ID)
    to_id, to_problems = _read_id(record, header, TO_USER_ID)
    marked = (
        problem for column in (FROM_USER_ID, TO_USER_ID) for problem in mark_problems(record, header, column)
    )
    problems = (*shape_problems(record, header), *from_problems, *to_problems, *marked)
    if is_shifted(problems):
        cells = {}
    may_be_footer = from_id is None and CELL_IS_MERGED not in record.marks.values()
    texts = _first(from_text, sources), _first(to_text, targets)
    if may_be_footer and (instead := footer(record, *texts)):
        to_id, problems, sources, targets = None, (instead,), (), ()
    return Row(
        number=record.number,
        from_text=from_text,
        to_text=to_text,
        from_id=from_id,
        to_id=to_id,
        **{attribute: cells.get(column, "") for column, attribute in IDENTITY.items()},
        problems=problems,
        from_identifiers=sources,
        to_identifiers=targets,
        origin=_origin(cells),
    )


def _origin(cells: Mapping[str, str]) -> tuple[int, int] | None:
    numbers = [cells.get(column, "").strip(BLANKS) for column in (PREVIEW, ROW)]
    if not all(number.isascii() and number.isdecimal() and len(number) < _DIGITS for number in numbers):
        return None
    preview, row = map(int, numbers)
    return preview, row


def _id_cell(record: Record, position: int | None) -> str:
    return (
        unsafe_cell(record.cells[position]) if position is not None and position < len(record.cells) else ""
    )


def _first(text: str, others: Identifiers) -> str:
    return text or next((other for _, other in others), "")


def _cell(record: Record, position: int) -> str:
    text = record.cells[position] if position < len(record.cells) else ""
    return forced_text(text) or unsafe_cell(text)
