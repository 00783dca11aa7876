"""Single transfers in a browser: keyboard use, the confirmation dialog, and use without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.fixtures.cast import Cast, agent, signed_in
from tests.fixtures.records import everything
from transfers.models import State, Transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGE = "/transfer/single/"
WINDOW = "dialog[open]"


SignIn = Callable[[User], None]


@pytest.fixture
def cast(transactional_db: None, no_messages: None) -> Cast:
    return Cast()


@pytest.fixture
def enter(page: Page, live_server: LiveServer) -> SignIn:
    """A function that signs a user in to the browser, without the sign-in form."""

    def enter(person: User) -> None:
        session = signed_in(person).cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])

    return enter


def pair_of(cast: Cast) -> str:
    return f"{PAGE}?source={cast.ana.pk}&target={cast.bo.pk}"


def choose(page: Page, label: str, typed: str) -> None:
    """Choose a user by keyboard: type, wait for the list, take the first option."""
    page.get_by_label(label).focus()
    # Insert all letters at once; otherwise, the list for the first letters could still be open.
    page.keyboard.insert_text(typed)
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def test_both_users_are_chosen_by_keyboard_and_kept_in_the_url(page: Page, enter: SignIn, cast: Cast) -> None:
    everything(cast.ana)
    enter(cast.otto)
    page.goto(PAGE)
    choose(page, "Target User", "bo ch")
    choose(page, "Source User", "diaz")
    expect(page.locator("#outcome")).to_contain_text("Ana's data moves to Bo")
    expect(page).to_have_url(f"{page.url.split(PAGE)[0]}{pair_of(cast)}")
    expect(page.locator("#status")).to_contain_text("records to move")
    page.reload()
    expect(page.get_by_label("Source User")).to_have_value(f"Ana Díaz ({cast.ana.pk})")


def test_escape_restores_the_chosen_user(page: Page, enter: SignIn, cast: Cast) -> None:
    enter(cast.otto)
    page.goto(pair_of(cast))
    page.get_by_label("Source User").focus()
    page.keyboard.type("nobody")
    expect(page.locator("#status")).to_contain_text("No active user in your views matches “nobody”.")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Source User")).to_have_value(f"Ana Díaz ({cast.ana.pk})")
    expect(page.get_by_label("Source User")).to_have_attribute("aria-expanded", "false")


def test_no_match_offers_inactive_users(page: Page, enter: SignIn, cast: Cast) -> None:
    agent(cast.support, "Gus Gone", is_active=False)
    enter(cast.otto)
    page.goto(PAGE)
    choose(page, "Source User", "gus")
    expect(page.get_by_label("Show inactive users")).to_be_checked()
    expect(page.get_by_role("option", name="Gus Gone Inactive")).to_be_visible()


def test_swapping_keeps_the_focus(page: Page, enter: SignIn, cast: Cast) -> None:
    enter(cast.otto)
    page.goto(pair_of(cast))
    page.get_by_role("button", name="Swap Target and Source").press("Enter")
    expect(page.locator("#outcome")).to_contain_text("Bo's data moves to Ana")
    expect(page.get_by_role("button", name="Swap Target and Source")).to_be_focused()
    expect(page.get_by_label("Source User")).to_have_value(f"Bo Chen ({cast.bo.pk})")


def test_the_confirmation_focuses_cancel_and_closes_on_escape(page: Page, enter: SignIn, cast: Cast) -> None:
    enter(cast.otto)
    page.goto(pair_of(cast))
    page.get_by_role("button", name="Run Transfer").press("Enter")
    expect(page.locator(WINDOW).get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Run Transfer")).to_be_focused()
    assert Transfer.objects.get().state == State.DRAFT


def test_both_buttons_are_disabled_during_the_request(page: Page, enter: SignIn, cast: Cast) -> None:
    enter(cast.otto)
    page.goto(pair_of(cast))
    page.get_by_role("button", name="Run Transfer").click()
    page.get_by_label("I have checked the direction of this transfer").check()
    held: list[Route] = []
    page.route("**/confirmation/", lambda route: held.append(route))
    window = page.locator(WINDOW)
    with page.expect_request("**/confirmation/"):
        window.get_by_role("button", name="Run Transfer").click()
    expect(window.get_by_role("button", name="Run Transfer")).to_be_disabled()
    expect(window.get_by_role("button", name="Cancel")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(window).to_be_visible()
    held[0].continue_()
    page.wait_for_url(f"**/transfers/{Transfer.objects.get().number}/")


def test_changed_numbers_are_shown_and_focused(page: Page, enter: SignIn, cast: Cast) -> None:
    enter(cast.otto)
    page.goto(pair_of(cast))
    page.get_by_role("button", name="Run Transfer").click()
    page.get_by_label("I have checked the direction of this transfer").check()
    everything(cast.ana)
    page.locator(WINDOW).get_by_role("button", name="Run Transfer").click()
    expect(page.locator(WINDOW).get_by_role("alert")).to_be_focused()
    expect(page.locator(WINDOW)).to_contain_text("Records to move: was 0, is now")
    assert Transfer.objects.get().state == State.DRAFT


def test_an_ended_session_redirects_to_sign_in_and_back(page: Page, enter: SignIn, cast: Cast) -> None:
    enter(cast.otto)
    page.goto(pair_of(cast))
    page.context.clear_cookies()
    page.get_by_label("Source User").click()
    page.wait_for_url(
        f"**/sign-in/?next=%2Ftransfer%2Fsingle%2F%3Fsource%3D{cast.ana.pk}%26target%3D{cast.bo.pk}"
    )


def test_the_chosen_theme_is_kept(page: Page, enter: SignIn, cast: Cast) -> None:
    enter(cast.otto)
    page.goto(PAGE)
    page.locator(".user summary").click()
    page.get_by_label("Dark").check()
    page.reload()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_without_scripts(chromium: Browser, live_server: LiveServer, cast: Cast) -> None:
    session = signed_in(cast.otto).cookies["sessionid"].value
    with chromium.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.goto(PAGE)
        for label, typed, name in (
            ("Target User", "bo", "Bo Chen"),
            ("Source User", str(cast.ana.pk), "Ana Díaz"),
        ):
            page.get_by_label(label, exact=True).fill(typed)
            page.get_by_role("button", name=f"Find {label}").click()
            page.get_by_role("radio", name=name).last.check()
        page.get_by_role("button", name="Show what will happen").click()
        page.get_by_role("button", name="Run Transfer").click()
        page.get_by_label("I have checked the direction of this transfer").check()
        page.get_by_role("button", name="Run Transfer").click()
        page.wait_for_url(f"**/transfers/{Transfer.objects.get().number}/")
