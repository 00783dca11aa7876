"""Read rows, counts and problems from an uploaded people.csv."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from spreadsheets.cell_text import forced_text
from spreadsheets.columns import DELIMITERS, Header
from spreadsheets.problem_kinds import CELL_IS_ERROR, CELL_IS_MERGED, STRAY_QUOTE, TYPED_BESIDE
from spreadsheets.reader import Sheet, open_sheet
from spreadsheets.records import Record
from spreadsheets.rejection import FileRejected
from spreadsheets.safe_cells import BLANKS, unsafe_cell
from transfers.people_csv import problem_kinds
from transfers.people_csv.columns import FROM_USER_ID, IDENTITY, PEOPLE_CSV, PREVIEW, ROW, TO_USER_ID
from transfers.people_csv.ids import NULL_WORDS, Reading, empty_word, is_blank, parse_id
from transfers.people_csv.shapes import (
    footer,
    is_shifted,
    long_row,
    refuse_swallowed_rows,
    shape_problems,
    skipped_row,
)
from wording.phrases import counted
from wording.problems import Problem

_OF_LOOK_UPS = (CELL_IS_ERROR.code, problem_kinds.ID_IS_FORMULA.code, problem_kinds.ID_NOT_POSITIVE.code)
_WORDS_NAMED, _ROWS_NAMED = 3, 10
_DIGITS = 16  # numbers of previews and rows have fewer
_PADDED_ROWS = 16  # Excel gives the rows of a block of 16 the same number of cells


@dataclass(frozen=True, slots=True)
class Row:
    """A selected row. An ID is None if its cell is blank or cannot be read; `problems` then say why it cannot be read.

    The texts from `first_name` to `employee_id` are read from the file ('' if the column is missing). They are only
    compared with the user's data and never shown as the user's name. `origin` is the preview, and the row in it, from
    which the row was downloaded to be corrected.
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
    origin: tuple[int, int] | None = None

    @property
    def found_nothing(self) -> bool:
        """True if To User ID seems to hold the result of a look-up that found no user: a formula error or 0."""
        return self.to_id is None and any(
            problem.column == TO_USER_ID and problem.code in _OF_LOOK_UPS for problem in self.problems
        )


@dataclass(slots=True)
class ParsedFile:
    """The selected rows, in the order of the file. A row is selected if it has a To User ID or ends before that column.

    `blank` counts rows with a blank To User ID, `empty` rows without any text. `rows_read` excludes empty rows.
    `blank_above` counts those blank rows that have a selected row below them. `delimiter` is the character and
    `delimiter_word` its name; both are empty for a workbook. `sha256` is the hex digest of the uploaded bytes.
    `code_page`: see `spreadsheets.encodings.Encoding`.
    """

    encoding: str
    delimiter: str
    delimiter_word: str
    sha256: str
    rows: list[Row] = field(default_factory=list)
    blank: int = 0
    blank_above: int = 0
    empty: int = 0
    notes: list[Problem] = field(default_factory=list)
    code_page: bool = False

    @property
    def rows_read(self) -> int:
        return self.blank + len(self.rows)


@dataclass(slots=True)
class _Oddities:
    """What the file has besides rows: numbers of rows and cells by what is odd about them.

    `skipped` holds row numbers, `longer` the number of rows by their length if it exceeds the header's, and `padded`
    the position in `ParsedFile.rows` and the length of selected rows longer than the header. `beside` counts rows whose
    last cell holds another delimiter and text after it.
    """

    empty_words: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    longer: Counter[int] = field(default_factory=Counter)
    padded: list[tuple[int, int]] = field(default_factory=list)
    beside: int = 0


def read(stream: BinaryIO) -> ParsedFile:
    """Read an uploaded people.csv. For any bytes, either return a ParsedFile or raise FileRejected.

    Limits: 25 MB, 200,000 lines. Only the selected rows are kept.
    """
    sheet = open_sheet(stream, PEOPLE_CSV)
    delimiter = sheet.header.delimiter
    parsed = ParsedFile(sheet.encoding.name, delimiter, DELIMITERS.get(delimiter, ""), sheet.sha256)
    odd = _Oddities()
    parsed.code_page = sheet.encoding.code_page
    parsed.empty = sheet.header.number - 1 - len(sheet.header.above)
    try:
        _read_rows(parsed, odd, sheet)
    except FileRejected as rejected:
        if sheet.header.beside and rejected.problem.code == STRAY_QUOTE.code:
            raise _beside(sheet) from rejected
        raise
    if odd.beside and not parsed.rows:
        raise _beside(sheet)
    if not parsed.rows_read:
        raise FileRejected(problem_kinds.NO_USERS())
    _report_shifted_rows(parsed, odd, sheet.header)
    if words := NULL_WORDS & odd.empty_words.keys():
        parsed.rows = [_without_words(row, words) for row in parsed.rows]
    parsed.notes.extend(_notes(parsed, odd, sheet))
    return parsed


def _read_rows(parsed: ParsedFile, odd: _Oddities, sheet: Sheet) -> None:
    header = sheet.header
    to, width = header.positions[TO_USER_ID], header.width
    for record in sheet.records:
        cells = record.cells
        if record.many_lines:
            refuse_swallowed_rows(record, header)
        if len(cells) > to and _has_target(record, header):
            _select(parsed, odd, record, header)
        elif record.is_empty:
            parsed.empty += 1
            continue
        elif len(cells) > to:
            parsed.blank += 1
            if word := cells[to] and empty_word(cells[to]):
                odd.empty_words[word] += 1
            if header.beside:
                odd.beside += _has_text_beside(cells[-1], header.beside)
        else:
            _select(parsed, odd, record, header)
        if len(cells) > width:
            odd.longer[len(cells)] += 1


def _select(parsed: ParsedFile, odd: _Oddities, record: Record, header: Header) -> None:
    row = _row(record, header)
    if row.from_id is None and (what := skipped_row(record, header)):
        odd.skipped[what].append(record.number)
        return
    if len(record.cells) > header.width:
        odd.padded.append((len(parsed.rows), len(record.cells)))
    parsed.rows.append(row)
    parsed.blank_above = parsed.blank


def _has_target(record: Record, header: Header) -> bool:
    """Return whether the row has a To User ID, or may have the one of another row with which its cell is merged."""
    to = header.positions[TO_USER_ID]
    mark = record.marks.get(to)
    if mark is CELL_IS_MERGED and is_blank(record.cells[to]):
        return _read_id(record, header, FROM_USER_ID)[0] is not None
    return mark is not None or not is_blank(record.cells[to])


def _read_id(record: Record, header: Header, column: str) -> Reading:
    text, mark = _id_cell(record, header.positions[column]), record.marks.get(header.positions[column])
    if mark is None or mark is CELL_IS_MERGED:  # see `shape_problems`
        return parse_id(text, column, record.number)
    return None, (mark(row=record.number, column=column, value=text),)


def _row(record: Record, header: Header) -> Row:
    cells = {column: _cell(record, position) for column, position in header.positions.items()}
    from_text, to_text = (_id_cell(record, header.positions[column]) for column in (FROM_USER_ID, TO_USER_ID))
    from_id, from_problems = _read_id(record, header, FROM_USER_ID)
    to_id, to_problems = _read_id(record, header, TO_USER_ID)
    problems = (*shape_problems(record, header), *from_problems, *to_problems)
    if is_shifted(problems):
        cells = {}
    if from_id is None and (instead := footer(record, from_text, to_text)):
        to_id, problems = None, (instead,)
    return Row(
        number=record.number,
        from_text=from_text,
        to_text=to_text,
        from_id=from_id,
        to_id=to_id,
        **{attribute: cells.get(column, "") for column, attribute in IDENTITY.items()},
        problems=problems,
        origin=_origin(cells),
    )


def _origin(cells: Mapping[str, str]) -> tuple[int, int] | None:
    numbers = [cells.get(column, "").strip(BLANKS) for column in (PREVIEW, ROW)]
    if not all(number.isascii() and number.isdecimal() and len(number) < _DIGITS for number in numbers):
        return None
    preview, row = map(int, numbers)
    return preview, row


def _id_cell(record: Record, position: int) -> str:
    return unsafe_cell(record.cells[position]) if position < len(record.cells) else ""


def _cell(record: Record, position: int) -> str:
    text = record.cells[position] if position < len(record.cells) else ""
    return forced_text(text) or unsafe_cell(text)


def _has_text_beside(cell: str, delimiter: str) -> bool:
    return bool(cell.partition(delimiter)[2].strip(BLANKS + delimiter))


def _beside(sheet: Sheet) -> FileRejected:
    return FileRejected(TYPED_BESIDE(row=sheet.header.number, typed=PEOPLE_CSV.typed))


def _report_shifted_rows(parsed: ParsedFile, odd: _Oddities, header: Header) -> None:
    """Add an error to rows that are longer than the header and than the other rows: a number may fill two cells."""
    padded = _padded_length(odd.longer, parsed.rows_read)
    for position, length in odd.padded:
        row = parsed.rows[position]
        if length > padded and not is_shifted(row.problems):
            problems = (long_row(row.number, length, header), *row.problems)
            parsed.rows[position] = _without(row, IDENTITY.values(), problems=problems)


def _padded_length(longer: Mapping[int, int], rows_read: int) -> int:
    """Return the greatest length that so many rows reach that a spreadsheet must have padded them."""
    as_long = 0
    for length in sorted(longer, reverse=True):
        as_long += longer[length]
        if as_long >= min(_PADDED_ROWS, rows_read / 2):
            return length
    return 0


def _without_words(row: Row, words: AbstractSet[str]) -> Row:
    """Return the row with blank names where the file holds the word that it has in blank cells, such as NULL."""
    return _without(row, [name for name in IDENTITY.values() if getattr(row, name) in words])


def _without(row: Row, names: Iterable[str], **changes: Any) -> Row:
    blank: dict[str, Any] = dict.fromkeys(names, "")
    return replace(row, **blank, **changes)


def _notes(parsed: ParsedFile, odd: _Oddities, sheet: Sheet) -> Iterator[Problem]:
    if not parsed.rows:
        yield problem_kinds.NONE_SELECTED()
    if sheet.encoding.lossy:
        yield problem_kinds.NOT_UTF8()
    if count := odd.empty_words.total():
        words = " or ".join(word for word, _ in odd.empty_words.most_common(_WORDS_NAMED))
        kind = problem_kinds.EMPTY_WORD if count == 1 else problem_kinds.EMPTY_WORDS
        yield kind(count=count, words=words)
    for what, rows in odd.skipped.items():
        yield problem_kinds.SKIPPED(what=what, rows=_listed(rows))
    yield from sheet.notes(parsed.empty)


def _listed(rows: list[int]) -> str:
    if len(rows) > _ROWS_NAMED:
        return counted(len(rows), "row")
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows))}"
