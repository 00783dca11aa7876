"""Every state of every page, searched for what keeps people from using it: in both themes, at three widths."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.states import STATES, show
from tests.browser.world import small_world
from tests.transfers.records import everything

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_messages"),
]

PARTS = 9  # so that several processes can share them
WIDTHS = (320, 768, 1280)
SCHEMES = ("light", "dark")
# A scheme changes colours and nothing else, so the rest is asked in one of them.
RULES: dict[str, dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]},
}
# The page for a database that is away loads itself again; there is nothing on it to lose.
ALLOWED = {"503": {"meta-refresh"}}

# What a pointer has to hit is at least 24 pixels high and wide, or a link within a sentence (WCAG 2.2, 2.5.8).
SMALL_TARGETS = """() => [...document.querySelectorAll(
  "button, select, summary, input:not([type=hidden]), a.button, a.choice, .nav a, .pill[href]")]
  .filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.closest("label.check"))
  .map((it) => [it.outerHTML.slice(0, 90), it.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([html]) => html)"""
# Rules with a transition or an animation that take a time, as far as their media queries hold now.
MOVING = """() => {
  const moving = (rules) => [...rules].flatMap((rule) => {
    if (rule.media && !matchMedia(rule.media.mediaText).matches) return [];
    const style = rule.style && `${rule.style.transitionDuration} ${rule.style.animationDuration}`;
    const here = style && /[1-9]/.test(style) ? [rule.cssText] : [];
    return rule.cssRules ? [...here, ...moving(rule.cssRules)] : here;
  });
  return [...document.styleSheets].flatMap((sheet) => moving(sheet.cssRules))
    .concat(document.getAnimations().map((it) => it.constructor.name));
}"""
RUN_AXE = "(options) => axe.run(options).then((results) => results.violations)"
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_keeps_people_from_using_it(
    page: Page, live_server: LiveServer, page_errors: list[str], part: int
) -> None:
    world, found = small_world(), []
    for name in list(STATES)[part::PARTS]:
        show(name, page, live_server, world)
        page.evaluate(AXE_SCRIPT)  # once a page: half a megabyte
        for scheme in SCHEMES:
            for width in WIDTHS:
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.set_viewport_size({"width": width, "height": 900})
                found += [f"{name}, {scheme}, {width}: {what}" for what in barriers(page, name, scheme)]
    assert not found, "\n".join(found)
    page_errors[:] = [error for error in page_errors if not is_an_answer(error)]


def barriers(page: Page, name: str, scheme: str) -> list[str]:
    allowed = ALLOWED.get(name, set())
    said = page.evaluate(RUN_AXE, RULES[scheme])
    violations = [broken for broken in said if broken["id"] not in allowed]
    found = [f"{broken['id']}: {node['html'][:200]}" for broken in violations for node in broken["nodes"]]
    found += [f"less than 24 pixels: {html}" for html in page.evaluate(SMALL_TARGETS)]
    return [*found, "has to be scrolled sideways"] if page.evaluate(SIDEWAYS) else found


def is_an_answer(error: str) -> bool:
    """Chromium notes every answer of 400 and above on the console; some of these states are such answers."""
    return "Failed to load resource: the server responded with a status of 4" in error


def test_forced_colours_leave_every_state_in_words(page: Page, live_server: LiveServer) -> None:
    """Where the system sets all colours, what was shown by colour is there as an outline or a word."""
    world = small_world()
    page.emulate_media(forced_colors="active")
    for name in ("preview", "with-errors", "running", "single"):
        show(name, page, live_server, world)
        assert all(words.strip() for words in page.locator(".pill").all_inner_texts()), name
        assert page.locator(".pill").evaluate_all(
            "(pills) => pills.every((pill) => getComputedStyle(pill).borderTopStyle === 'solid')"
        ), name


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_nothing_moves_for_those_who_want_it_still(
    page: Page, live_server: LiveServer, motion: str, moves: bool
) -> None:
    """What would move, in a state with a window and in one with a bar that grows; computed by the browser itself."""
    world = small_world()
    page.emulate_media(reduced_motion=motion)
    found = []
    for name in ("bulk-window", "running"):
        show(name, page, live_server, world)
        found += page.evaluate(MOVING)
    assert bool(found) == moves, found


def test_a_result_is_printed_in_black_on_white_as_a_table(page: Page, live_server: LiveServer) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 between its margins
    world = small_world()
    everything(world.people[24])  # a source in the transfer that is shown
    show("with-errors", page, live_server, world)
    for shown in ("#outcome", ".chart", "table.impact thead", "table.impact tfoot"):
        expect(page.locator(shown).first).to_be_visible()
    for hidden in (".top", ".crumbs", ".pager >> nth=0", "text=Retry failed transfers"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.evaluate(SIDEWAYS)


def test_every_state_has_a_title_of_its_own_page(
    page: Page, live_server: LiveServer, page_errors: list[str]
) -> None:
    world, titles = small_world(), {}
    for name in (
        "home",
        "single-empty",
        "single",
        "bulk",
        "bulk-refused",
        "preview",
        "running",
        "succeeded",
        "help",
    ):
        show(name, page, live_server, world)
        titles[name] = page.title()
    assert len(set(titles.values())) == len(titles), titles
    assert titles["bulk-refused"].startswith("Error: ")
    assert "error" in titles["preview"]
    assert titles["running"].startswith("21 of 30 done")
    page_errors[:] = [error for error in page_errors if not is_an_answer(error)]
