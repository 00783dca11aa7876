"""The upload, progress and result of a bulk transfer in a browser."""

import os
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.fixtures.cast import Cast, sign_in, transfer
from tests.fixtures.managers import boss
from transfers.models import Kind, PairState, State, Transfer, TransferPair

pytestmark = pytest.mark.browser


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return Cast()


@pytest.fixture
def people_csv(cast: Cast, tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(f"From User ID,To User ID\n{cast.ana.pk},{cast.bo.pk}\n")
    return file


def test_upload_button_opens_the_file_dialog(
    page: Page, live_server: LiveServer, cast: Cast, people_csv: Path
) -> None:
    sign_in(page, live_server, cast.ada)
    page.goto("/transfer/bulk/")
    page.get_by_role("link", name="Run a new bulk data transfer").click()

    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload User Data Transfer File").click()
    chooser.value.set_files(people_csv)

    expect(page.get_by_role("heading", name="Preview")).to_be_visible()
    expect(page.locator("#row-2")).to_contain_text("Bo Chen")


def test_a_refused_file_says_why(
    page: Page, live_server: LiveServer, cast: Cast, tmp_path: Path, page_errors: list[str]
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(b"%PDF-1.7")
    sign_in(page, live_server, cast.ada)
    page.goto("/transfer/bulk/")
    page.get_by_label("The people.csv or people.xlsx file you edited").set_input_files(file)
    page.get_by_role("button", name="Upload User Data Transfer File").click()

    expect(page.locator("#errors")).to_contain_text("This is a PDF file")
    page_errors[:] = [error for error in page_errors if "422" not in error]


def test_running_page_polls_until_the_end(page: Page, live_server: LiveServer, cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), kind=Kind.BULK, state=State.RUNNING)
    sign_in(page, live_server, cast.ada)
    page.goto(f"/transfers/{made.number}/")
    page.get_by_role("button", name="Stop after the current users").focus()

    TransferPair.objects.filter(source=cast.ana).update(state=PairState.SUCCEEDED, finished_at=timezone.now())
    expect(page.get_by_text("1 of 2 done")).to_be_visible()
    expect(page.get_by_role("button", name="Stop after the current users")).to_be_focused()

    TransferPair.objects.update(state=PairState.SUCCEEDED)
    Transfer.objects.update(state=State.SUCCEEDED, finished_at=timezone.now())
    expect(page.get_by_role("heading", name="Data Transfer Successful")).to_be_visible()
    expect(page.locator("#late")).to_contain_text("Checked on")  # loaded by the page's last request
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert not asked


@pytest.mark.parametrize(
    ("address", "arrived"), [("/transfer/bulk/", "#row-3"), ("/users/import/", "#row-2")]
)
def test_a_file_that_was_saved_again_is_asked_for_again(
    page: Page, live_server: LiveServer, cast: Cast, people_csv: Path, address: str, arrived: str
) -> None:
    """Chromium would not send the file, and would replace the page with an error page of its own."""
    sign_in(page, live_server, boss(cast))
    page.goto(address)
    people_csv.write_text(f"From User ID,To User ID,User Name\n{cast.ana.pk},{cast.bo.pk},ana.díaz\n")
    page.locator("#file").set_input_files(people_csv)
    people_csv.write_text(people_csv.read_text() + f"{cast.cy.pk},{cast.di.pk},cy.young\n")
    later = people_csv.stat().st_mtime + 60  # Chromium compares the whole seconds
    os.utime(people_csv, (later, later))
    button = page.locator("form[data-upload] button")
    button.click()

    expect(page.get_by_text("The file was changed after you chose it. Choose it again.")).to_be_visible()
    assert page.url.endswith(address)
    assert page.locator("#file").input_value() == ""
    page.locator("#file").set_input_files(people_csv)
    button.click()
    expect(page.locator(arrived)).to_be_visible()


def test_pasted_pairs(page: Page, live_server: LiveServer, cast: Cast) -> None:
    sign_in(page, live_server, cast.ada)
    page.goto(f"{live_server.url}/transfer/bulk/")
    page.get_by_text("Or paste two columns from a spreadsheet").click()
    box = page.get_by_label("From User ID and To User ID, one pair per line")
    box.fill(f"{cast.ana.pk}\t{cast.bo.pk}")
    page.get_by_role("button", name="Check pasted rows").click()
    expect(page.get_by_role("heading", name="Bulk User Data Transfer")).to_be_visible()
    expect(page.locator("#row-2")).to_contain_text(cast.bo.name)
    expect(page.locator(".head")).to_contain_text("Rows pasted")
