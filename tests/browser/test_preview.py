"""The preview of a bulk transfer in a browser: keyboard use, and edits while another request is pending."""

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.fixtures.cast import Cast, sign_in
from tests.fixtures.running import Cell, upload
from transfers.models import Transfer

pytestmark = pytest.mark.browser


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return Cast()


def open_preview(
    page: Page, server: LiveServer, cast: Cast, *pairs: tuple[Cell, Cell], query: str = ""
) -> Transfer:
    made = upload(cast.ada, *pairs)
    sign_in(page, server, cast.ada)
    page.goto(f"/transfer/bulk/{made.number}/{query}")
    return made


def test_fixing_a_row_by_keyboard_keeps_the_focus(page: Page, live_server: LiveServer, cast: Cast) -> None:
    open_preview(page, live_server, cast, (cast.ana, 7000777), (cast.cy, cast.di))
    cell = page.get_by_label("To User ID, row 2")
    expect(page.get_by_role("button", name="Run Transfer")).to_be_disabled()

    cell.fill(str(cast.bo.pk))
    cell.press("Enter")

    expect(page.locator("#row-2")).to_contain_text("Bo Chen")
    expect(page.get_by_label("To User ID, row 2")).to_be_focused()
    expect(page.get_by_role("link", name="Run Transfer")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Row 2: Warning.")


def test_leaving_a_changed_cell_by_tab_stays_in_the_row(
    page: Page, live_server: LiveServer, cast: Cast
) -> None:
    open_preview(page, live_server, cast, (cast.ana, 7000777), (cast.cy, 7000778))
    page.get_by_label("To User ID, row 2").fill(str(cast.bo.pk))
    page.keyboard.press("Tab")
    expect(page.locator("#row-2")).to_contain_text("Bo Chen")
    expect(page.locator("#row-2 :focus")).to_have_count(1)
    for _ in range(3):
        if page.locator("#to-3:focus").count():
            break
        page.keyboard.press("Tab")
    expect(page.get_by_label("To User ID, row 3")).to_be_focused()


def test_text_typed_during_a_request_is_kept(page: Page, live_server: LiveServer, cast: Cast) -> None:
    made = open_preview(page, live_server, cast, (cast.ana, 7000777), (cast.cy, 7000778))
    page.route("**/rows/2/**", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.get_by_label("To User ID, row 2").fill(str(cast.bo.pk))
    other = page.get_by_label("To User ID, row 3")
    other.focus()
    other.press("Control+A")
    other.press_sequentially(str(cast.di.pk))

    expect(page.locator("#row-2")).to_contain_text("Bo Chen")
    expect(other).to_have_value(str(cast.di.pk))
    expect(other).to_be_focused()
    other.blur()

    expect(page.locator("#row-3")).to_contain_text("Di Ng")
    assert list(made.rows.values_list("to_id", flat=True)) == [cast.bo.pk, cast.di.pk]


def test_rows_are_cleared_in_turn_by_keyboard(page: Page, live_server: LiveServer, cast: Cast) -> None:
    rows = ((cast.ana, 7000777), (cast.cy, 7000778), (cast.di, cast.bo))
    open_preview(page, live_server, cast, *rows, query="?filter=all")
    page.get_by_role("button", name="Clear row 2").press("Enter")
    expect(page.get_by_role("button", name="Clear row 3")).to_be_focused()

    page.keyboard.press("Enter")

    expect(page.get_by_role("button", name="Clear row 4")).to_be_focused()
    expect(page.get_by_role("link", name="Run Transfer")).to_be_visible()


# --- Several actions at once: requests are queued -------------------------------------------------------------------


@pytest.fixture
def slow(page: Page) -> list[Route]:
    """The requests for row 2, all of which are held back. `release` lets the last of them continue."""
    held: list[Route] = []
    page.route("**/rows/2/**", lambda route: held.append(route))
    return held


def release(page: Page, slow: list[Route]) -> None:
    while not slow:
        page.wait_for_timeout(20)
    slow.pop().continue_()


def row_in(url: str) -> str:
    return url.split("/rows/")[1].split("/")[0]


def test_requests_to_clear_rows_are_queued(
    page: Page, live_server: LiveServer, cast: Cast, slow: list[Route]
) -> None:
    open_preview(page, live_server, cast, (cast.ana, 7000777), (cast.cy, 7000778), (cast.di, 7000779))
    sent: list[str] = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    page.get_by_role("button", name="Clear row 2").click()
    page.get_by_role("button", name="Clear row 3").dblclick()
    page.get_by_role("button", name="Clear row 4").click()
    expect(page.locator("#row-4")).to_have_class("htmx-request")
    assert [row_in(url) for url in sent] == ["2"]

    release(page, slow)

    expect(page.get_by_role("link", name="Cleared 3")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Row 4: Cleared. 3 rows cleared.")
    assert [row_in(url) for url in sent] == ["2", "3", "4"]


def test_a_swap_queued_behind_a_search_leaves_the_focus_in_its_row(
    page: Page, live_server: LiveServer, cast: Cast
) -> None:
    held: list[Route] = []
    page.route(
        "**/*q=*",
        lambda route: held.append(route) if route.request.method == "GET" else route.continue_(),
    )
    User.objects.filter(pk=cast.di.pk).update(is_active=False)
    open_preview(page, live_server, cast, (cast.ana, cast.bo), (cast.cy, cast.di))
    page.get_by_label("Search by ID or name").fill(str(cast.cy.pk))
    page.get_by_label("Search by ID or name").press("Enter")
    page.get_by_role("button", name="Swap row 3").click()

    release(page, held)

    expect(page.locator("#status")).to_contain_text("Row 3: ")
    expect(page.get_by_role("button", name="Clear row 3")).to_be_focused()


def test_an_edit_submitted_during_a_request_is_queued(
    page: Page, live_server: LiveServer, cast: Cast, slow: list[Route]
) -> None:
    rows = ((cast.ana, 7000777), (cast.cy, 7000778), (cast.di, cast.bo))
    made = open_preview(page, live_server, cast, *rows, query="?filter=all")
    page.get_by_role("button", name="Clear row 2").click()
    page.get_by_label("To User ID, row 3").fill(str(cast.di.pk))
    page.get_by_label("To User ID, row 3").press("Enter")
    page.get_by_role("button", name="Clear row 4").click()

    release(page, slow)

    expect(page.locator("#row-3")).to_contain_text("Di Ng")
    expect(page.get_by_role("link", name="Cleared 2")).to_be_visible()
    assert made.rows.get(number=3).to_id == cast.di.pk


def test_a_link_is_queued(page: Page, live_server: LiveServer, cast: Cast, slow: list[Route]) -> None:
    open_preview(page, live_server, cast, (cast.ana, 7000777), (cast.cy, cast.di))
    page.get_by_role("button", name="Clear row 2").click()
    page.get_by_role("link", name="Warnings 1").click()

    release(page, slow)

    expect(page.locator("#filter-warning")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="Cleared 1")).to_be_visible()
    expect(page.locator("#preview")).to_have_count(1)
    assert page.url.endswith("?filter=warning")


def test_a_search_is_queued(page: Page, live_server: LiveServer, cast: Cast, slow: list[Route]) -> None:
    open_preview(page, live_server, cast, (cast.ana, 7000777), (cast.cy, cast.di), (cast.di, 7000779))
    page.get_by_role("button", name="Clear row 2").click()
    page.get_by_role("searchbox").fill("Cy")
    page.get_by_role("searchbox").press("Enter")

    release(page, slow)

    expect(page.get_by_text("1 row", exact=True)).to_be_visible()
    expect(page.locator("#preview")).to_have_count(1)


def test_the_confirmation_is_queued(
    page: Page, live_server: LiveServer, cast: Cast, slow: list[Route]
) -> None:
    open_preview(page, live_server, cast, (cast.ana, cast.bo), (cast.cy, cast.di))
    page.get_by_role("button", name="Clear row 2").click()
    page.get_by_role("link", name="Run Transfer").click()

    release(page, slow)

    expect(page.get_by_role("alertdialog")).to_contain_text("Transfer data for 1 user?")


def test_a_failed_request_does_not_block_the_queue(
    page: Page, live_server: LiveServer, cast: Cast, slow: list[Route], page_errors: list[str]
) -> None:
    open_preview(page, live_server, cast, (cast.ana, 7000777), (cast.cy, 7000778))
    page.get_by_role("button", name="Clear row 2").click()
    page.get_by_role("button", name="Clear row 3").click()
    while not slow:
        page.wait_for_timeout(20)

    slow.pop().abort()

    expect(page.get_by_role("link", name="Cleared 1")).to_be_visible()
    expect(page.locator("#row-2")).not_to_have_class("htmx-request")
    page_errors.clear()


def test_filters_and_pages_are_in_the_url(page: Page, live_server: LiveServer, cast: Cast) -> None:
    pairs = ((1_000_000 + n, 2_000_000 + n) for n in range(37))
    open_preview(page, live_server, cast, (cast.ana, cast.bo), *pairs)

    page.get_by_role("link", name="Next page").press("Enter")
    expect(page.get_by_text("Rows 26–37 of 37")).to_be_visible()
    page.get_by_role("link", name="Warnings 1").press("Enter")
    expect(page.get_by_text("1 row", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Warnings 1")).to_be_focused()

    assert "filter=warning" in page.url
    page.go_back()
    expect(page.get_by_text("Rows 26–37 of 37")).to_be_visible()


def test_run_transfer_opens_the_confirmation(page: Page, live_server: LiveServer, cast: Cast) -> None:
    open_preview(page, live_server, cast, (cast.ana, cast.bo))

    page.get_by_role("link", name="Run Transfer").click()

    window = page.get_by_role("alertdialog")
    expect(window).to_contain_text("Transfer data for 1 user?")
    window.get_by_label("Type 1 to confirm").fill("1")
    window.get_by_role("button", name="Run Transfer for 1 user").click()
    expect(page.get_by_text("You can leave this page or sign out.")).to_be_visible()


def test_it_works_without_scripts(page: Page, live_server: LiveServer, cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777), (cast.cy, 7000778))
    with page.context.browser.new_context(java_script_enabled=False, base_url=live_server.url) as context:
        plain = context.new_page()
        sign_in(plain, live_server, cast.ada)
        plain.goto(f"/transfer/bulk/{made.number}/?filter=error")
        plain.get_by_label("To User ID, row 2").fill(str(cast.bo.pk))
        plain.get_by_role("button", name="Save row 2").click()
        plain.get_by_role("button", name="Clear row 3").click()

        plain.get_by_role("link", name="All 1").click()

        expect(plain.locator("#row-2")).to_contain_text("Bo Chen")
        expect(plain.get_by_role("link", name="Run Transfer")).to_be_visible()
