"""Reads an uploaded file of users into rows of cells. `resolving` works out what the rows mean."""

from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO

from accounts.people.user_import import problem_kinds
from spreadsheets.cell_text import forced_text
from spreadsheets.columns import Header
from spreadsheets.file_kind import FileKind
from spreadsheets.reader import open_sheet
from spreadsheets.records import Record
from spreadsheets.rejection import FileRejected
from spreadsheets.safe_cells import BLANKS, unsafe_cell
from wording.phrases import counted
from wording.problems import Problem, Sentence

USER_NAME, FIRST_NAME, LAST_NAME = "User Name", "First Name", "Last Name"
EMAIL, EMPLOYEE_ID = "Email", "Employee ID"
TEAM, ACTIVE, ROLES, VIEWS = "Team", "Active", "Roles", "Views"
COLUMNS = (USER_NAME, FIRST_NAME, LAST_NAME, EMAIL, EMPLOYEE_ID, TEAM, ACTIVE, ROLES, VIEWS)
ROW = "Row"  # in a file of the rows with errors: their numbers in the file they came from
USERS_CSV = FileKind(
    columns=(*COLUMNS, ROW),
    required=(USER_NAME,),
    unambiguous=COLUMNS,
    name=Sentence("A file of users"),
    typed=Sentence("Cells"),
    choose=Sentence("Choose the CSV file or workbook of users, then upload it."),
    start_again=Sentence("Download users.csv or users.xlsx again and edit that file."),
    keep_header=Sentence(problem_kinds.KEEP_HEADER),
)
MAXIMUM_ROWS = 10_000
KEPT = 4_000  # characters kept of each cell; a list of many views may be long


@dataclass(frozen=True)
class Row:
    """A row of the file. `cells` maps column names to the cells that are not blank.

    If the row has text beyond the last column of the header, `surplus` is the number of all its cells, else 0.
    `faults` are problems that a workbook tells of its cells, such as dates, as `Problem.to_json` returns them.
    """

    number: int
    cells: dict[str, str]
    surplus: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class UsersFile:
    rows: list[Row] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


def read(stream: BinaryIO) -> UsersFile:
    """Read an uploaded file of users. Whatever the file contains, no exception but `FileRejected` is raised.

    The limits are 25 MB and 10,000 users.
    """
    sheet = open_sheet(stream, USERS_CSV)
    if sheet.encoding.lossy:
        raise FileRejected(problem_kinds.NOT_UTF8())
    file, empty, hidden = UsersFile(), 0, 0
    for record in sheet.records:
        if record.is_empty:
            empty += 1
            continue
        hidden += record.is_hidden
        file.rows.append(row_of(record, sheet.header))
        if len(file.rows) > MAXIMUM_ROWS:
            raise FileRejected(problem_kinds.TOO_MANY_ROWS(limit=MAXIMUM_ROWS))
    if not file.rows:
        raise FileRejected(problem_kinds.NO_ROWS())
    file.notes += sheet.notes(empty)
    if hidden:
        file.notes.append(problem_kinds.HIDDEN_ROWS(rows=counted(hidden, "row")))
    return file


def row_of(record: Record, header: Header) -> Row:
    texts = {
        column: clean(record.cells[position])
        for column, position in header.positions.items()
        if position < len(record.cells)
    }
    surplus = len(record.cells) if record.has_text_from(header.width) else 0
    faults = [
        record.marks[position](row=record.number, column=column, value=texts[column]).to_json()
        for column, position in header.positions.items()
        if position in record.marks
    ]
    return Row(record.number, {column: text for column, text in texts.items() if text}, surplus, faults)


def clean(cell: str) -> str:
    """Return the cell's text without surrounding blanks, cut to KEPT characters. The text of `="00123"` is 00123.

    PostgreSQL cannot store NUL, so it becomes another control character, which is later reported as a problem of the
    row.
    """
    text = forced_text(cell)
    return (unsafe_cell(cell) if text is None else text).strip(BLANKS).replace("\0", "\x01")[:KEPT]
