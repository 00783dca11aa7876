"""Choosing the users of a single transfer: what the fields say about the choice, and what cannot be run over it."""

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from tests.browser.conftest import Enter
from tests.fixtures.cast import Cast, agent, transfer
from transfers.models import Transfer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_messages"),
]

PAGE = "/transfer/single/"


def pair_of(source: User, target: User) -> str:
    return f"{PAGE}?source={source.pk}&target={target.pk}&inactive=on"


def picker(page: Page, role: str) -> Locator:
    return page.locator(f"user-picker[data-role={role}]")


def type_into(page: Page, label: str, text: str) -> None:
    page.get_by_label(label).focus()
    page.keyboard.insert_text(text)


@pytest.fixture
def namesake(cast: Cast) -> User:
    return agent(cast.support, "Bo Chen", is_active=False, username="bo.chen.of-the-night", email="")


def test_the_field_shows_at_once_which_namesake_was_chosen(
    page: Page, enter: Enter, cast: Cast, namesake: User
) -> None:
    enter(cast.otto, f"{PAGE}?inactive=on")
    type_into(page, "Target User", "bo chen")
    page.get_by_role("option").filter(has_text="bo.chen.of-the-night").click()

    expect(picker(page, "target").locator(".chosen")).to_have_text("bo.chen.of-the-night · Support Inactive")
    expect(page.locator("#status")).to_contain_text(
        f"Bo Chen ({namesake.pk}), bo.chen.of-the-night · Support, inactive: chosen as Target User."
    )
    expect(page).to_have_url(f"{page.url.split(PAGE)[0]}{PAGE}?target={namesake.pk}&inactive=on")
    page.reload()
    expect(picker(page, "target").locator(".chosen")).to_have_text("bo.chen.of-the-night · Support Inactive")


def test_namesakes_are_told_apart_to_the_end(page: Page, enter: Enter, cast: Cast, namesake: User) -> None:
    enter(cast.otto, pair_of(namesake, cast.bo))
    page.locator("#run").click()
    for place in (page.locator(".direction"), page.get_by_role("alertdialog").locator(".checklist")):
        for words in (f"ID {namesake.pk}", "bo.chen.of-the-night · Support", "Inactive", f"ID {cast.bo.pk}"):
            expect(place).to_contain_text(words)
    made = transfer(cast.otto, (namesake, cast.bo))
    page.goto(f"/transfers/{made.number}/")
    expect(page.locator(".direction")).to_contain_text("bo.chen.of-the-night · Support")
    expect(page.locator(".direction")).to_contain_text("Inactive")


@pytest.mark.parametrize("key", ["Tab", "Enter"])
def test_a_typed_id_is_chosen(page: Page, enter: Enter, cast: Cast, key: str) -> None:
    enter(cast.otto, PAGE)
    type_into(page, "Target User", str(cast.bo.pk))
    page.keyboard.press(key)

    expect(page.get_by_label("Target User")).to_have_value(f"Bo Chen ({cast.bo.pk})")
    expect(picker(page, "target").locator(".chosen")).to_contain_text("Support")
    expect(page.locator("#status")).to_contain_text("chosen as Target User.")
    expect(page).to_have_url(f"{page.url.split(PAGE)[0]}{PAGE}?target={cast.bo.pk}")
    focused = page.get_by_label("Source User" if key == "Tab" else "Target User")
    expect(focused).to_be_focused()


@pytest.mark.parametrize("typed", ["BO.CHEN", "chen bo"])
def test_a_user_name_and_the_only_one_found_are_chosen(
    page: Page, enter: Enter, cast: Cast, namesake: User, typed: str
) -> None:
    enter(cast.otto, PAGE)
    type_into(page, "Source User", typed)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Source User")).to_have_value(f"Bo Chen ({cast.bo.pk})")


def test_what_names_several_users_stays_and_says_that_nobody_was_chosen(
    page: Page, enter: Enter, cast: Cast
) -> None:
    agent(cast.support, "Bo Mann")
    enter(cast.otto, PAGE)
    type_into(page, "Target User", "bo")
    page.keyboard.press("Tab")

    words = "Nobody was chosen. Several users match “bo”. Choose one from the list."
    expect(picker(page, "target").locator(".chosen")).to_contain_text(words)
    expect(page.locator("#status")).to_contain_text(words)
    field = page.get_by_label("Target User")
    expect(field).to_have_value("bo")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("listbox")).to_be_hidden()

    field.press("Enter")
    expect(page.get_by_role("option").first).to_be_visible()
    page.get_by_role("option", name="Bo Chen").click()
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_a_former_choice_stays_and_the_field_says_so(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.otto, pair_of(cast.ana, cast.bo))
    type_into(page, "Target User", "qqq")
    expect(page.locator("#run")).to_be_disabled()
    page.keyboard.press("Tab")
    expect(picker(page, "target")).to_contain_text(f"Nobody was chosen. Bo Chen ({cast.bo.pk}) stays.")
    expect(page.get_by_label("Target User")).to_have_value(f"Bo Chen ({cast.bo.pk})")
    expect(page.locator("#run")).to_be_enabled()


def test_nothing_runs_for_the_former_users_while_others_are_typed(
    page: Page, enter: Enter, cast: Cast
) -> None:
    enter(cast.otto, pair_of(cast.ana, cast.bo))
    type_into(page, "Target User", str(cast.cy.pk))
    page.locator("#run").click(force=True)
    expect(page.get_by_label("Target User")).to_have_value(f"Cy Young ({cast.cy.pk})")
    expect(page.locator(".sums")).to_contain_text(f"({cast.cy.pk})")
    expect(page.locator("dialog")).to_have_count(0)
    assert not Transfer.objects.exists()


def test_numbers_of_the_former_users_do_not_stay_when_counting_fails(
    page: Page, enter: Enter, cast: Cast, page_errors: list[str]
) -> None:
    enter(cast.otto, pair_of(cast.ana, cast.bo))
    page.route("**/transfer/single/?*", lambda route: route.abort())
    type_into(page, "Target User", str(cast.cy.pk))
    page.keyboard.press("Enter")

    expect(page.locator("#outcome")).to_contain_text("Not counted. The server could not be reached.")
    expect(page.get_by_role("button", name="Run Transfer")).to_have_count(0)
    page.unroute("**/transfer/single/?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".sums")).to_contain_text(f"({cast.cy.pk})")
    expect(page.locator("body")).not_to_be_focused()
    page_errors[:] = [error for error in page_errors if "ERR_FAILED" not in error and "htmx:" not in error]


def test_the_wrong_direction_is_swapped_from_its_hint(page: Page, enter: Enter, cast: Cast) -> None:
    gone = agent(cast.support, "Gus Gone", is_active=False)
    enter(cast.otto, pair_of(cast.ana, gone))
    expect(page.locator("#warnings")).to_contain_text("This looks the wrong way round.")

    page.get_by_role("button", name="Swap", exact=True).press("Enter")

    expect(page.locator("#outcome")).to_contain_text("Gus' data moves to Ana")
    expect(page.locator("#outcome")).not_to_contain_text("wrong way round")
    expect(page.get_by_role("heading", name="What will happen")).to_be_focused()
