"""Managing users, views and roles in a browser: with two tabs, in two sessions, by keyboard and without JavaScript."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import AccessView, User
from tests.browser.account_states import WRONG_USERS, send_file
from tests.browser.conftest import Enter
from tests.conftest import TIMEOUT
from tests.fixtures.cast import Cast, sign_in
from tests.fixtures.managers import boss

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FOCUSED = "(document.activeElement.labels?.[0] || document.activeElement).innerText"


@pytest.fixture
def plain(chromium: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page in a browser with JavaScript disabled."""
    with chromium.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        yield page


def test_a_user_is_created_and_found(page: Page, enter: Enter, cast: Cast) -> None:
    enter(boss(cast), "/users/")
    page.get_by_role("link", name="New user").click()
    page.get_by_label("User name").fill("zoe.new")
    page.get_by_label("First name").fill("Zoë")
    page.get_by_label("Team").select_option("Support")
    page.get_by_label("Transfer operator").check()
    page.get_by_label("Support only").check()
    page.get_by_role("button", name="Create user").click()
    expect(page.locator("#status")).to_contain_text("Zoë was created without a password.")
    page.get_by_label("Name, ID, user name or email").fill("zoe")
    expect(page).to_have_url(re.compile("[?]q=zoe$"))
    expect(page.get_by_role("row", name="Zoë")).to_contain_text("Transfer operator")


def test_results_appear_while_a_filter_is_typed_or_chosen(page: Page, enter: Enter, cast: Cast) -> None:
    enter(boss(cast), "/users/")
    search = page.get_by_label("Name, ID, user name or email")
    search.press_sequentially("ana")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#status")).to_have_text("1 user")
    expect(search).to_be_focused()
    page.get_by_label("Team").select_option("Sales")
    expect(page.get_by_text("No user in your views matches these filters")).to_be_visible()
    page.reload()
    expect(search).to_have_value("ana")
    page.get_by_role("link", name="Clear filters").click()
    expect(page).to_have_url(re.compile("/users/$"))


def test_a_user_is_deactivated_from_the_list(page: Page, enter: Enter, cast: Cast) -> None:
    enter(boss(cast), "/users/?q=ana")
    button = page.get_by_role("button", name="Deactivate Ana Díaz")
    button.click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    button.click()
    page.get_by_role("alertdialog").get_by_role("button", name="Deactivate").click()
    expect(page.locator("#status")).to_contain_text("Ana Díaz is inactive")
    cast.ana.refresh_from_db()
    assert not cast.ana.is_active


def test_errors_link_to_their_fields(page: Page, enter: Enter, cast: Cast, page_errors: list[str]) -> None:
    enter(boss(cast), "/users/new/")
    page.get_by_label("User name").fill("eli.sales")
    page.get_by_label("Email").fill("no address")
    page.get_by_role("button", name="Create user").click()
    expect(page.locator("#error-summary")).to_be_focused()
    page.locator("#error-summary").get_by_role("link", name="Email").click()
    expect(page.get_by_label("Email")).to_be_focused()
    expect(page.get_by_label("Email")).to_have_value("no address")
    expect(page.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Email").fill("")
    page.get_by_role("button", name="Create user").click()
    expect(page.get_by_role("alert")).to_contain_text("This user name is taken. Choose another.")
    page_errors.clear()  # Chromium logs each 422 response as an error


def test_a_stale_tab_sees_what_it_would_overwrite(
    page: Page, enter: Enter, cast: Cast, page_errors: list[str]
) -> None:
    enter(boss(cast), f"/users/{cast.ana.pk}/")
    second = page.context.new_page()
    second.goto(f"/users/{cast.ana.pk}/")
    page.get_by_label("Last name").fill("Dias")
    page.get_by_role("button", name="Save").click()
    second.get_by_label("First name").fill("Anna")
    second.get_by_label("Email").fill("ana@example.com")
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_role("alert")).to_contain_text("Someone else changed this")
    expect(second.get_by_role("alert")).to_contain_text("Last name: Dias → Díaz")
    second.get_by_label("Last name").fill("Dias")
    second.get_by_role("button", name="Save").click()
    expect(second.locator("#status")).to_contain_text("was saved")
    cast.ana.refresh_from_db()
    assert cast.ana.name == "Anna Dias"
    page_errors.clear()


def test_a_changed_view_affects_other_sessions_at_once(
    page: Page, enter: Enter, cast: Cast, chromium: Browser, live_server: LiveServer
) -> None:
    with chromium.new_context(base_url=live_server.url) as context:
        other = context.new_page()
        sign_in(other, live_server, cast.otto)
        other.goto(f"/transfer/single/?source={cast.eli.pk}&target={cast.bo.pk}")
        expect(other.get_by_text(f"No user has the ID {cast.eli.pk}.")).to_be_visible()
        view = AccessView.objects.get(name="Support only")
        enter(boss(cast), f"/views/{view.pk}/")
        page.get_by_label("Sales").check()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#status")).to_contain_text("The change takes effect immediately.")
        other.reload()
        expect(other.locator("#outcome")).to_contain_text("Eli's data moves to Bo")
        page.goto(f"/views/{view.pk}/")
        page.get_by_label("Active").uncheck()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#status")).to_contain_text("was saved")
        other.reload()
        expect(other.get_by_text(f"No user has the ID {cast.bo.pk}.")).to_be_visible()


def test_the_import_lists_all_errors_and_then_imports(page: Page, enter: Enter, cast: Cast) -> None:
    enter(boss(cast), "/users/import/")
    send_file(page, WRONG_USERS)
    rows = page.get_by_role("region", name="Rows of the file")
    expect(rows.get_by_text("“nia” is not an email address.")).to_be_visible()
    expect(rows.get_by_text("The User Name is missing.")).to_be_visible()
    expect(rows.get_by_text("Your views contain no team called “No such team”.")).to_be_visible()
    page.get_by_role("link", name="Upload a different file").click()
    send_file(page, b"User Name,First Name,Team\r\nzoe.new,Zo,Support\r\nbo.chen,Beau,\r\n")
    expect(page.get_by_text("First name: Bo → Beau")).to_be_visible()
    page.get_by_role("button", name="Import: 1 to create, 1 to change").click()
    expect(page.locator("#status")).to_contain_text("1 created, 1 changed")
    assert User.objects.get(username="zoe.new").team == cast.support


def tab_to(page: Page, name: str, limit: int = 80) -> None:
    """Press Tab until the element whose text or label starts with this name has focus."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if (
            page.evaluate("(document.activeElement.labels?.[0] || document.activeElement).innerText")
            .strip()
            .startswith(name)
        ):
            return
    pytest.fail(f"{name} cannot be reached with the Tab key.")


def test_a_view_is_created_and_assigned_by_keyboard(page: Page, enter: Enter, cast: Cast) -> None:
    enter(boss(cast), "/views/new/")
    tab_to(page, "Name")
    page.keyboard.type("Both teams")
    tab_to(page, "Sales")
    page.keyboard.press("Space")
    tab_to(page, "Create view")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Both teams", level=1)).to_be_visible()
    page.get_by_label("Find a user to add or remove").last.focus()
    page.keyboard.type("nina")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Add Nina Nobody")).to_be_visible()
    tab_to(page, "Add")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("Nina Nobody was added")
    assert [view.name for view in cast.nina.access_views.all()] == ["Both teams"]


def test_without_scripts(plain: Page, live_server: LiveServer, cast: Cast) -> None:
    sign_in(plain, live_server, boss(cast))
    plain.goto("/roles/new/")
    plain.get_by_label("Name").fill("Auditor")
    plain.get_by_label("See the audit log").check()
    plain.get_by_role("button", name="Create role").click()
    expect(plain.locator("#status")).to_contain_text("Auditor was created.")
    plain.goto(f"/users/{cast.nina.pk}/")
    plain.get_by_label("Auditor").check()
    plain.get_by_role("button", name="Save").click()
    expect(plain.locator("#status")).to_contain_text("was saved")
    plain.goto(f"/views/{AccessView.objects.get(name='Support only').pk}/?people=nina")
    plain.get_by_role("button", name="Add Nina Nobody").click()
    expect(plain.locator("#status")).to_contain_text("Nina Nobody was added")
    plain.goto("/users/")
    plain.get_by_label("Name, ID, user name or email").fill("nina")
    plain.get_by_role("button", name="Show").first.click()
    plain.get_by_role("button", name="Deactivate Nina Nobody").click()
    plain.get_by_role("button", name="Deactivate").click()
    expect(plain.locator("#status")).to_contain_text("Nina Nobody is inactive")
    plain.goto("/audit/")
    expect(plain.get_by_text("Roles: added Auditor.")).to_be_visible()
    plain.goto("/users/import/")
    send_file(plain, b"User Name,First Name\r\nzoe.new,Zo\r\n")
    plain.get_by_role("button", name="Import: 1 to create, 0 to change").click()
    expect(plain.locator("#status")).to_contain_text("1 created")
