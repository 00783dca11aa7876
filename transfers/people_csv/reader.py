"""Read rows, counts and problems from an uploaded people.csv."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from spreadsheets.columns import DELIMITERS, Header
from spreadsheets.problem_kinds import STRAY_QUOTE, TYPED_BESIDE
from spreadsheets.reader import Sheet, open_sheet
from spreadsheets.records import Record
from spreadsheets.rejection import FileRejected
from spreadsheets.safe_cells import BLANKS
from transfers.people_csv import problem_kinds
from transfers.people_csv.columns import IDENTITY, PEOPLE_CSV, TO_USER_ID
from transfers.people_csv.identifiers import position_of
from transfers.people_csv.ids import NULL_WORDS, bare_text
from transfers.people_csv.rows import Row, has_target, row_of
from transfers.people_csv.shapes import is_shifted, long_row, refuse_swallowed_rows, skipped_row
from wording.phrases import counted
from wording.problems import Problem

_WORDS_NAMED, _ROWS_NAMED = 3, 10
_PADDED_ROWS = 16  # Excel gives the rows of a block of 16 the same number of cells


@dataclass(slots=True)
class ParsedFile:
    """The selected rows, in the order of the file. A row is selected if it names a target or ends before that column.

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
    to, width = position_of(header, TO_USER_ID), header.width
    for record in sheet.records:
        cells = record.cells
        if record.many_lines:
            refuse_swallowed_rows(record, header)
        if len(cells) > to and has_target(record, header):
            _select(parsed, odd, record, header)
        elif record.is_empty:
            parsed.empty += 1
            continue
        elif len(cells) > to:
            parsed.blank += 1
            if word := cells[to] and bare_text(cells[to]):
                odd.empty_words[word] += 1
            if header.beside:
                odd.beside += _has_text_beside(cells[-1], header.beside)
        else:
            _select(parsed, odd, record, header)
        if len(cells) > width:
            odd.longer[len(cells)] += 1


def _select(parsed: ParsedFile, odd: _Oddities, record: Record, header: Header) -> None:
    row = row_of(record, header)
    if row.from_id is None and (what := skipped_row(record, header)):
        odd.skipped[what].append(record.number)
        return
    if len(record.cells) > header.width:
        odd.padded.append((len(parsed.rows), len(record.cells)))
    parsed.rows.append(row)
    parsed.blank_above = parsed.blank


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
