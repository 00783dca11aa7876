"""The single page, its confirmation and its result: their height, what is in view, what shifts and what is printed."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.browser.conftest import Enter
from tests.browser.states import show
from tests.browser.world import World, small_world
from tests.fixtures.records import everything
from tests.fixtures.running import run_single, upload
from transfers.registry import data_types
from transfers.results.undo_deadline import undo_sentence
from transfers.templatetags.transfer_ui import breakable

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_messages"),
]

LAPTOP: Any = {"width": 1280, "height": 768}
HEIGHT = "document.documentElement.scrollHeight"
# Lists the layout shifts of the page, also those that follow an input, as the response to a click does. On a busy
# machine the browser paints a part of the page before the parser has read the rest, which then moves what is painted.
# This is no shift of ours, so shifts count after the first frame that has the whole page. The time that a frame gets
# says when it should have begun, which is before the end of the frame before it if that took long; hence the clock.
SHIFTS = """{
  const seen = [];
  let whole = 0;
  new PerformanceObserver((list) => seen.push(...list.getEntries().map(({ startTime, value, sources }) => (
    { startTime, text: `${value} ${sources.map(({ node }) => node?.outerHTML?.slice(0, 80))}` }
  )))).observe({ type: "layout-shift", buffered: true });
  const parsed = () => requestAnimationFrame(() => requestAnimationFrame(() => { whole = performance.now(); }));
  document.addEventListener("readystatechange", parsed, { once: true });
  Object.defineProperty(window, "shifts", {
    get: () => seen.filter(({ startTime }) => startTime >= whole).map(({ text }) => text),
  });
}"""


@pytest.fixture
def world(transactional_db: None) -> World:
    return small_world()


def single(world: World) -> str:
    return f"/transfer/single/?source={world.source.pk}&target={world.target.pk}"


def in_view(page: Page, selector: str) -> bool:
    found = page.locator(selector).bounding_box()
    return bool(found) and found["y"] >= 0 and found["y"] + found["height"] <= LAPTOP["height"]


def test_single_with_every_data_type_is_short_and_its_button_stays_in_view(
    page: Page, enter: Enter, world: World
) -> None:
    page.set_viewport_size(LAPTOP)
    enter(world.boss, single(world))
    numbers = page.locator(".block > summary").all_text_contents()
    assert sum(int(text.split(" data type")[0].split()[-1]) for text in numbers) == len(data_types())
    assert page.evaluate(HEIGHT) <= 1200
    assert page.locator("tbody tr").first.bounding_box()["height"] <= 32
    assert in_view(page, "#run")
    assert in_view(page, ".sums")
    page.mouse.wheel(0, 2000)
    assert in_view(page, "#run")


def test_the_button_stays_in_view_on_a_phone(page: Page, enter: Enter, world: World) -> None:
    page.set_viewport_size({"width": 390, "height": 768})
    enter(world.boss, single(world))
    assert in_view(page, "#run")
    assert page.evaluate(HEIGHT) <= 2400


def test_blocks_without_records_to_delete_start_with_what_is_added(
    page: Page, enter: Enter, world: World
) -> None:
    everything(world.people[3])
    enter(world.boss, f"/transfer/single/?source={world.people[3].pk}&target={world.people[4].pk}")
    expect(page.locator(".block[open] h3")).to_have_text(f"Added to {world.people[4].name}")
    expect(page.get_by_role("columnheader", name="Merged")).to_have_count(0)
    expect(page.get_by_role("columnheader", name="Deleted")).to_have_count(0)


@pytest.mark.parametrize("bulk", [False, True])
def test_the_confirmation_fits_a_laptop_without_scrolling(
    page: Page, enter: Enter, world: World, bulk: bool
) -> None:
    page.set_viewport_size(LAPTOP)
    people = world.people
    address = f"/transfer/bulk/{upload(world.boss, *zip(people[:30:2], people[1:31:2], strict=True)).number}/"
    enter(world.boss, address if bulk else single(world))
    page.locator("#run").click()
    window = page.get_by_role("alertdialog")
    expect(window).to_be_visible()
    assert window.evaluate("(it) => it.scrollHeight === it.clientHeight")
    for words in ("Moves", "Deleted", undo_sentence(reader=world.boss), "Cancel"):
        expect(window.get_by_text(words, exact=True)).to_be_in_viewport(ratio=1)
    if bulk:
        expect(window.get_by_role("columnheader")).to_have_text(["Source User", "Target User"])


def test_the_result_is_short_and_in_the_order_of_what_is_asked(
    page: Page, enter: Enter, world: World
) -> None:
    page.set_viewport_size(LAPTOP)
    enter(world.chief, f"/transfers/{run_single(world.boss, world.source, world.target).number}/")
    assert page.evaluate(HEIGHT) <= 1200
    expect(page.locator("#late")).to_contain_text("None.")
    parts = ("#outcome", ".direction", "#late", ".next", "#counts")
    tops = [page.locator(part).bounding_box()["y"] for part in parts]
    assert tops == sorted(tops)
    expect(page.locator(".impact").first).to_be_hidden()
    page.get_by_role("link", name=f"Deactivate {world.source.name}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(world.source.name)


def test_the_list_of_transfers_fits_a_laptop_also_with_long_user_names(
    page: Page, enter: Enter, world: World
) -> None:
    User.objects.filter(pk=world.source.pk).update(username="solveig.angstrom@northwind.example")
    run_single(world.boss, world.source, world.target)
    page.set_viewport_size(LAPTOP)
    enter(world.chief, "/transfers/")
    expect(page.get_by_text("solveig.angstrom")).to_be_visible()
    assert page.locator(".scroll").evaluate("(it) => it.scrollWidth === it.clientWidth")


def test_a_failure_says_first_what_is_left_to_do(page: Page, live_server: LiveServer) -> None:
    world = small_world()
    page.set_viewport_size(LAPTOP)
    show("with-errors", page, live_server, world)
    parts = ("#outcome", "#pairs-title", "text=Retry failed transfers", ".next", "#counts")
    tops = [page.locator(part).first.bounding_box()["y"] for part in parts]
    assert tops == sorted(tops)
    expect(page.locator("td").filter(has_text="What to do:").first).to_be_visible()
    assert page.evaluate(HEIGHT) <= 1200


@pytest.mark.parametrize("state", ["single", "single-window", "succeeded", "bulk-succeeded", "with-errors"])
def test_nothing_shifts(page: Page, live_server: LiveServer, state: str) -> None:
    page.add_init_script(SHIFTS)
    page.set_viewport_size(LAPTOP)
    show(state, page, live_server, small_world())
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shifts") == []


def heights_of_late_arrivals(page: Page) -> dict[int, float]:
    heights = {}
    for width in range(320, 720, 20):
        page.set_viewport_size({"width": width, "height": 800})
        heights[width] = page.locator("#late").bounding_box()["height"]
    return heights


def test_late_arrivals_have_their_space_before_they_are_counted(
    page: Page, live_server: LiveServer, world: World
) -> None:
    held: list[Route] = []
    page.route("**/late-arrivals/", lambda route: held.append(route))
    show("succeeded", page, live_server, world)
    while not held:
        page.wait_for_timeout(20)
    expect(page.locator("#late")).to_contain_text("Checking…")
    before = heights_of_late_arrivals(page)

    held.pop().continue_()

    expect(page.locator("#late")).to_contain_text("None.")
    assert heights_of_late_arrivals(page) == before


def test_choosing_shifts_nothing(page: Page, enter: Enter, world: World) -> None:
    page.add_init_script(SHIFTS)
    page.set_viewport_size(LAPTOP)
    enter(world.boss, f"/transfer/single/?source={world.source.pk}")
    page.get_by_label("Target User").press_sequentially(str(world.target.pk))
    page.keyboard.press("Tab")
    expect(page.locator("#run")).to_be_visible()
    expect(page.locator("body")).not_to_be_focused()
    assert page.evaluate("window.shifts") == []


def test_a_result_prints_with_its_numbers_and_without_controls(page: Page, live_server: LiveServer) -> None:
    page.set_viewport_size({"width": 718, "height": 1000})  # the printable width of A4
    world = small_world()
    everything(world.people[24])  # one of the transfer's Source Users
    show("with-errors", page, live_server, world)
    page.emulate_media(media="print")
    expect(page.locator(".impact").first).to_be_visible()
    for hidden in ("text=Click here to download", ".next", "text=Download full log"):
        expect(page.locator(hidden).first).to_be_hidden()
    size = "(it) => parseFloat(getComputedStyle(it).fontSize)"
    text = page.locator("td").first.evaluate(size)
    for small in (".pill", ".hint", "thead th"):
        assert page.locator(f"{small} >> visible=true").first.evaluate(size) <= text
    # A heading that fits its column is not broken inside a word: it is as wide as its longest word.
    assert page.locator("thead th").evaluate_all(
        "(all) => all.every((it) => it.scrollWidth <= it.clientWidth)"
    )


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    ("state", "field"),
    [("single-window", "I have checked the direction"), ("bulk-window", "Type 3 to confirm")],
)
def test_what_confirms_a_transfer_is_in_view(
    page: Page, live_server: LiveServer, world: World, width: int, state: str, field: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    show(state, page, live_server, world)
    window = page.get_by_role("alertdialog")
    run = window.get_by_role("button", name="Run Transfer")
    for control in (window.get_by_label(field), run):
        box = control.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 800
        assert control.evaluate(
            """it => { const box = it.getBoundingClientRect();
            return it.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)); }"""
        ), "something covers it"
    assert run.bounding_box()["height"] < 50, "its label takes one line"


@pytest.mark.parametrize("state", ["transfers", "bulk-succeeded"])
def test_a_list_at_1280_pixels_is_not_cut(
    page: Page, live_server: LiveServer, world: World, state: str
) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    show(state, page, live_server, world)
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true })")
    cut = """lists => lists.filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.ariaLabel)"""
    assert page.locator(".scroll").evaluate_all(cut) == []


def test_the_cells_of_a_row_start_at_one_height(page: Page, live_server: LiveServer, world: World) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    show("transfers", page, live_server, world)
    starts = """row => [...row.cells].map((cell) => {
      const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT, (node) => node.data.trim() ? 1 : 3).nextNode();
      const range = document.createRange();
      range.selectNodeContents(text);
      return range.getClientRects()[0].bottom;
    })"""
    for row in page.locator(".rows tbody tr").all():
        heights = row.evaluate(starts)
        assert max(heights) - min(heights) <= 2, heights


def test_an_email_address_breaks_between_its_parts() -> None:
    assert breakable("ID 7 · bo.chen@mail.example · Support") == (
        "ID 7 · bo<wbr>.chen<wbr>@mail<wbr>.example · Support"
    )
    assert breakable("bo.chen · <Support>") == "bo.chen · &lt;Support&gt;"
