"""A large preview in a browser: a worker counts its records or, if no worker runs, the page's own requests do."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.conftest import StartWorker
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent, sign_in
from tests.fixtures.running import people_csv, upload
from transfers.models import Transfer
from transfers.planning import background_counts, plan
from transfers.planning.background_counts import count_draft

pytestmark = pytest.mark.browser


@pytest.fixture
def cast(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Cast:
    monkeypatch.setattr(plan, "COUNTED_AT_ONCE", 2)
    return Cast()


def pairs_of(cast: Cast, number: int = 30) -> list[tuple[object, object]]:
    users = [agent(cast.support, f"Agent Number{n}") for n in range(2 * number)]
    for user in users[:number:3]:
        records.schedule(user, 1)
    return list(zip(users[:number], users[number:], strict=True))


@pytest.fixture
def draft(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Transfer:
    """A draft with 30 pairs, whose records have not been counted."""
    monkeypatch.setattr("transfers.tasks.ask_to_count", lambda transfer_id: None)
    return upload(cast.ada, *pairs_of(cast))


def open_preview(page: Page, server: LiveServer, cast: Cast, made: Transfer, query: str = "") -> None:
    sign_in(page, server, cast.ada)
    page.goto(f"/transfer/bulk/{made.number}/{query}")


@pytest.mark.worker
def test_a_worker_counts_an_uploaded_file(
    page: Page,
    live_server: LiveServer,
    cast: Cast,
    tmp_path: Path,
    start_worker: StartWorker,
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(people_csv(*pairs_of(cast)).read())
    sign_in(page, live_server, cast.ada)
    page.goto("/transfer/bulk/")
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Upload").first.click()
    expect(page.get_by_text("Counting the records: 0 of 30 pairs")).to_be_visible()
    not_counted = page.locator("#row-2 td.num", has_text="…")
    expect(not_counted.first).to_be_visible()

    start_worker()

    expect(page.locator("#totals")).to_contain_text("10 records to move", timeout=120_000)
    expect(not_counted).to_have_count(0)
    expect(page.locator("#row-3")).to_contain_text("has no records; nothing will move.")
    expect(page.locator("#counting")).to_have_count(0)
    expect(page.locator("#status")).to_contain_text("All counted: 10 records to move")


def test_focus_and_typed_text_survive_the_final_counts(
    page: Page, live_server: LiveServer, cast: Cast, draft: Transfer
) -> None:
    open_preview(page, live_server, cast, draft, "?rows=10&page=2")
    cell = page.get_by_label("To User ID, row 14")
    cell.focus()
    cell.press("Control+A")
    cell.press_sequentially("7000077")

    count_draft(draft.pk)

    expect(page.locator("#totals")).to_contain_text("Counted")
    expect(page.get_by_text("Rows 11–20 of 30")).to_be_visible()
    expect(cell).to_be_focused()
    expect(cell).to_have_value("7000077")
    page.get_by_label("Search by ID or name").focus()
    expect(page.locator("#row-14")).to_contain_text("No user has the ID 7000077.")


def test_the_edited_row_stays_in_its_place(
    page: Page, live_server: LiveServer, cast: Cast, draft: Transfer
) -> None:
    """The counting finds rows without records, which adds a line above the table."""
    open_preview(page, live_server, cast, draft)
    page.set_viewport_size({"width": 1280, "height": 700})
    cell = page.get_by_label("To User ID, row 14")
    cell.focus()
    before = cell.bounding_box()

    count_draft(draft.pk)

    expect(page.get_by_text("20 Source Users have no records")).to_be_visible()
    expect(cell).to_be_focused()
    assert cell.bounding_box() == before


def test_a_half_typed_search_is_kept(
    page: Page, live_server: LiveServer, cast: Cast, draft: Transfer
) -> None:
    open_preview(page, live_server, cast, draft)
    page.get_by_label("Search by ID or name").press_sequentially("numb")

    count_draft(draft.pk)

    expect(page.locator("#totals")).to_contain_text("Counted")
    expect(page.get_by_label("Search by ID or name")).to_have_value("numb")
    expect(page.get_by_label("Search by ID or name")).to_be_focused()


def test_a_late_count_does_not_overwrite_newer_rows(
    page: Page, live_server: LiveServer, cast: Cast, draft: Transfer
) -> None:
    held: list[object] = []
    page.route("**/counting/**", lambda route: held.append((route, route.fetch())))
    with page.expect_request("**/counting/**"):
        open_preview(page, live_server, cast, draft)
        count_draft(draft.pk)
    page.get_by_label("To User ID, row 2", exact=True).fill("7000777")
    page.get_by_label("To User ID, row 2", exact=True).press("Enter")
    expect(page.locator("#row-2")).to_contain_text("No user has the ID 7000777.")

    for route, response in held:
        route.fulfill(response=response)
    page.wait_for_timeout(300)

    expect(page.locator("#row-2")).to_contain_text("No user has the ID 7000777.")


def test_the_page_counts_without_a_worker(
    page: Page, live_server: LiveServer, cast: Cast, draft: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_counts, "PORTION", 5)
    open_preview(page, live_server, cast, draft)

    expect(page.get_by_text(re.compile("Counting the records: (5|10|15|20|25) of 30 pairs"))).to_be_visible()
    expect(page.locator("#totals")).to_contain_text("10 records to move")


def test_without_scripts_a_link_shows_progress(
    page: Page, live_server: LiveServer, cast: Cast, draft: Transfer
) -> None:
    with page.context.browser.new_context(java_script_enabled=False, base_url=live_server.url) as context:
        plain = context.new_page()
        open_preview(plain, live_server, cast, draft, "?rows=10")

        plain.get_by_role("link", name="Show progress").click()

        expect(plain.locator("#totals")).to_contain_text("10 records to move")
        assert plain.url.endswith("?rows=10&filter=all")


def run_it(page: Page, window: Locator) -> None:
    window.get_by_label("I have compared the rows with my list").check()  # the IDs of the targets rise by one
    window.get_by_label("Type 30 to confirm").fill("30")
    window.get_by_role("button", name="Run Transfer for 30 users").click()
    expect(page.get_by_text("You can leave this page or sign out.")).to_be_visible()


def test_run_transfer_waits_for_the_counting(
    page: Page, live_server: LiveServer, cast: Cast, draft: Transfer
) -> None:
    open_preview(page, live_server, cast, draft)
    expect(page.get_by_role("button", name="Run Transfer")).to_be_disabled()
    bar = page.locator(".run")
    expect(bar).to_contain_text("Counting the records: 0 of 30 pairs")
    expect(bar).to_contain_text("Cannot run yet: The records are still being counted.")

    count_draft(draft.pk)

    run = page.get_by_role("link", name="Run Transfer")
    expect(run).to_be_visible()
    expect(bar).to_contain_text("30 users · 10 move · 0 deleted")
    run.click()
    run_it(page, page.get_by_role("alertdialog"))


@pytest.fixture
def old(draft: Transfer, monkeypatch: pytest.MonkeyPatch) -> Transfer:
    """The draft, counted too long ago for its confirmation."""
    monkeypatch.setattr(background_counts, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(background_counts, "RECENT", timedelta())
    count_draft(draft.pk)
    return draft


def test_old_numbers_are_counted_again_in_the_window(
    page: Page, live_server: LiveServer, cast: Cast, old: Transfer
) -> None:
    open_preview(page, live_server, cast, old)
    page.get_by_role("link", name="Run Transfer").click()
    window = page.get_by_role("dialog", name="Counting the records again")
    expect(window).to_contain_text("Counting the records: 0 of 30 pairs")
    expect(window.get_by_role("button", name="Cancel")).to_be_focused()

    count_draft(old.pk)

    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text("Transfer data for 30 users?")
    expect(page.locator("dialog")).to_have_count(1)
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Run Transfer")).to_be_focused()


def test_the_counting_in_the_window_can_be_cancelled(
    page: Page, live_server: LiveServer, cast: Cast, old: Transfer
) -> None:
    open_preview(page, live_server, cast, old)
    page.get_by_role("link", name="Run Transfer").click()
    held: list[Route] = []
    page.route("**/confirmation/?counted=1", lambda route: held.append(route))
    expect(page.get_by_role("dialog", name="Counting the records again")).to_be_visible()
    with page.expect_request("**/confirmation/?counted=1"):
        count_draft(old.pk)

    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("link", name="Run Transfer")).to_be_focused()
    with page.expect_response("**/confirmation/?counted=1"):
        held.pop().continue_()

    page.wait_for_timeout(300)
    expect(page.locator("dialog")).to_have_count(0)


def test_numbers_are_counted_again_on_request(
    page: Page, live_server: LiveServer, cast: Cast, draft: Transfer
) -> None:
    count_draft(draft.pk)
    open_preview(page, live_server, cast, draft)
    expect(page.locator("#totals")).to_contain_text("30 of 30 rows can run: 10 records to move")
    expect(page.locator("#totals")).to_contain_text(f"Counted {timezone.now():%-d %b}, ")
    records.schedule(User.objects.get(pk=draft.rows.get(number=3).from_id), 1)

    page.get_by_role("button", name="Count again").press("Enter")

    expect(page.locator(".run")).to_contain_text("Counting the records")
    count_draft(draft.pk)
    expect(page.locator("#totals")).to_contain_text("11 records to move")
    expect(page.get_by_role("button", name="Count again")).to_be_focused()
