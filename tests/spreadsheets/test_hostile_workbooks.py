"""Damaged and hostile workbooks are refused with a sentence or read right, within bounded memory."""

import json
import random
import subprocess
import sys

import pytest
from django.conf import settings

from spreadsheets.writer import Table
from spreadsheets.xlsx.package import Package, resolve
from tests.spreadsheets.bombs import MEGABYTE
from tests.spreadsheets.books import outcome, parts, row, zipped
from transfers.people_csv import COLUMNS

GOOD = zipped(
    parts(
        "".join(row(n, str(n), f'<c r="B{n}" t="s"><v>{n - 2}</v></c>') for n in range(2, 5)),
        strings="".join(f"<si><t>{n}</t></si>" for n in range(52, 55)),
        styles="<cellXfs><xf/></cellXfs>",
    )
)
ROWS = [(n, n, n + 50) for n in range(2, 5)]
FLIPS = 10_000
GROWTH = 250 * MEGABYTE


def test_a_workbook_that_is_cut_off_is_refused() -> None:
    users = ((n, n + 5000, f"First {n * 7919 % 1009}", "Last", f"u{n}", "", "Yes", "") for n in range(3000))
    whole = b"".join(Table(COLUMNS, users).xlsx())
    cuts = range(997, len(whole), 997)
    assert len(cuts) > 50
    assert {str(outcome(whole[:cut])) for cut in cuts} <= {"damaged-workbook", "archive"}


def test_flipped_bits_are_noticed_or_do_no_harm() -> None:
    assert outcome(GOOD) == ROWS
    chance = random.Random(17)
    read = refused = 0
    for _ in range(FLIPS):
        bad = bytearray(GOOD)
        for _ in range(chance.choice((1, 1, 1, 2, 8))):
            bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        found = outcome(bytes(bad))
        assert found == ROWS or isinstance(found, str)
        read, refused = read + (found == ROWS), refused + isinstance(found, str)
    assert read > FLIPS / 100
    assert refused > FLIPS / 2


def test_bombs_are_refused_within_bounded_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.spreadsheets.bombs"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 15
    for name, bomb in found.items():
        assert bomb["words"] in bomb["said"], name
        assert bomb["bytes"] < 10 * MEGABYTE, name
        assert bomb["grown"] < GROWTH, name


@pytest.mark.parametrize(
    ("source", "target", "part"),
    [
        ("", "xl/workbook.xml", "xl/workbook.xml"),
        ("", "/xl/workbook.xml", "xl/workbook.xml"),
        ("xl/workbook.xml", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("xl/workbook.xml", "/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("xl/workbook.xml", "../xl/./styles.xml", "xl/styles.xml"),
        ("xl/workbook.xml", "my%20sheet.xml", "xl/my sheet.xml"),
        ("xl/workbook.xml", "worksheets\\sheet1.xml", "xl/worksheets/sheet1.xml"),
    ],
)
def test_addresses_of_parts(source: str, target: str, part: str) -> None:
    assert resolve(source, target) == part


def test_only_the_parts_that_are_needed_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    read = Package.read
    monkeypatch.setattr(Package, "read", lambda self, name: names.append(name) or read(self, name))
    book = parts("", strings="", styles="") | {"xl/media/image1.png": b"x", "xl/worksheets/sheet9.xml": b"x"}
    outcome(zipped(book | {"[Content_Types].xml": b"x", "docProps/core.xml": b"x"}))
    assert set(names) == {
        "_rels/.rels",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/worksheets/sheet1.xml",
        "xl/sharedStrings.xml",
        "xl/styles.xml",
    }
