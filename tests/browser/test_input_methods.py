"""While an input method composes a word, as in Japanese or Korean, its keys choose, search and close nothing."""

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import Enter
from tests.fixtures.cast import Cast, agent

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def keyboard(page: Page) -> CDPSession:
    return page.context.new_cdp_session(page)


def compose(keyboard: CDPSession, text: str) -> None:
    keyboard.send(
        "Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
    )


def press(keyboard: CDPSession, *keys: str) -> None:
    """Press the keys as the system reports them to the page while an input method uses them."""
    for key in keys:
        for kind in ("rawKeyDown", "keyUp"):
            keyboard.send("Input.dispatchKeyEvent", {"type": kind, "key": key, "windowsVirtualKeyCode": 229})


def test_composing_neither_searches_nor_chooses_nor_closes(
    page: Page, enter: Enter, cast: Cast, keyboard: CDPSession
) -> None:
    han = agent(cast.support, "지민 한")
    enter(cast.otto, "/transfer/single/")
    field = page.get_by_label("Source User")
    field.click()
    expect(page.get_by_role("option").first).to_be_visible()
    shown = page.get_by_role("option").count()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    compose(keyboard, "ㅎ")
    compose(keyboard, "한")
    press(keyboard, "ArrowDown", "Enter", "Escape", "Process")
    page.wait_for_timeout(400)  # longer than the pause after which a search is sent

    expect(field).to_have_value("한")
    expect(page.get_by_role("option")).to_have_count(shown)
    expect(page.locator("[aria-selected=true]")).to_have_count(0)
    assert asked == []

    keyboard.send("Input.insertText", {"text": "한"})  # ends the composition
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field).to_have_value(f"지민 한 ({han.pk})")
    assert page.locator("input[name=source]").input_value() == str(han.pk)


def test_a_search_that_is_under_way_is_dropped(
    page: Page, enter: Enter, cast: Cast, keyboard: CDPSession
) -> None:
    """Its response would replace the list while the word is composed."""
    enter(cast.otto, "/transfer/single/")
    field = page.get_by_label("Target User")
    field.focus()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.insert_text("b")
    compose(keyboard, "ㅎ")
    page.wait_for_timeout(400)
    expect(field).to_have_attribute("aria-expanded", "false")
    assert asked == []


def test_escape_in_a_composition_closes_no_menu(
    page: Page, enter: Enter, cast: Cast, keyboard: CDPSession
) -> None:
    enter(cast.otto, "/transfer/single/")
    menu = page.locator("details.user")
    menu.locator("summary").click()
    press(keyboard, "Escape")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
