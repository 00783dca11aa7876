"""If the connection is lost, the page keeps typed text and shows an error, which disappears on reconnection."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Enter
from tests.fixtures.cast import Cast, transfer
from tests.fixtures.running import upload
from transfers.models import Kind, State

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOST = "The server could not be reached. Nothing was lost."


@pytest.fixture(autouse=True)
def no_complaints(page_errors: list[str], page: Page) -> None:
    """Ignore console errors, because the browser logs every failed request."""
    page.on("console", lambda message: page_errors.clear())


def test_on_the_preview(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, f"/transfer/bulk/{upload(cast.ada, (cast.ana, 7000777)).number}/")
    cell = page.get_by_label("To User ID, row 2")
    page.context.set_offline(True)
    cell.fill(str(cast.bo.pk))
    cell.press("Enter")
    expect(page.locator("#status")).to_contain_text(LOST)
    expect(cell).to_have_value(str(cast.bo.pk))
    expect(page.locator("#row-2")).to_contain_text("Error")

    page.context.set_offline(False)
    cell.press("Enter")
    expect(page.locator("#row-2")).to_contain_text("Bo Chen")
    expect(page.locator("#status")).not_to_contain_text(LOST)


def test_in_the_window(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.otto, f"/transfer/single/?source={cast.ana.pk}&target={cast.bo.pk}")
    page.locator("#content").get_by_text("Run Transfer", exact=True).click()
    window = page.get_by_role("alertdialog")
    window.get_by_label("I have checked the direction").check()
    page.context.set_offline(True)
    window.get_by_role("button", name="Run Transfer").click()
    expect(window).to_contain_text(LOST)
    expect(window.get_by_label("I have checked the direction")).to_be_checked()
    expect(window.get_by_role("button", name="Run Transfer")).to_be_enabled()
    page.context.set_offline(False)


def test_while_a_transfer_runs(page: Page, enter: Enter, cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), kind=Kind.BULK, state=State.RUNNING)
    enter(cast.ada, f"/transfers/{made.number}/")
    page.context.set_offline(True)
    expect(page.locator("#status")).to_contain_text(LOST)
    page.context.set_offline(False)
    expect(page.locator("#status")).not_to_contain_text(LOST, timeout=120_000)
    expect(page.get_by_text("0 of 2 done")).to_be_visible()
