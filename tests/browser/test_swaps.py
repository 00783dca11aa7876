"""A page part swapped by htmx equals the same part after a reload, and the swap does not lose the focus."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Enter
from tests.fixtures.cast import Cast, agent, transfer
from tests.fixtures.records import call
from tests.fixtures.running import confirm, upload
from transfers.models import Kind, PairState, Participant, State, TransferPair

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_messages"),
]


# A region's HTML without what a reload changes: CSRF tokens, announcements, focus and the CSS classes of htmx.
PLAIN = """(selector) => {
  const part = document.querySelector(selector).cloneNode(true);
  for (const it of part.querySelectorAll("[name=csrfmiddlewaretoken], title")) it.remove();
  for (const it of [part, ...part.querySelectorAll("*")]) {
    for (const name of ["data-announce", "autofocus", "tabindex"]) it.removeAttribute(name);
    it.classList.remove("htmx-settling", "htmx-swapping", "htmx-added", "htmx-request");
    if (!it.className) it.removeAttribute("class");
  }
  return part.outerHTML.replace(/\\s+/g, " ").replaceAll("> <", "><");
}"""
FOCUSED = "document.activeElement.tagName"


def assert_same_when_reloaded(page: Page, region: str) -> None:
    page.wait_for_timeout(100)  # for htmx to settle
    assert page.evaluate(FOCUSED) != "BODY"
    swapped = page.evaluate(PLAIN, region)
    page.reload()
    assert page.evaluate(PLAIN, region) == swapped


def choose(page: Page, label: str, typed: str) -> None:
    page.get_by_label(label).focus()
    # Insert all letters at once; otherwise, the list for the first letters could still be open.
    page.keyboard.insert_text(typed)
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def test_choosing_two_users(page: Page, enter: Enter, cast: Cast) -> None:
    call(cast.ana)
    enter(cast.otto, "/transfer/single/")
    choose(page, "Target User", "bo ch")
    choose(page, "Source User", "diaz")
    expect(page.locator("#outcome")).to_contain_text("Ana's data moves to Bo")
    assert page.title().startswith("Ana Díaz → Bo Chen")
    assert_same_when_reloaded(page, "#outcome")


def test_swapping_target_and_source(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.otto, f"/transfer/single/?source={cast.ana.pk}&target={cast.bo.pk}")
    page.get_by_role("button", name="Swap Target and Source").click()
    expect(page.locator("#outcome")).to_contain_text("Bo's data moves to Ana")
    assert page.title().startswith("Bo Chen → Ana Díaz")
    assert_same_when_reloaded(page, "#single")


@pytest.fixture
def preview(enter: Enter, cast: Cast) -> None:
    """Open a preview of 12 rows. The first has no error; all others name unknown Target Users."""
    agents = [agent(cast.support, f"Agent Number{n}") for n in range(11)]
    made = upload(cast.ada, (cast.ana, cast.bo), *((user, 1_000_000 + user.pk) for user in agents))
    enter(cast.ada, f"/transfer/bulk/{made.number}/?rows=10")


def fix(page: Page) -> None:
    page.get_by_label("To User ID, row 3").fill("5000000")
    page.get_by_label("To User ID, row 3").press("Enter")
    expect(page.locator("#status")).to_contain_text("Row 3: Error.")


def clear(page: Page) -> None:
    page.get_by_role("button", name="Clear row 4").click()
    expect(page.locator("#row-4")).to_have_count(0)


def turn_page(page: Page) -> None:
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_text("Rows 11–11 of 11")).to_be_visible()


def turn_to_the_end(page: Page) -> None:
    page.get_by_role("link", name="Last page").press("Enter")
    expect(page.get_by_text("Rows 11–11 of 11")).to_be_visible()


def filter_rows(page: Page) -> None:
    page.get_by_role("link", name="All 12").click()
    expect(page.get_by_text("Rows 1–10 of 12")).to_be_visible()


def search(page: Page) -> None:
    page.get_by_label("Search by ID or name").fill("ana")
    page.get_by_label("Search by ID or name").press("Enter")
    expect(page.get_by_text("1 row", exact=True)).to_be_visible()


def more_rows(page: Page) -> None:
    page.get_by_label("Rows per page").focus()
    page.get_by_label("Rows per page").select_option("50")
    expect(page.get_by_text("Rows 1–11 of 11")).to_be_visible()


@pytest.mark.usefixtures("preview")
@pytest.mark.parametrize("act", [fix, clear, turn_page, turn_to_the_end, filter_rows, search, more_rows])
def test_the_preview(page: Page, act: Callable[[Page], None]) -> None:
    act(page)
    assert_same_when_reloaded(page, "#preview")


@pytest.mark.parametrize("over", [True, False])
def test_checking_a_busy_row_again(page: Page, enter: Enter, cast: Cast, over: bool) -> None:
    confirm(upload(cast.ada, (cast.ana, cast.bo)), cast.ada)
    made = upload(cast.ada, (cast.ana, cast.cy), (cast.di, cast.eli))
    enter(cast.ada, f"/transfer/bulk/{made.number}/?filter=all")
    if over:
        Participant.objects.all().delete()
    page.get_by_role("button", name="Check again row 2").click()
    expect(page.locator("#status")).to_contain_text("Row 2: Warning." if over else "Row 2: Error.")
    named = "Clear row 2" if over else "Check again row 2"
    expect(page.get_by_role("button", name=named)).to_be_focused()
    assert_same_when_reloaded(page, "#preview")


@pytest.mark.parametrize("over", [True, False])
def test_checking_a_busy_pair_again(page: Page, enter: Enter, cast: Cast, over: bool) -> None:
    confirm(upload(cast.ada, (cast.ana, cast.bo)), cast.ada)
    enter(cast.ada, f"/transfer/single/?source={cast.ana.pk}&target={cast.cy.pk}")
    if over:
        Participant.objects.all().delete()
    with page.expect_response(lambda answer: "/transfer/single/" in answer.url):
        page.get_by_role("link", name="Check again").click()
    focused = page.get_by_role("heading", name="What will happen") if over else page.locator("#check-again")
    expect(focused).to_be_focused()
    assert_same_when_reloaded(page, "#outcome")


def test_the_progress(page: Page, enter: Enter, cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), kind=Kind.BULK, state=State.RUNNING)
    enter(cast.ada, f"/transfers/{made.number}/")
    page.get_by_role("button", name="Stop after the current users").focus()
    TransferPair.objects.filter(source=cast.ana).update(state=PairState.SUCCEEDED)
    expect(page.get_by_text("1 of 2 done")).to_be_visible()
    assert page.title().startswith("1 of 2 done: ")
    assert_same_when_reloaded(page, "#progress")
