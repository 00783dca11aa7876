"""A new user who knows only the README transfers the data of thirty users.

The new user makes five common mistakes and fixes each one as the page says.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from demo.accounts import PASSWORD
from tests.browser.world import World, demo_world
from tests.conftest import WorkerProcess
from transfers.models import PairState, TransferPair

pytestmark = [pytest.mark.browser, pytest.mark.worker, pytest.mark.django_db(transaction=True)]

PAIRS = 30
FROM, TO, FIRST, LAST = range(4)


@pytest.fixture
def demo(transactional_db: None) -> World:
    return demo_world()


def sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("User name or email").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def download_users(page: Page) -> list[list[str]]:
    """Open the page for a new bulk transfer, download the export of all users and return its rows."""
    page.get_by_role("link", name="Bulk (").click()
    page.get_by_role("link", name="Run a new bulk data transfer").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Click here to download an export of all users.").click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def upload(page: Page, rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    content = text.getvalue().encode("utf-8-sig")
    page.locator("#file").set_input_files({"name": "people.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Upload User Data Transfer File").click()


class Sheet:
    """The export as a spreadsheet, whose rows are found by the ID in the first column."""

    def __init__(self, rows: list[list[str]]) -> None:
        self.rows = rows

    def number(self, user: User) -> int:
        return next(n for n, row in enumerate(self.rows, start=1) if row[FROM] == str(user.pk))

    def fill(self, user: User, to: object) -> int:
        """Fill in the To User ID in the user's row, and return the row number."""
        number = self.number(user)
        self.rows[number - 1][TO] = str(to)
        return number


class Mistakes(NamedTuple):
    """The row number of each mistake.

    backwards: source and target are swapped, but not their names. named: the target is a name, not an ID. chained: the
    target is the source of another row. forbidden: the target is a tenant administrator. unknown: no user has the ID of
    the target.
    """

    backwards: int
    named: int
    chained: int
    forbidden: int
    unknown: int


def make_mistakes(sheet: Sheet, givers: Sequence[User], takers: Sequence[User]) -> Mistakes:
    chief = User.objects.get(username="tomas.ferreira")
    backwards = sheet.fill(givers[0], givers[0].pk)
    sheet.rows[backwards - 1][FROM] = str(takers[0].pk)
    return Mistakes(
        backwards=backwards,
        named=sheet.fill(givers[1], takers[1].name),
        chained=sheet.fill(givers[2], givers[3].pk),
        forbidden=sheet.fill(givers[4], chief.pk),
        unknown=sheet.fill(givers[5], 987654),
    )


def test_thirty_pairs_with_five_mistakes(
    page: Page, demo: World, celery_worker_process: WorkerProcess
) -> None:
    givers, takers = demo.people[:PAIRS], demo.people[PAIRS : 2 * PAIRS]
    User.objects.filter(pk=givers[0].pk).update(is_active=False)  # a user who has left
    sign_in(page)
    sheet = Sheet(download_users(page))
    for giver, taker in zip(givers, takers, strict=True):
        sheet.fill(giver, taker.pk)
    rows = make_mistakes(sheet, givers, takers)

    upload(page, sheet.rows)

    expect(page.get_by_role("heading", name="6 rows have errors")).to_be_visible()
    expect(page.get_by_role("button", name="Run Transfer")).to_be_disabled()
    fix_row(page, rows.chained, takers[2].pk, 4)
    fix_row(page, rows.forbidden, takers[4].pk, 3)
    fix_row(page, rows.unknown, takers[5].pk, 2)
    accept_suggestion(page, rows.named, takers[1])
    swap_row(page, rows.backwards, givers[0])
    expect(page.get_by_role("link", name="Run Transfer")).to_be_visible()

    run_transfer(page)

    expect(page.get_by_role("heading", name="Data Transfer Successful")).to_be_visible(timeout=120_000)
    expect(page.locator("#outcome")).to_contain_text(f"{PAIRS} of {PAIRS} users transferred")
    done = TransferPair.objects.filter(state=PairState.SUCCEEDED)
    wanted = {giver.pk: taker.pk for giver, taker in zip(givers, takers, strict=True)}
    assert dict(done.values_list("source_id", "target_id")) == wanted


def fix_row(page: Page, row: int, to: int, left: int) -> None:
    """Follow the link in the error list to the row, enter another ID, and check that `left` rows still have errors."""
    page.get_by_role("link", name=f"row {row}", exact=True).first.click()
    cell = page.get_by_label(f"To User ID, row {row}")
    cell.fill(str(to))
    cell.press("Enter")
    words = "1 row has an error" if left == 1 else f"{left} rows have errors"
    expect(page.get_by_role("heading", name=words)).to_be_visible()


def accept_suggestion(page: Page, number: int, meant: User) -> None:
    row = page.locator(f"#row-{number}")
    expect(row).to_contain_text(f"Did you mean {meant.pk} ({meant.name})?")
    row.get_by_role("button", name="Use").click()


def swap_row(page: Page, number: int, giver: User) -> None:
    """Search for the row's intended Source User, and swap source and target in the row."""
    page.get_by_label("Search by ID or name").fill(str(giver.pk))
    page.get_by_label("Search by ID or name").press("Enter")
    page.get_by_role("button", name=f"Swap row {number}").click()
    expect(page.locator("#status")).to_contain_text(f"Row {number}: ")
    expect(page.get_by_role("button", name=f"Clear row {number}")).to_be_focused()


def run_transfer(page: Page) -> None:
    page.get_by_role("link", name="Run Transfer").click()
    window = page.get_by_role("alertdialog")
    expect(window).to_be_visible()
    assert window.evaluate("dialog => dialog.scrollTop") == 0, "opens past its title and totals"
    window.get_by_label("I have compared the rows with my list").check()  # the IDs of the targets rise by one
    window.get_by_label(f"Type {PAIRS} to confirm").fill(str(PAIRS))
    window.get_by_role("button", name=f"Run Transfer for {PAIRS} users").click()
