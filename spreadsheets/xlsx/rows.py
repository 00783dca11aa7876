"""Streams the rows of a sheet that hold something, with the text of each cell and what the sheet says beyond text."""

from collections.abc import Iterator
from typing import NamedTuple

from spreadsheets import problem_kinds
from spreadsheets.records import MAX_RECORD
from spreadsheets.xlsx.cells import boolean_text, column_of, date_text, not_a_number
from spreadsheets.xlsx.limits import LAST_COLUMN, LAST_ROW, MAX_CELLS, Damaged, TooMuch
from spreadsheets.xlsx.package import Package
from spreadsheets.xlsx.strings import StringsParser, unescaped
from spreadsheets.xlsx.styles import StylesParser
from spreadsheets.xlsx.xml import MAIN, Attributes, Parser, full_names, is_true, number
from wording.problems import Kind

_short_name = full_names(MAIN, ["row", "c", "v", "t", "f", "rPh"]).get


class SheetRow(NamedTuple):
    """A row of a sheet. `marks` and `formulas` are positions of cells: those whose text is not what was entered, with
    the reason, and those whose text was calculated.
    """

    number: int
    cells: list[str]
    marks: dict[int, Kind]
    formulas: list[int]
    is_hidden: bool


class Book(NamedTuple):
    """What the cells of all sheets refer to. `styles` is None if the workbook has no formats."""

    strings: list[str]
    styles: StylesParser | None
    counts_from_1904: bool


def read_rows(package: Package, part: str, book: Book) -> Iterator[SheetRow]:
    """Yield the rows that have text, in the order of the file. Their numbers are those of the sheet."""
    parser = _SheetParser(book)
    for _ in parser.steps(package.read(part)):
        yield from parser.rows
        parser.rows = []


def read_strings(package: Package, part: str | None) -> list[str]:
    parser = StringsParser()
    if part is not None:
        parser.parse(package.read(part))
    return parser.strings


def read_styles(package: Package, part: str | None) -> StylesParser | None:
    if part is None:
        return None
    parser = StylesParser()
    parser.parse(package.read(part))
    return parser


class _SheetParser(Parser):
    """Collects the rows of the part parsed so far in `rows`. Its methods run for each cell, so they avoid calls."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self.rows: list[SheetRow] = []
        self._book = book
        self._seen = bytearray(LAST_ROW + 1)
        self._columns: dict[str, int] = {}  # positions by letters
        self._date_formats: dict[str, bool] = {}
        self._row = SheetRow(0, [], {}, [], False)
        self._row_text = "0"
        self._count = 0
        self._length = 0  # characters of the row
        self._position = -1
        self._cell: Attributes = {}
        self._texts: dict[str, list[str]] = {}
        self._taking: list[str] | None = None
        self._is_phonetic = False

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        short = _short_name(name)
        if short == "c":
            self._cell, self._texts = attributes, {}
        elif short == "row":
            self._start_row(attributes)
        elif short == "rPh":
            self._is_phonetic = True
        elif short is not None and not self._is_phonetic:
            self._taking = self._texts.setdefault(short, [])

    def end(self, name: str) -> None:
        self.depth -= 1
        short = _short_name(name)
        if short == "c":
            self._end_cell()
        elif short == "row":
            if self._row.cells:
                self.rows.append(self._row)
        elif short == "rPh":
            self._is_phonetic = False
        elif short is not None:
            self._taking = None

    def text(self, text: str) -> None:
        if self._taking is not None:
            self._taking.append(text)
            self._length += len(text)
            if self._length > MAX_RECORD:
                raise TooMuch("text in one row")

    def _start_row(self, attributes: Attributes) -> None:
        row = number(attributes["r"], LAST_ROW) if "r" in attributes else self._row.number + 1
        if not 0 < row <= LAST_ROW or self._seen[row]:
            raise Damaged(f"row {row}")
        self._seen[row] = 1
        hidden = is_true(attributes.get("hidden")) or attributes.get("ht") in ("0", "0.0")
        self._row, self._row_text = SheetRow(row, [], {}, [], hidden), str(row)
        self._position, self._length = -1, 0

    def _end_cell(self) -> None:
        reference = self._cell.get("r")
        if reference is None:
            position = self._position + 1
        else:
            letters = reference.removesuffix(self._row_text)
            position = self._columns.get(letters, -1)
            if position < 0:
                position = self._columns[letters] = column_of(letters)
        if not 0 <= position < LAST_COLUMN:
            raise Damaged(f"cell {reference} in row {self._row_text}")
        self._position = position
        self._count += 1
        if self._count > MAX_CELLS:
            raise TooMuch("cells")
        if self._texts:
            text, mark = self._value()
            if text:
                self._put(text, mark)

    def _put(self, text: str, mark: Kind | None) -> None:
        cells, position = self._row.cells, self._position
        gap = position - len(cells)
        if gap > 0:
            self._count += gap
            cells += [""] * gap
        if gap >= 0:
            cells.append(text)
        elif cells[position]:
            raise Damaged(f"two cells in one place of row {self._row_text}")
        else:
            cells[position] = text
        if mark:
            self._row.marks[position] = mark
        elif "f" in self._texts:
            self._row.formulas.append(position)

    def _value(self) -> tuple[str, Kind | None]:
        """Return the text of the cell and, if that is not what was entered, the reason. A blank cell has no reason."""
        kind, texts = self._cell.get("t", "n"), self._texts
        if kind == "inlineStr":
            return unescaped("".join(texts.get("t", ()))), None
        value = "".join(texts.get("v", ()))
        if kind == "s":
            strings = self._book.strings
            return strings[number(value, len(strings) - 1)], None
        if not value and "f" in texts and (kind != "str" or "v" not in texts):
            return f"={''.join(texts['f'])} → ?", problem_kinds.CELL_NOT_CALCULATED
        if kind == "str":
            return unescaped(value), None
        if kind == "n":
            return self._number_text(value.strip())
        return _other_value(kind, value)

    def _number_text(self, value: str) -> tuple[str, Kind | None]:
        style = self._cell.get("s")
        if value and style is not None and self._is_date(style):
            return date_text(value, from_1904=self._book.counts_from_1904), problem_kinds.CELL_IS_DATE
        return value, None

    def _is_date(self, style: str) -> bool:
        known = self._date_formats.get(style)
        if known is None:
            styles = self._book.styles
            known = self._date_formats[style] = styles is not None and styles.is_date(style)
        return known


def _other_value(kind: str, value: str) -> tuple[str, Kind | None]:
    if kind == "b":
        return boolean_text(value), None
    if kind == "e":
        return value if value.startswith("#") else "#ERROR", problem_kinds.CELL_IS_ERROR
    if kind == "d":
        return not_a_number(value), problem_kinds.CELL_IS_DATE if value else None
    raise Damaged(f"cell of the type {kind}")
