"""The grid of a preview in a browser: its size, the lists of rows, and actions on all rows with the same problem."""

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import Enter
from tests.browser.states import show
from tests.browser.world import demo_world, small_world
from tests.fixtures.cast import Cast, agent, sign_in
from tests.fixtures.running import upload

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_messages"),
]

HEIGHTS = "(rows) => rows.map((row) => row.getBoundingClientRect().height)"
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"
TOP = "(element) => element.getBoundingClientRect().top"
ROWS = "#preview-table tbody tr"


def test_25_ordinary_rows_fit_on_two_screens(page: Page, live_server: LiveServer) -> None:
    world = demo_world()
    page.set_viewport_size({"width": 1280, "height": 900})
    show("preview-pairs", page, live_server, world)
    page.reload()  # closes the texts

    heights = page.locator(ROWS).evaluate_all(HEIGHTS)
    assert len(heights) == 25
    assert page.locator("#preview-table").evaluate("table => table.offsetHeight") <= 1500
    page.set_viewport_size({"width": 390, "height": 844})
    cards = page.locator(ROWS).evaluate_all(HEIGHTS)
    assert sum(cards) / len(cards) <= 160, cards
    for width in (320, 390, 900, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert not page.evaluate(SIDEWAYS), width


def test_the_head_stays_in_view(page: Page, live_server: LiveServer) -> None:
    show("preview-pairs", page, live_server, small_world())
    page.set_viewport_size({"width": 1280, "height": 700})

    page.locator("#row-20").scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, 200)")

    assert page.locator("#preview-table thead th").first.evaluate(TOP) == 0
    run = page.locator("#run").bounding_box()
    assert run
    assert run["y"] + run["height"] <= 700


def numbered(cast: Cast) -> str:
    """Create a preview with three formulas, two IDs with a thousands separator and two faultless rows."""
    users = [agent(cast.support, f"Agent Number{n}") for n in range(8)]
    for n in range(2):
        agent(cast.support, f"Target Number{n}", pk=123_456 + n)
    texts = ("#N/A", '"123,456"', "#N/A", '"123,457"', "#N/A")
    pairs = [*zip(users, texts, strict=False), (users[5], users[6]), (cast.ana, cast.bo)]
    return f"/transfer/bulk/{upload(cast.ada, *pairs).number}/"


def test_errors_of_one_kind_are_mended_at_once(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, numbered(cast))
    expect(page.get_by_role("link", name="Errors 5")).to_have_attribute("aria-current", "true")

    page.get_by_role("button", name="Clear all 3 rows").press("Enter")

    title = page.get_by_role("heading", name="2 rows have errors")
    expect(title).to_be_focused()
    expect(page.locator("#status")).to_contain_text(
        "3 rows cleared. 2 rows with warnings, 2 rows with errors, 3 rows cleared."
    )
    expect(page.locator(ROWS)).to_have_count(2)

    page.get_by_role("button", name="Use all 2").press("Enter")

    expect(page.get_by_role("heading", name="Preview", exact=True)).to_be_focused()
    expect(page.get_by_role("link", name="Run Transfer")).to_be_visible()
    page.get_by_role("link", name="Show all selected rows").click()
    expect(page.locator(ROWS)).to_have_count(4)
    expect(page.locator("#row-3")).to_contain_text("Target Number0")


def test_an_accepted_suggestion_leaves_the_focus_in_the_row(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, numbered(cast))

    page.get_by_role("button", name="Use 123456 in row 3").press("Enter")

    expect(page.get_by_label("To User ID, row 3")).to_be_focused()
    expect(page.locator("#row-3")).to_contain_text("Target Number0")


def test_all_cleared_rows_are_restored_at_once(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, numbered(cast))
    page.get_by_role("button", name="Clear all 3 rows").click()
    page.get_by_role("link", name="Cleared 3").click()

    page.get_by_role("button", name="Restore all 3 rows").press("Enter")

    expect(page.get_by_role("heading", name="5 rows have errors")).to_be_focused()
    expect(page.locator("#status")).to_contain_text("3 rows restored.")


def test_rows_that_changed_meanwhile_are_not_cleared(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, numbered(cast))
    with page.context.expect_page() as other:
        page.evaluate("open(location.href)")
    other.value.get_by_role("button", name="Clear row 2").click()
    expect(other.value.get_by_role("link", name="Cleared 1")).to_be_visible()

    page.get_by_role("button", name="Clear all 3 rows").click()

    expect(page.locator("#preview")).to_contain_text("Nothing was changed: the rows are no longer the ones")
    expect(page.get_by_role("link", name="Cleared 1")).to_be_visible()


def test_a_shared_warning_lists_its_rows(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, numbered(cast) + "?filter=all")
    expect(page.get_by_text("2 Source Users are still active.")).to_have_count(1)

    page.get_by_role("link", name="Show them (Active source)").click()

    expect(page.locator(ROWS)).to_have_count(2)
    expect(page.locator("#show-active-source")).to_be_focused()
    expect(page.locator(".listed")).to_contain_text("2 Source Users are still active.")
    assert "problem=active-source" in page.url
    page.locator("#row-8 summary").click()
    expect(page.locator("#row-8")).to_contain_text("Ana Díaz")
    expect(page.get_by_text("Anything recorded from now on will stay with Ana Díaz.")).to_be_visible()


def test_an_opened_text_stays_open(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, f"{numbered(cast)}?filter=all")
    page.locator("#row-7 summary").press("Enter")
    warning = page.locator("#row-7").get_by_text("Anything recorded from now on")
    expect(warning).to_be_visible()

    page.get_by_role("button", name="Clear row 4").click()

    expect(page.get_by_role("link", name="Cleared 1")).to_be_visible()
    expect(warning).to_be_visible()


def test_a_turned_page_starts_at_its_top(page: Page, enter: Enter, cast: Cast) -> None:
    made = upload(cast.ada, *((1_000_000 + n, 2_000_000 + n) for n in range(60)))
    page.set_viewport_size({"width": 1280, "height": 700})
    enter(cast.ada, f"/transfer/bulk/{made.number}/")

    page.get_by_role("link", name="Next page").click()

    expect(page.locator("#preview-table caption")).to_be_focused()
    expect(page.locator("#row-27")).to_be_in_viewport()
    expect(page.locator("#row-50")).not_to_be_in_viewport()


def test_a_link_to_a_row_leads_to_its_field(page: Page, enter: Enter, cast: Cast) -> None:
    made = upload(
        cast.ada, *((agent(cast.support, f"Agent Number{n}"), cast.bo) for n in range(30)), ("x", cast.di)
    )
    enter(cast.ada, f"/transfer/bulk/{made.number}/")

    page.get_by_role("link", name="row 32", exact=True).click()

    expect(page.get_by_label("To User ID, row 32")).to_be_focused()
    expect(page.locator("#row-32")).to_be_in_viewport()


def test_it_works_without_scripts(chromium: Browser, live_server: LiveServer, cast: Cast) -> None:
    address = numbered(cast)
    with chromium.new_context(java_script_enabled=False, base_url=live_server.url) as context:
        plain = context.new_page()
        sign_in(plain, live_server, cast.ada)
        plain.goto(address)
        expect(plain.get_by_text("Paste it as a value")).to_be_visible()
        plain.get_by_role("button", name="Clear all 3 rows").click()
        expect(plain.locator("#status")).to_contain_text("3 rows cleared.")
        plain.get_by_role("button", name="Use all 2").click()
        expect(plain.locator("#status")).to_contain_text("2 suggestions used.")
        plain.get_by_role("link", name="Show them (Active source)").click()
        expect(plain.locator(ROWS)).to_have_count(4)
        plain.locator("#row-7 summary").click()
        expect(plain.locator("#row-7").get_by_text("Anything recorded from now on")).to_be_visible()
        plain.get_by_role("link", name="Cleared 3").click()
        plain.get_by_role("button", name="Restore all 3 rows").click()
        expect(plain.get_by_role("heading", name="3 rows have errors")).to_be_visible()
