"""Accessibility of every page state in both themes and at three widths, and of some states in other media."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.states import STATES, show
from tests.browser.world import World, small_world
from tests.fixtures.records import everything

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_messages"),
]

PARTS = 9  # the states are split into parts that can be tested in parallel
WIDE, MIDDLE, NARROW = 1280, 768, 320  # what is shown at 768 pixels is shown at one of the others too
# The dark theme changes only colours, so only its contrast is checked.
RULES: dict[str, dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]},
}
# The 503 page may reload automatically, because it has no input that could be lost.
ALLOWED = {"503": {"meta-refresh"}}

# Click targets smaller than 24 by 24 pixels; links within a sentence are exempt (WCAG 2.2, 2.5.8).
SMALL_TARGETS = """() => [...document.querySelectorAll(
  "button, select, summary, input:not([type=hidden]), a.button, a.choice, .nav a, .pill[href]")]
  .filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.closest("label.check"))
  .map((it) => [it.outerHTML.slice(0, 90), it.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([html]) => html)"""
# Active CSS rules with a transition or animation of non-zero duration, and the animations that are running.
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
# All elements shown, with everything in their style that a rule of axe may judge differently.
LOOKS = """() => new Map([...document.querySelectorAll("body *")]
  .filter((it) => it.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((it) => [it, getComputedStyle(it)])
  .map(([it, css]) => [it, [css.color, css.backgroundColor, css.backgroundImage, css.fontSize, css.fontWeight,
    css.opacity, css.position, css.textDecoration, css.overflow, it.scrollWidth > it.clientWidth].join()]))"""
# Run axe on the elements that look different since `window.looked` was set, which include those that were not shown.
RUN_AXE_ON_CHANGES = f"""(options) => {{
  const changed = [...({LOOKS})()].filter(([it, looks]) => looked.get(it) !== looks).map(([it]) => it);
  const include = changed.filter((it) => !changed.includes(it.parentElement));
  return include.length ? axe.run({{ include }}, options).then((results) => results.violations) : [];
}}"""
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


@pytest.mark.parametrize("part", range(PARTS))
def test_accessibility(page: Page, live_server: LiveServer, page_errors: list[str], part: int) -> None:
    world, found = small_world(), []
    for name in list(STATES)[part::PARTS]:
        found += [f"{name}, {what}" for what in barriers(page, live_server, world, name)]
    assert not found, "\n".join(found)
    page_errors[:] = [error for error in page_errors if not is_expected_response(error)]


def barriers(page: Page, server: LiveServer, world: World, name: str) -> list[str]:
    """Return what is wrong with a page state. At the smaller widths, its rules are only asked about what changes."""
    resize(page, WIDE)
    show(name, page, server, world)
    page.evaluate(AXE_SCRIPT)  # once per page, because the script is half a megabyte
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found = [f"dark: {what}" for what in violations(page, name, RUN_AXE, RULES["dark"])]
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found += [*violations(page, name, RUN_AXE, RULES["light"]), *misfits(page)]
    page.evaluate(f"() => {{ window.looked = ({LOOKS})(); }}")
    resize(page, MIDDLE)
    found += [f"{MIDDLE}: {what}" for what in misfits(page)]
    resize(page, NARROW)
    narrow = [*violations(page, name, RUN_AXE_ON_CHANGES, RULES["light"]), *misfits(page)]
    return [*found, *(f"{NARROW}: {what}" for what in narrow)]


def resize(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})


def violations(page: Page, name: str, run: str, rules: dict[str, Any]) -> list[str]:
    allowed = ALLOWED.get(name, set())
    said = [broken for broken in page.evaluate(run, rules) if broken["id"] not in allowed]
    return [f"{broken['id']}: {node['html'][:200]}" for broken in said for node in broken["nodes"]]


def misfits(page: Page) -> list[str]:
    found = [f"less than 24 pixels: {html}" for html in page.evaluate(SMALL_TARGETS)]
    return [*found, "has to be scrolled sideways"] if page.evaluate(SIDEWAYS) else found


def is_expected_response(error: str) -> bool:
    """Return whether a console error only reports a 4xx response, which some page states cause on purpose."""
    return "Failed to load resource: the server responded with a status of 4" in error


def test_forced_colors_keep_every_state_readable(page: Page, live_server: LiveServer) -> None:
    """With forced colours, every status pill must have text and an outline."""
    world = small_world()
    page.emulate_media(forced_colors="active")
    for name in ("preview", "with-errors", "running", "single"):
        show(name, page, live_server, world)
        assert all(words.strip() for words in page.locator(".pill").all_inner_texts()), name
        assert page.locator(".pill").evaluate_all(
            "(pills) => pills.every((pill) => getComputedStyle(pill).borderTopStyle === 'solid')"
        ), name


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_reduced_motion_stops_all_animation(
    page: Page, live_server: LiveServer, motion: str, moves: bool
) -> None:
    """A page with a dialog and one with a progress bar have animations, unless the user prefers reduced motion."""
    world = small_world()
    page.emulate_media(reduced_motion=motion)
    found = []
    for name in ("bulk-window", "running"):
        show(name, page, live_server, world)
        found += page.evaluate(MOVING)
    assert bool(found) == moves, found


def test_a_result_prints_as_a_table_in_black_on_white(page: Page, live_server: LiveServer) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 718, "height": 1000})  # the printable width of A4
    world = small_world()
    everything(world.people[24])  # one of the transfer's Source Users
    show("with-errors", page, live_server, world)
    for shown in ("#outcome", "table.impact thead", "table.impact tfoot"):
        expect(page.locator(shown).first).to_be_visible()
    for hidden in (".top", ".crumbs", ".pager >> nth=0", "text=Retry failed transfers"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.evaluate(SIDEWAYS)


@pytest.mark.parametrize("name", ["transfers-found", "audit", "users"])
def test_a_list_prints_as_a_table_without_controls(page: Page, live_server: LiveServer, name: str) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 718, "height": 1000})  # the printable width of A4
    show(name, page, live_server, small_world())
    expect(page.locator("#list thead")).to_be_visible()
    for hidden in (".top", ".filters", ".pager", ".rows .actions", "text=Clear filters", "a[download]"):
        expect(page.locator(hidden).filter(visible=True)).to_have_count(0)
    if name == "audit":
        expect(page.locator(".why li").first).to_be_visible()
    assert not page.evaluate(SIDEWAYS)


def test_every_page_has_its_own_title(page: Page, live_server: LiveServer, page_errors: list[str]) -> None:
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
    page_errors[:] = [error for error in page_errors if not is_expected_response(error)]
