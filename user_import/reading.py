"""From the bytes of a file to rows of cells; what they mean is judged in `user_import.judging`."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, BinaryIO

from transfers.people_csv import FileRejected
from transfers.people_csv.columns import DELIMITERS, listed
from transfers.people_csv.encodings import Encoding, find_encoding
from transfers.people_csv.intake import refuse_other_types, take_in, without_separator_line
from transfers.people_csv.kinds import COLUMN_TWICE, EXTRA_COLUMNS, READ_AS, empty_rows
from transfers.people_csv.records import Record, records
from transfers.people_csv.safe_text import BLANKS, unsafe_cell
from transfers.problems import Problem
from user_import import kinds

USER_NAME, FIRST_NAME, LAST_NAME = "User Name", "First Name", "Last Name"
EMAIL, EMPLOYEE_ID = "Email", "Employee ID"
TEAM, ACTIVE, ROLES, VIEWS = "Team", "Active", "Roles", "Views"
COLUMNS = (USER_NAME, FIRST_NAME, LAST_NAME, EMAIL, EMPLOYEE_ID, TEAM, ACTIVE, ROLES, VIEWS)
MAXIMUM_ROWS = 10_000
KEPT = 4_000  # characters of a cell; a list of many views may be long

# Remedies of the shared reader that speak of people.csv, in words that fit a file of users.
REMEDIES = {
    "empty-file": kinds.CHOOSE,
    "file-too-large": "A file of users is normally far smaller – was another file chosen? " + kinds.CHOOSE,
    "other-file-type": kinds.CHOOSE,
    "web-page": "A sign-in page may have been saved in its place. " + kinds.CHOOSE,
    "too-many-lines": "Split it, and import one part after the other.",
    "row-too-large": "Check that each user has a row of their own.",
}
SENTENCES = {"row-too-large": "A row of the file is far larger than a row of users can be."}


@dataclass(frozen=True)
class Row:
    """A user as the file has them: by column, the cells that are not blank. `surplus`: cells beyond the header."""

    number: int
    cells: dict[str, str]
    surplus: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class ReadFile:
    rows: list[Row] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


def read(stream: BinaryIO) -> ReadFile:
    """Any bytes give a ReadFile or raise `FileRejected`. Limits: 25 MB, 10,000 users."""
    try:
        return read_data(without_separator_line(checked(stream)))
    except FileRejected as rejected:
        raise FileRejected(in_words_of_users(rejected.problem)) from rejected


def in_words_of_users(problem: Problem) -> Problem:
    return replace(
        problem,
        sentence=SENTENCES.get(problem.code, problem.sentence),
        remedy=REMEDIES.get(problem.code, problem.remedy),
    )


def checked(stream: BinaryIO) -> bytes:
    data, _ = take_in(stream)
    refuse_other_types(data)
    return data


def read_data(data: bytes) -> ReadFile:
    encoding = find_encoding(data)
    if encoding.lossy:
        raise FileRejected(kinds.NOT_UTF8())
    delimiter, header = find_header(data, encoding)
    positions = positions_of(header)
    file = ReadFile()
    empty = 0
    for record in records(data, encoding, delimiter):
        if record.number > header.number:
            row = row_of(record, positions, len(header.cells))
            empty += row is None
            file.rows += [row] if row else []
        if len(file.rows) > MAXIMUM_ROWS:
            raise FileRejected(kinds.TOO_MANY_ROWS(limit=MAXIMUM_ROWS))
    if not file.rows:
        raise FileRejected(kinds.NO_ROWS())
    file.notes += notes(header, encoding, delimiter, empty)
    return file


def find_header(data: bytes, encoding: Encoding) -> tuple[str, Record]:
    """The delimiter under which the first row holds the most of our columns."""
    found: list[tuple[int, str, Record]] = []
    rejection: FileRejected | None = None
    for delimiter in DELIMITERS:
        try:
            first = first_row(data, encoding, delimiter)
        except FileRejected as rejected:  # a wrong delimiter can break the quoting of a good file
            rejection = rejection or rejected
        else:
            found.append((len({key(cell) for cell in first.cells} & set(KEYS)), delimiter, first))
    if not found:
        raise rejection or FileRejected(kinds.NO_ROWS())
    known, delimiter, header = max(found, key=lambda one: (one[0], len(one[2].cells)))
    if not known or key(USER_NAME) not in map(key, header.cells):
        raise FileRejected(kinds.NO_USER_NAME(columns=listed(header.cells)))
    return delimiter, header


def first_row(data: bytes, encoding: Encoding, delimiter: str) -> Record:
    for record in records(data, encoding, delimiter):
        if any(cell.strip(BLANKS) for cell in record.cells):
            return record
    raise FileRejected(kinds.NO_ROWS())


def key(cell: str) -> str:
    """What is left of a column's name when case, spaces and marks do not count."""
    return "".join(char for char in cell.casefold() if char.isalnum())


KEYS = {key(column): column for column in COLUMNS}


def positions_of(header: Record) -> dict[str, int]:
    positions: dict[str, int] = {}
    for position, cell in enumerate(header.cells):
        column = KEYS.get(key(cell))
        if column in positions:
            raise FileRejected(COLUMN_TWICE(column=column))
        if column:
            positions[column] = position
    return positions


def row_of(record: Record, positions: dict[str, int], width: int) -> Row | None:
    """None for a row without anything in it."""
    if not any(cell.strip(BLANKS) for cell in record.cells):
        return None
    texts = {
        column: clean(record.cells[position])
        for column, position in positions.items()
        if position < len(record.cells)
    }
    surplus = len(record.cells) if any(cell.strip(BLANKS) for cell in record.cells[width:]) else 0
    return Row(record.number, {column: text for column, text in texts.items() if text}, surplus)


def clean(cell: str) -> str:
    """PostgreSQL knows no text with NUL in it; the character that stands for it is refused later."""
    return unsafe_cell(cell).strip(BLANKS).replace("\0", "\x01")[:KEPT]


def notes(header: Record, encoding: Encoding, delimiter: str, empty: int) -> Iterator[Problem]:
    how = [encoding.name] if encoding.name != "UTF-8" else []
    how += [f"{DELIMITERS[delimiter]}-separated"] if delimiter != "," else []
    if how:
        yield READ_AS(how=", ".join(how))
    unused = [cell for cell in header.cells if cell.strip(BLANKS) and key(cell) not in KEYS]
    if unused:
        yield EXTRA_COLUMNS(columns=listed(unused))
    if empty:
        yield empty_rows(empty)
