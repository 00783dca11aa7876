"""Bulk transfers in a browser, from the export to the result, including mistakes, conflicts and ended sessions."""

import csv
import io
from pathlib import Path

import pytest
from django.utils.crypto import get_random_string
from playwright.sync_api import Browser, Download, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.permissions import TENANT_ADMINISTRATOR
from tests.browser.conftest import Enter
from tests.conftest import StartWorker, WorkerProcess
from tests.fixtures.cast import Cast, agent, sign_in, transfer
from tests.fixtures.records import call, everything, owned_by
from tests.fixtures.running import confirm, run, upload
from tests.transfers.people_csv.sheets import saved
from transfers.models import Kind, State, Transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

STEPS = "/transfer/bulk/"
HEADER = ("From User ID", "To User ID", "First Name", "Last Name")


@pytest.fixture(autouse=True)
def only_workers_get_messages(request: pytest.FixtureRequest) -> None:
    if not request.node.get_closest_marker("worker"):
        request.getfixturevalue("no_messages")


def send(page: Page, content: bytes, name: str = "people.csv") -> None:
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Upload User Data Transfer File").click()


def rows_in(download: Download) -> list[list[str]]:
    text = Path(download.path()).read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def export(page: Page) -> list[list[str]]:
    with page.expect_download() as download:
        page.get_by_role("link", name="Click here to download an export of all users.").click()
    return rows_in(download.value)


def start(page: Page, count: int) -> None:
    run = page.get_by_role("link", name="Run Transfer")
    expect(run).to_be_visible()
    page.wait_for_load_state()  # until the script is loaded, the link opens a page instead of a dialog
    run.click()
    window = page.get_by_role("alertdialog")
    window.get_by_label(f"Type {count} to confirm").fill(str(count))
    window.get_by_role("button", name=f"Run Transfer for {count} user").click()


def preview(cast: Cast, *pairs: tuple[object, object]) -> str:
    return f"/transfer/bulk/{upload(cast.ada, *pairs).number}/"


@pytest.mark.worker
def test_export_edit_upload_run(
    page: Page, enter: Enter, cast: Cast, celery_worker_process: WorkerProcess
) -> None:
    everything(cast.ana)
    enter(cast.ada, STEPS)
    rows = export(page)
    for row in rows:
        row[1] = {str(cast.ana.pk): str(cast.bo.pk), str(cast.cy.pk): str(cast.di.pk)}.get(row[0], row[1])
    send(page, saved(rows))
    expect(page.get_by_role("heading", name="Preview", exact=True)).to_be_visible()

    start(page, 2)

    expect(page.get_by_role("heading", name="Data Transfer Successful")).to_be_visible(timeout=120_000)
    assert owned_by(cast.ana) == {}
    expect(page.locator("#strip")).to_be_empty()


def test_an_unedited_export_selects_no_users(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, STEPS)
    send(page, saved(export(page)))
    expect(page.locator("#preview")).to_contain_text("No users selected.")
    expect(page.get_by_role("button", name="Run Transfer")).to_be_disabled()


def test_every_spreadsheet_format_gives_the_same_plan(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, STEPS)
    rows = [HEADER, (cast.ana.pk, cast.bo.pk, "Ana", "Díaz"), (cast.cy.pk, "", "Cy", "Young")]
    ways = [
        {},
        {"encoding": "utf-8", "end": "\n"},
        {"encoding": "utf-16", "delimiter": "\t"},
        {"encoding": "cp1252", "delimiter": ";"},
        {"encoding": "mac-roman", "end": "\r"},
        {"delimiter": "\t"},
    ]
    plans = []
    for way in ways:
        page.goto(STEPS)
        send(page, saved(rows, **way))
        expect(page.locator("#row-2")).to_be_visible()
        plans.append(" ".join(page.locator("#row-2").inner_text().split()))
    assert len(set(plans)) == 1, plans


def test_all_mistakes_are_listed_at_once_and_fixed_in_place(page: Page, enter: Enter, cast: Cast) -> None:
    eve = agent(cast.support, "Eve Extra")
    wrong = ((cast.ana, "Bo Chen"), (cast.cy, 7000777), (eve, eve), ("=A2", cast.di))
    enter(cast.ada, preview(cast, *wrong))
    expect(page.get_by_role("heading", name="4 rows have errors")).to_be_visible()

    page.get_by_role("button", name=f"Use {cast.bo.pk} in row 2").click()
    expect(page.locator("#row-2")).to_contain_text("Bo Chen")
    page.get_by_label("To User ID, row 3").fill(str(cast.di.pk))
    page.get_by_label("To User ID, row 3").press("Enter")
    expect(page.get_by_role("heading", name="2 rows have errors")).to_be_visible()
    page.get_by_role("button", name="Clear row 4").click()
    page.get_by_role("button", name="Clear row 5").click()

    expect(page.get_by_role("link", name="Run Transfer")).to_be_visible()
    assert page.title() == "Preview · Data Transfer"
    page.get_by_role("link", name="Cleared 2").click()
    page.get_by_role("button", name="Restore row 4").click()
    expect(page.get_by_role("button", name="Clear row 4")).to_be_focused()
    assert page.title().startswith("1 error: ")


def test_rows_with_errors_are_fixed_in_the_file(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, preview(cast, (cast.ana, 7000777), (cast.cy, cast.di)))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download rows with errors").click()
    rows = rows_in(download.value)
    assert (rows[0][0], rows[0][-2:]) == ("Row in Preview", ["Result", "Preview"])
    rows[1][rows[0].index("To User ID")] = str(cast.bo.pk)
    page.get_by_role("link", name="Upload a different file").click()

    send(page, saved(rows))

    expect(page.locator("#row-2")).to_contain_text("Bo Chen")
    expect(page.get_by_role("link", name="Run Transfer")).to_be_visible()
    page.get_by_role("button", name="Put them into it").click()
    expect(page.get_by_role("link", name="All 2")).to_be_visible()
    expect(page.locator("#row-2")).to_contain_text("Bo Chen")


def test_a_column_sorted_by_itself_is_detected(page: Page, enter: Enter, cast: Cast) -> None:
    people = [cast.ana, cast.bo, cast.cy, cast.di]
    targets = [agent(cast.sales, f"Target T{letter}") for letter in "abcd"]
    shifted = [*people[1:], people[0]]
    rows = [
        (who.pk, to.pk, named.first_name, named.last_name)
        for who, to, named in zip(people, targets, shifted, strict=True)
    ]
    enter(cast.ada, STEPS)
    send(page, saved([HEADER, *rows]))
    expect(page.locator("#preview")).to_contain_text("A column seems to have been sorted on its own.")
    expect(page.get_by_role("button", name="Run Transfer")).to_be_disabled()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 xl/workbook.xml", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"", "This file is empty."),
        (b"From User ID|To User ID\r\n1|2\r\n", "were not found"),
        (b'From User ID,To User ID\r\n1,"2\r\n3,4\r\n', "never closed"),
    ],
)
def test_an_unreadable_file_says_why(
    page: Page, enter: Enter, cast: Cast, page_errors: list[str], content: bytes, said: str
) -> None:
    enter(cast.ada, STEPS)
    send(page, content, "<b>Q3</b>\u202evsc.exe")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The file could not be used. Nothing was changed.")
    expect(alert).to_be_focused()
    assert said in alert.inner_text()
    page_errors[:] = [error for error in page_errors if "422" not in error]


@pytest.mark.worker
def test_a_failed_pair_does_not_affect_others_and_can_be_retried(
    page: Page, enter: Enter, cast: Cast, start_worker: StartWorker
) -> None:
    everything(cast.ana, 1)
    everything(cast.cy, 1)
    enter(cast.ada, preview(cast, (cast.ana, cast.bo), (cast.cy, cast.di)))
    start(page, 2)
    expect(page.get_by_text("You can leave this page or sign out.")).to_be_visible()
    role = cast.abacus.roles.create(
        name="Boss", permissions=[p.value for p in TENANT_ADMINISTRATOR.permissions]
    )
    cast.di.role_assignments.create(role=role)
    start_worker()

    expect(page.get_by_role("heading", name="Errors occurred during data transfer.")).to_be_visible(
        timeout=120_000
    )
    expect(page.locator("tbody").first).to_contain_text(str(cast.cy.pk))
    expect(page.locator("tbody").first).to_contain_text("Nothing was changed for this pair.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Click here to download an audit log").click()
    assert [row[2] for row in rows_in(download.value)[1:]] == [str(cast.cy.pk)]
    assert (owned_by(cast.ana), bool(owned_by(cast.cy))) == ({}, True)
    cast.di.role_assignments.all().delete()

    page.get_by_role("button", name="Retry failed transfers").click()
    start(page, 1)
    expect(page.get_by_role("heading", name="Data Transfer Successful")).to_be_visible(timeout=120_000)
    assert owned_by(cast.cy) == {}


def test_sign_out_and_return(page: Page, enter: Enter, cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), kind=Kind.BULK, state=State.RUNNING)
    enter(cast.ada, f"/transfers/{made.number}/")
    page.locator(".user summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name or email")).to_be_visible()
    page.goto(f"/transfers/{made.number}/")
    expect(page).to_have_url(f"{page.url.split('/sign-in')[0]}/sign-in/?next=/transfers/{made.number}/")

    enter(cast.ada, "/help/")

    page.locator("#strip").get_by_role("link", name="View").click()
    expect(page.get_by_text("0 of 2 done")).to_be_visible()


def test_signing_in_after_the_session_ended_returns_to_the_preview(
    page: Page, enter: Enter, cast: Cast
) -> None:
    address = preview(cast, (cast.ana, 7000777))
    enter(cast.ada, address)
    page.context.clear_cookies(name="sessionid")
    page.get_by_label("To User ID, row 2").fill(str(cast.bo.pk))
    page.get_by_label("To User ID, row 2").press("Enter")
    page.wait_for_url(f"**/sign-in/?next={address.replace('/', '%2F')}")


def test_a_form_older_than_the_last_sign_in_keeps_its_input(
    page: Page, enter: Enter, cast: Cast, page_errors: list[str]
) -> None:
    enter(cast.ada, preview(cast, (cast.ana, 7000777), (cast.cy, cast.di)))
    sign_in_elsewhere(page)
    cell = page.get_by_label("To User ID, row 2")
    cell.fill(str(cast.bo.pk))
    cell.press("Enter")
    expect(page.locator("#status")).to_contain_text("What you typed is still here. Send it again.")
    expect(cell).to_have_value(str(cast.bo.pk))
    cell.press("Enter")
    expect(page.locator("#row-2")).to_contain_text("Bo Chen")
    expect(page.locator("#status .error")).to_have_count(0)

    page.get_by_role("link", name="Run Transfer").click()
    window = page.get_by_role("alertdialog")
    expect(window).to_be_visible()
    sign_in_elsewhere(page)
    window.get_by_label("Type 2 to confirm").fill("2")
    window.get_by_role("button", name="Run Transfer for 2 users").click()
    expect(window).to_contain_text("What you typed is still here. Send it again.")
    window.get_by_role("button", name="Run Transfer for 2 users").click()
    expect(page.get_by_text("You can leave this page or sign out.")).to_be_visible()
    page_errors[:] = [error for error in page_errors if "403" not in error]


def sign_in_elsewhere(page: Page) -> None:
    """Replace the CSRF cookie, as a sign-in in another tab does, so that the tokens in this page become invalid."""
    [cookie] = [cookie for cookie in page.context.cookies() if cookie["name"] == "csrftoken"]
    page.context.add_cookies([{**cookie, "value": get_random_string(32)}])


def test_changes_since_the_preview_are_shown_and_not_run(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, preview(cast, (cast.ana, cast.bo)))
    page.get_by_role("link", name="Run Transfer").click()
    window = page.get_by_role("alertdialog")
    expect(window).to_be_visible()
    call(cast.ana)
    window.get_by_label("Type 1 to confirm").fill("1")
    window.get_by_role("button", name="Run Transfer for 1 user").click()
    expect(window.get_by_role("alert")).to_contain_text("Records to move: was 0, is now 1.")
    assert Transfer.objects.get().state == State.DRAFT


def test_one_bulk_at_a_time(page: Page, enter: Enter, cast: Cast) -> None:
    eve, fay = agent(cast.support, "Eve Extra"), agent(cast.support, "Fay Further")
    made = confirm(upload(cast.ada, (cast.cy, cast.di)), cast.ada)
    bulk = preview(cast, (eve, fay))
    enter(cast.ada, bulk)
    expect(page.get_by_role("button", name="Run Transfer")).to_be_disabled()
    expect(page.locator("#why-not")).to_contain_text("A bulk transfer is running.")
    page.locator("#why-not").get_by_role("link", name="View the running transfer").click()
    expect(page).to_have_url(f"{page.url.split('/transfers')[0]}/transfers/{made.number}/")

    run(made)
    expect(page.get_by_role("heading", name="Data Transfer Successful")).to_be_visible()
    page.goto(bulk)
    expect(page.get_by_role("link", name="Run Transfer")).to_be_visible()


def test_stop(page: Page, enter: Enter, cast: Cast) -> None:
    made = confirm(upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di)), cast.ada)
    enter(cast.ada, f"/transfers/{made.number}/")
    page.get_by_role("button", name="Stop after the current users").click()
    expect(page.get_by_role("heading", name="The transfer was stopped.")).to_be_visible()
    expect(page.locator("#outcome")).to_contain_text("2 not started")
    expect(page.get_by_role("button", name="Retry failed transfers")).to_be_visible()


def test_keyboard_only(page: Page, enter: Enter, cast: Cast) -> None:
    """In the preview, tab to the cell, fix it, tab to Run Transfer and confirm."""
    enter(cast.ada, preview(cast, (cast.ana, 7000777)))
    tab_to(page, "To User ID, row 2")
    page.keyboard.press("Control+A")
    page.keyboard.type(f"{cast.bo.pk}")
    page.keyboard.press("Enter")
    expect(page.locator("#row-2")).to_contain_text("Bo Chen")
    tab_to(page, "Run Transfer")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alertdialog").get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You can leave this page or sign out.")).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with this name has focus."""
    said = "(it => it.getAttribute('aria-label') || it.textContent.trim())(document.activeElement)"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(said) == name:
            return
    pytest.fail(f"Tab does not lead to {name}.")


def test_without_scripts(chromium: Browser, live_server: LiveServer, cast: Cast) -> None:
    with chromium.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, live_server, cast.ada)
        page.goto(STEPS)
        send(page, saved([HEADER, (cast.ana.pk, cast.bo.pk, "Ana", "Díaz")]))
        page.get_by_role("link", name="Run Transfer").click()
        page.get_by_role(
            "button", name="Run Transfer for 1 user"
        ).click()  # blocked by the browser, because the number is required
        page.get_by_label("Type 1 to confirm").fill("2")
        page.get_by_role("button", name="Run Transfer for 1 user").click()
        expect(page.get_by_role("alert")).to_contain_text("You typed 2.")
        page.get_by_label("Type 1 to confirm").fill("1")
        page.get_by_role("button", name="Run Transfer for 1 user").click()
        expect(page.get_by_role("link", name="Show progress")).to_be_visible()
