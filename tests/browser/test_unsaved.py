"""A change of the preview that did not reach the server is marked in its row and sent again; nothing runs over it."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Enter
from tests.fixtures.cast import Cast
from tests.fixtures.running import upload
from transfers.models import Transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def no_complaints(page_errors: list[str], page: Page) -> None:
    """Ignore console errors, because the browser logs every failed request."""
    page.on("console", lambda message: page_errors.clear())


@pytest.fixture
def draft(cast: Cast) -> Transfer:
    return upload(cast.ada, (cast.ana, cast.bo.pk), (cast.cy, cast.di.pk))


def opened(enter: Enter, cast: Cast, draft: Transfer) -> None:
    enter(cast.ada, f"/transfer/bulk/{draft.number}/?filter=all")


def target_of(draft: Transfer, number: int) -> int | None:
    return draft.rows.get(number=number).to_id


def type_target(page: Page, number: int, text: object) -> None:
    cell = page.get_by_label(f"To User ID, row {number}")
    cell.fill(str(text))
    cell.press("Enter")


def test_offline_and_back(page: Page, enter: Enter, cast: Cast, draft: Transfer) -> None:
    opened(enter, cast, draft)
    page.context.set_offline(True)
    type_target(page, 2, cast.eli.pk)
    row = page.locator("#row-2")
    expect(row).to_contain_text("Not saved. The server could not be reached.")
    expect(page.get_by_label("To User ID, row 2")).to_have_value(str(cast.eli.pk))
    expect(page.locator(".run")).to_contain_text("Row 2 is not saved.")

    page.locator("#run").click()
    expect(page.get_by_role("button", name="Try again to save row 2")).to_be_focused()
    expect(page.get_by_role("alertdialog")).to_have_count(0)

    page.context.set_offline(False)
    expect(row).to_contain_text(cast.eli.name)
    expect(row).not_to_contain_text("Not saved")
    expect(page.locator(".run")).not_to_contain_text("not saved")
    assert target_of(draft, 2) == cast.eli.pk


@pytest.mark.parametrize("status", [429, 500, 503])
def test_another_row_that_is_saved_does_not_bring_the_old_target_back(
    page: Page, enter: Enter, cast: Cast, draft: Transfer, status: int
) -> None:
    opened(enter, cast, draft)

    def refuse(route: Route) -> None:
        route.fulfill(status=status)

    page.route("**/rows/2/**", refuse)
    type_target(page, 2, cast.eli.pk)
    expect(page.locator("#row-2")).to_contain_text("Not saved.")
    type_target(page, 3, cast.bo.pk)
    expect(page.locator("#row-3")).to_contain_text(cast.bo.name)
    expect(page.get_by_label("To User ID, row 2")).to_have_value(str(cast.eli.pk))
    expect(page.locator("#row-2")).to_contain_text("Not saved.")

    page.unroute("**/rows/2/**")
    page.get_by_role("button", name="Try again to save row 2").click()
    expect(page.locator("#row-2")).not_to_contain_text("Not saved")
    assert (target_of(draft, 2), target_of(draft, 3)) == (cast.eli.pk, cast.bo.pk)


def test_the_words_do_not_stand_behind_the_bar(page: Page, enter: Enter, cast: Cast, draft: Transfer) -> None:
    page.set_viewport_size({"width": 1280, "height": 700})
    opened(enter, cast, draft)
    type_target(page, 3, 7_000_777)  # a row with an error is high
    expect(page.locator("#row-3")).to_contain_text("No user has the ID")
    page.context.set_offline(True)
    cell = page.get_by_label("To User ID, row 3")
    cell.fill(str(cast.eli.pk))
    page.evaluate("scrollTo(0, document.getElementById('row-3').offsetTop - innerHeight + 60)")
    cell.press("Enter")
    button = page.get_by_role("button", name="Try again to save row 3")
    expect(button).to_be_in_viewport(ratio=1)
    bottom = button.evaluate("element => element.getBoundingClientRect().bottom")
    top_of_bar = page.locator(".run").evaluate("element => element.getBoundingClientRect().top")
    assert bottom <= top_of_bar
    assert page.locator("#row-3").evaluate("row => row.getBoundingClientRect().bottom") <= top_of_bar
    page.context.set_offline(False)
    expect(page.locator("#row-3")).not_to_contain_text("Not saved")


def test_what_is_typed_after_the_failure_stays(page: Page, enter: Enter, cast: Cast, draft: Transfer) -> None:
    opened(enter, cast, draft)
    page.route("**/rows/2/**", lambda route: route.fulfill(status=500))
    type_target(page, 2, cast.eli.pk)
    expect(page.locator("#row-2")).to_contain_text("Not saved.")
    page.get_by_label("To User ID, row 2").press_sequentially("7")
    page.evaluate("document.getElementById('clear-3').click()")
    expect(page.locator("#row-3")).to_have_count(0)
    expect(page.get_by_label("To User ID, row 2")).to_have_value(f"{cast.eli.pk}7")


def test_an_action_of_the_row(page: Page, enter: Enter, cast: Cast, draft: Transfer) -> None:
    opened(enter, cast, draft)
    page.context.set_offline(True)
    page.get_by_role("button", name="Clear row 2").click()
    expect(page.locator("#row-2")).to_contain_text("Not saved.")
    page.context.set_offline(False)
    expect(page.locator("#row-2")).to_have_count(0)
    assert draft.rows.get(number=2).status == "cleared"


def test_a_change_can_be_discarded(page: Page, enter: Enter, cast: Cast, draft: Transfer) -> None:
    opened(enter, cast, draft)
    page.route("**/rows/2/**", lambda route: route.fulfill(status=500))
    type_target(page, 2, cast.eli.pk)
    with page.expect_navigation():  # without its scripts, Run Transfer opens a page instead of a window
        page.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_label("To User ID, row 2")).to_have_value(str(cast.bo.pk))
    expect(page.locator("#row-2")).not_to_contain_text("Not saved")
    page.locator("#run").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()


def test_signed_out_meanwhile(page: Page, enter: Enter, cast: Cast, draft: Transfer) -> None:
    opened(enter, cast, draft)
    cookies = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    type_target(page, 2, cast.eli.pk)
    expect(page).to_have_url(re.compile("/sign-in/"))
    page.context.add_cookies([cookie for cookie in cookies if cookie["name"] == "sessionid"])
    page.goto(f"/transfer/bulk/{draft.number}/?filter=all")
    expect(page.locator("#row-2")).to_contain_text("Not saved. You were signed out before this was saved.")
    expect(page.get_by_label("To User ID, row 2")).to_have_value(str(cast.eli.pk))
    page.get_by_role("button", name="Try again to save row 2").click()
    expect(page.locator("#row-2")).not_to_contain_text("Not saved")
    assert target_of(draft, 2) == cast.eli.pk
