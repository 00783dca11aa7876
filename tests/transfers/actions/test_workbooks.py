"""Bulk transfers from a workbook: the same plan as from CSV, and errors that stay when the direction is swapped."""

from io import BytesIO

import xlsxwriter

from accounts.models import User
from spreadsheets.writer import Table
from tests.fixtures.cast import Cast
from tests.fixtures.running import confirm, run
from tests.spreadsheets.books import parts, row, zipped
from transfers import actions
from transfers.models import Transfer
from transfers.people_csv import COLUMNS
from transfers.planning.plan import plan_of
from transfers.results.exports import export_people


def uploaded(by: User, content: bytes) -> Transfer:
    return actions.upload(by=by, file_name="people", stream=BytesIO(content))


def people(cast: Cast, *pairs: tuple[User, User]) -> Table:
    """Return the file of users in which these pairs were filled in."""
    targets = {source.pk: target.pk for source, target in pairs}
    rows = [
        (number, targets.get(int(str(number)), ""), *cells)
        for number, _, *cells in export_people(by=cast.ada).rows
    ]
    return Table(COLUMNS, rows)


def test_the_same_content_as_csv_and_as_a_workbook_gives_the_same_plan(cast: Cast) -> None:
    table = people(cast, (cast.ana, cast.bo))
    plans = [
        plan_of(uploaded(cast.ada, b"".join(content)), cast.ada) for content in (table.csv(), table.xlsx())
    ]
    assert plans[0].pairs
    assert plans[0].hash == plans[1].hash


def test_a_transfer_from_the_downloaded_workbook(cast: Cast) -> None:
    draft = uploaded(cast.ada, b"".join(people(cast, (cast.ana, cast.bo)).xlsx()))
    assert draft.file_summary["encoding"] == "an Excel workbook"
    assert run(confirm(draft, cast.ada)).state == "succeeded"


def test_errors_of_cells_stay_when_the_direction_is_swapped(cast: Cast) -> None:
    ana, bo = str(cast.ana.pk), cast.bo.pk
    rows = [
        row(2, ana, f'<c r="B2"><v>{bo}</v></c>'),
        row(3, ana, f'<c r="B3" s="1"><v>{bo}</v></c>'),
        row(4, ana, f'<c r="B4"><f>&quot;{bo}&quot;</f></c>'),
        row(5, ana, '<c r="B5" t="e"><v>#N/A</v></c>'),
        row(6, ana, f'<c r="B6"><v>{bo}</v></c>', ' hidden="1"'),
    ]
    merged = '<mergeCells><mergeCell ref="B2:C2"/></mergeCells>'
    book = parts("".join(rows), merged, styles='<cellXfs><xf/><xf numFmtId="14"/></cellXfs>')
    draft = uploaded(cast.ada, zipped(book))

    for _ in range(2):
        plan = plan_of(draft, cast.ada)
        assert [planned.is_ready for planned in plan.rows] == [False] * 4 + [plan.rows[4].is_ready]
        assert "row-is-hidden" in [problem.code for problem in plan.rows[4].problems]
        actions.swap_direction(by=cast.ada, transfer=draft)
        draft.refresh_from_db()


def test_a_merged_target_is_an_error_in_each_row_whatever_names_the_source(cast: Cast) -> None:
    target = BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, text in enumerate(("From Email", cast.ana.email, cast.cy.email)):
            sheet.write_string(number, 0, text)
        sheet.write_string(0, 1, "To User ID")
        sheet.merge_range("B2:B3", cast.bo.pk)
    draft = uploaded(cast.ada, target.getvalue())
    codes = [[problem["code"] for problem in found.cell_problems] for found in draft.rows.order_by("number")]
    assert codes == [["cell-is-merged", "identified"], ["cell-is-merged", "identified"]]
