"""Whatever a person may wonder about in a preview is said: what a change undid, what is lost, whose row it is."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from audit.models import AuditEvent
from tests.browser.conftest import Enter
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent, sign_in
from tests.fixtures.running import run_bulk, upload
from transfers import actions
from transfers.models import State, Transfer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_messages"),
]


def preview(made: Transfer, query: str = "?filter=all") -> str:
    return f"/transfer/bulk/{made.number}/{query}"


def discard(page: Page) -> None:
    page.locator("#discard").click()


# --- Discard --------------------------------------------------------------------------------------------------------


def test_an_untouched_preview_is_discarded_at_once(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, preview(upload(cast.ada, (cast.ana, cast.bo))))

    discard(page)

    expect(page).to_have_url(re.compile("/transfer/bulk/$"))
    expect(page.locator("#status")).to_contain_text("The preview was discarded. Nothing was transferred.")


def test_discard_asks_if_rows_were_changed(page: Page, enter: Enter, cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    actions.clear_row(by=cast.ada, transfer=made, number=3)
    enter(cast.ada, preview(made))

    discard(page)

    window = page.get_by_role("alertdialog", name="Discard this preview?")
    expect(window).to_contain_text("You have made 1 change in people.csv.")
    expect(window.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#discard")).to_be_focused()
    assert Transfer.objects.get().state == State.DRAFT

    discard(page)
    window.get_by_role("button", name="Discard").click()
    expect(page.locator("#status")).to_contain_text("The preview was discarded.")
    assert Transfer.objects.get().state == State.DISCARDED


def test_discard_asks_without_scripts_and_in_the_list(
    chromium: Browser, live_server: LiveServer, cast: Cast
) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    actions.clear_row(by=cast.ada, transfer=made, number=3)
    with chromium.new_context(java_script_enabled=False, base_url=live_server.url) as context:
        plain = context.new_page()
        sign_in(plain, live_server, cast.ada)
        plain.goto("/transfer/bulk/")
        plain.get_by_role("button", name="Discard").click()
        expect(plain.get_by_role("heading", name="Discard this preview?")).to_be_visible()
        plain.get_by_role("link", name="Keep").click()
        expect(plain.get_by_role("heading", name="Preview", exact=True)).to_be_visible()
        discard(plain)
        plain.get_by_role("button", name="Discard").click()
        expect(plain.locator("#status")).to_contain_text("The preview was discarded.")


# --- Two tabs, another transfer --------------------------------------------------------------------------------------


def test_a_change_of_a_row_that_was_cleared_elsewhere_says_so(page: Page, enter: Enter, cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    enter(cast.ada, preview(made))
    actions.clear_row(by=cast.ada, transfer=made, number=2)

    page.get_by_label("To User ID, row 2").fill(str(cast.eli.pk))
    page.get_by_label("To User ID, row 2").press("Enter")

    said = "Row 2 had been cleared. It is selected again, because you changed it."
    expect(page.locator("#row-2")).to_contain_text(said)
    expect(page.locator("#status")).to_contain_text(said)
    expect(page.get_by_label("To User ID, row 2")).to_be_focused()
    page.get_by_role("button", name="Clear row 2").click()
    expect(page.locator("#row-2")).to_have_count(0)


def test_numbers_from_before_another_transfer_are_not_shown(page: Page, enter: Enter, cast: Cast) -> None:
    records.everything(cast.ana, 2)
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    enter(cast.ada, preview(made))
    expect(page.locator("#row-2 td.num").first).not_to_have_text("0")
    run_bulk(cast.ada, (cast.ana, cast.bo))

    page.reload()

    expect(page.locator("#row-2 td.num").first).to_have_text("0")
    expect(page.locator("#status")).to_contain_text("Some of these users were in another transfer after")
    page.reload()
    expect(page.locator("#status")).not_to_contain_text("another transfer")


# --- A name that differs ---------------------------------------------------------------------------------------------


def named(cast: Cast, tmp_path: Path) -> Transfer:
    """Upload a row with another first name, and one that is right."""
    file = tmp_path / "people.csv"
    file.write_text(
        "From User ID,To User ID,First Name,Last Name\n"
        f"{cast.ana.pk},{cast.bo.pk},Zoe,Zimmer\n{cast.cy.pk},{cast.di.pk},Cy,Young\n"
    )
    with file.open("rb") as stream:
        return actions.upload(by=cast.ada, file_name="people.csv", stream=stream)


def test_a_name_that_differs_can_be_confirmed(page: Page, enter: Enter, cast: Cast, tmp_path: Path) -> None:
    made = named(cast, tmp_path)
    enter(cast.ada, preview(made))
    expect(page.locator("#row-2")).to_contain_text("does not match user")

    page.get_by_role("button", name=f"{cast.ana.pk} is right: Ana Díaz").press("Enter")

    expect(page.locator("#row-2")).to_contain_text(f"You confirmed that {cast.ana.pk} is right")
    expect(page.get_by_label("To User ID, row 2")).to_be_focused()
    expect(page.get_by_role("link", name="Run Transfer")).to_be_visible()
    event = AuditEvent.objects.get(kind="row-confirmed")
    assert event.details["in_file"] == "Zoe Zimmer"
    actions.fix_row(by=cast.ada, transfer=made, number=2, to_text=str(cast.eli.pk))
    page.reload()
    expect(page.locator("#row-2")).to_contain_text(f"You confirmed that {cast.ana.pk} is right")


# --- Rows corrected in a file ----------------------------------------------------------------------------------------


def corrected(page: Page, tmp_path: Path, **targets: object) -> Path:
    """Download the rows with errors, write targets into the rows, and return the file."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download rows with errors").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    for old, new in targets.items():
        text = text.replace(old.removeprefix("n"), str(new))
    file = tmp_path / "fixed.csv"
    file.write_text(text)
    return file


def send(page: Page, file: Path) -> None:
    page.goto("/transfer/bulk/")
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Upload User Data Transfer File").click()


def test_corrected_rows_go_back_into_their_preview(
    page: Page, enter: Enter, cast: Cast, tmp_path: Path
) -> None:
    flo = agent(cast.support, "Flo Fine")
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777), (cast.di, 7000778))
    enter(cast.ada, preview(made))
    file = corrected(page, tmp_path, n7000777=flo.pk, n7000778=cast.eli.pk)

    send(page, file)
    offer = page.locator("#correction")
    expect(offer).to_contain_text("2 of these rows belong to people.csv (3 rows).")
    offer.get_by_role("button", name="Put them into it").click()

    expect(page).to_have_url(re.compile(f"/transfer/bulk/{made.number}/"))
    expect(page.locator("#status")).to_contain_text(
        "2 rows of fixed.csv replaced the same rows of this preview."
    )
    expect(page.locator("#row-3")).to_contain_text("Flo Fine")
    expect(page.locator("#row-4")).to_contain_text("Eli Sales")
    expect(page.get_by_role("link", name="Run Transfer")).to_be_visible()
    assert Transfer.objects.filter(state=State.DRAFT).get() == made


def test_corrected_rows_can_be_kept_apart(page: Page, enter: Enter, cast: Cast, tmp_path: Path) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777))
    enter(cast.ada, preview(made))
    send(page, corrected(page, tmp_path, n7000777=cast.di.pk))

    page.get_by_role("button", name="Keep as a new preview").click()

    expect(page.locator("#row-2")).to_contain_text("Di Ng")
    expect(page.locator("#correction")).to_have_count(0)
    assert Transfer.objects.filter(state=State.DRAFT).count() == 2
