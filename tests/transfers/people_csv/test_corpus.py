"""Files as real programs write them, read and checked as an upload. corpus/corpus.md says what becomes of each."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import xlsxwriter

from accounts.models import User
from accounts.permissions import TRANSFER_ADMINISTRATOR
from records.workforce.models import AgentSchedule
from spreadsheets.columns import DELIMITERS
from spreadsheets.encodings import find_encoding
from spreadsheets.intake import without_separator_line
from spreadsheets.rejection import FileRejected
from tenancy.models import Tenant
from tests.fixtures.cast import enterprise_view, person
from tests.fixtures.records import NOON
from transfers import actions
from transfers.models import Transfer
from transfers.planning.plan import plan_of
from wording.problems import Problem, Severity

pytestmark = pytest.mark.django_db

CORPUS = Path(__file__).parent / "corpus"
COLUMNS = ("file", "read", "ready", "warning", "error", "pairs", "about rows", "about the file", "said")
ADMINISTRATOR = 9_000  # not the next number of the sequence, which may be that of a user of users.csv
Line = dict[str, str]


def lines() -> Iterator[Line]:
    """Yield the lines of the table. A `|` inside a cell is written as `\\|`."""
    for text in (CORPUS / "corpus.md").read_text().splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", text)[1:-1]]
        if len(cells) == len(COLUMNS) and cells[0].startswith("`"):
            yield dict(zip(COLUMNS, (cells[0].strip("`"), *cells[1:]), strict=True))


LINES = list(lines())
# Only the number of a row's cells shows what is wrong with it. A workbook does not keep empty cells at the end.
TOLD_BY_EMPTY_CELLS = [
    "05-thousands-mark-unquoted-no-names.csv",
    "36-psql-unaligned-footer.csv",
    "39-sqlcmd-dashes-and-footer.csv",
    "54-shifted-row-of-a-user-without-team.csv",
    "57-one-row-longer.csv",
]


def is_text(line: Line) -> bool:
    """Return whether the file is a CSV file that is read, in an encoding that is certain."""
    is_csv = not line["file"].endswith(".xlsx")
    return is_csv and line["read"] != "refused" and "not-utf-8" not in line["about the file"]


@pytest.fixture
def admin(db: None) -> User:
    """Return a person who sees the users of users.csv. Those who are inactive have a record that can move."""
    tenant = Tenant.objects.create(name="Northwind")
    with (CORPUS / "users.csv").open() as file:
        rows = list(csv.DictReader(file))
    users = User.objects.bulk_create(
        User(
            pk=int(row["User ID"]),
            tenant=tenant,
            first_name=row["First Name"],
            last_name=row["Last Name"],
            username=row["User Name"],
            email=row["Email"],
            is_active=row["Active"] == "Yes",
        )
        for row in rows
    )
    AgentSchedule.objects.bulk_create(
        AgentSchedule(user=user, date=NOON.date(), starts_at=NOON, ends_at=NOON)
        for user in users
        if not user.is_active
    )
    view = enterprise_view(tenant)
    return person(tenant, "Ada Admin", TRANSFER_ADMINISTRATOR, view, pk=ADMINISTRATOR)


@pytest.mark.parametrize("line", [pytest.param(line, id=line["file"]) for line in LINES])
def test_a_file_is_read_as_the_table_says(line: Line, admin: User) -> None:
    """The same cells in a workbook give the same plan."""
    content = (CORPUS / line["file"]).read_bytes()
    try:
        draft = actions.upload(by=admin, file_name=line["file"], stream=io.BytesIO(content))
    except FileRejected as rejected:
        found = refused(line, rejected.problem)
    else:
        found = accepted(line, draft, admin)
        if is_text(line):
            same = has_the_same_plan_as_a_workbook(content, draft, admin)
            assert same == (line["file"] not in TOLD_BY_EMPTY_CELLS)
    assert found == line


def has_the_same_plan_as_a_workbook(content: bytes, draft: Transfer, by: User) -> bool:
    book = workbook(content, draft.file_summary["delimiter"])
    same = actions.upload(by=by, file_name="people.xlsx", stream=io.BytesIO(book))
    return plan_of(same, by).hash == plan_of(draft, by).hash


def workbook(content: bytes, delimiter_word: str) -> bytes:
    """Return the cells of a CSV file as texts in a workbook."""
    encoding, target = find_encoding(content), io.BytesIO()
    text = without_separator_line(content, encoding).decode(encoding.codec)
    delimiter = {word: char for char, word in DELIMITERS.items()}[delimiter_word]
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)):
            for position, cell in enumerate(cells):
                sheet.write_string(number, position, cell)
    return target.getvalue()


def test_every_file_has_a_line() -> None:
    files = {path.name for path in CORPUS.iterdir()} - {"corpus.md", "users.csv"}
    assert sorted(line["file"] for line in LINES) == sorted(files)


def refused(line: Line, problem: Problem) -> Line:
    return dict.fromkeys(COLUMNS, "–") | {
        "file": line["file"],
        "read": "refused",
        "about the file": problem.code,
        "said": said(line, [problem]),
    }


def accepted(line: Line, draft: Transfer, by: User) -> Line:
    plan = plan_of(draft, by)
    about_file = [Problem.from_json(problem) for problem in draft.file_summary["problems"]]
    rows = {row.number: row for row in draft.rows.all()}
    statuses = [row.status for row in rows.values()]
    ready = [row for row in plan.rows if row.is_ready]
    about_rows = [(row.row_number, problem) for row in plan.rows for problem in row.problems]
    codes = (f"{number} {problem.code}" for number, problem in about_rows)
    return {
        "file": line["file"],
        "read": str(draft.file_summary["read"]),
        **{status: str(statuses.count(status)) for status in ("ready", "warning", "error")},
        "pairs": ", ".join(f"{row.source_id} → {row.target_id}" for row in ready) or "–",
        "about rows": ", ".join(codes) or "–",
        "about the file": ", ".join(dict.fromkeys(problem.code for problem in about_file)) or "–",
        "said": said(line, [*about_file, *(problem for _, problem in about_rows)]),
    }


def said(line: Line, problems: list[Problem]) -> str:
    """Return the expected words if a problem says them, else all that was said."""
    texts = [f"{problem.sentence} {problem.remedy}".strip() for problem in problems]
    expected = line["said"]
    if expected == "–":
        worth_saying = [p.sentence for p in problems if p.severity is not Severity.NOTE]
        return "; ".join(worth_saying) or expected
    return expected if any(expected in text for text in texts) else " ; ".join(texts)
