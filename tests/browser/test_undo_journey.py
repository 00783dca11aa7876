"""The undo of transfers in a browser: of a single transfer, and of selected users of a bulk."""

import time

import pytest
from playwright.sync_api import Page, expect

from records.quality.models import CCR
from tests.browser.conftest import Enter
from tests.conftest import WorkerProcess
from tests.fixtures import records
from tests.fixtures.cast import Cast, transfer
from tests.fixtures.running import run_bulk, run_single
from tests.fixtures.undoing import prepare
from transfers.models import Transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def undo_window(page: Page, button: str) -> None:
    """Open the confirmation, once the script is loaded: until then, the link opens a page instead of a window."""
    page.wait_for_load_state()
    page.get_by_role("link", name="Undo", exact=True).click()
    expect(page.get_by_role("alertdialog").get_by_role("button", name=button)).to_be_visible()


@pytest.mark.worker
def test_a_single_transfer_is_undone(
    page: Page, enter: Enter, cast: Cast, celery_worker_process: WorkerProcess
) -> None:
    for user in (cast.ana, cast.bo):
        records.everything(user, 2)
    before = records.snapshot()
    made = ended(run_single(cast.ada, cast.ana, cast.bo))
    enter(cast.ada, f"/transfers/{made.number}/")

    page.get_by_role("button", name="Undo this transfer").click()
    expect(page.get_by_role("heading", name=f"Undo transfer {made.number}")).to_be_visible()
    undo_window(page, "Undo")
    window = page.get_by_role("alertdialog")
    window.get_by_label("I have checked what goes back").check()
    window.get_by_role("button", name="Undo").click()

    expect(page.get_by_role("heading", name="Undo successful")).to_be_visible(timeout=120_000)
    assert records.snapshot() == before
    page.get_by_role("link", name=f"Back to transfer {made.number}").click()
    expect(page.locator(".head")).to_contain_text("Undone")


@pytest.mark.worker
def test_selected_users_of_a_bulk_one_of_whom_has_changed_records(
    page: Page, enter: Enter, cast: Cast, celery_worker_process: WorkerProcess
) -> None:
    """Row 2 has a changed call, which is left as it is; row 3 is undone; row 4 is not selected."""
    made = bulk_with_a_changed_call(cast)
    enter(cast.ada, f"/transfers/{made.number}/?show=all")

    for number in (2, 3):
        page.get_by_label(f"Undo row {number}").check()
    page.get_by_role("button", name="Undo selected users").click()
    expect(page.get_by_text("1 user has an error.").first).to_be_visible()
    expect(page.locator("#run")).to_be_disabled()
    page.get_by_label("Leave what was changed since as it is").check()
    expect(page.get_by_role("link", name="Undo", exact=True)).to_be_visible()
    undo_window(page, "Undo for 2 users")
    window = page.get_by_role("alertdialog")
    window.get_by_label("Type 2 to confirm").fill("2")
    window.get_by_role("button", name="Undo for 2 users").click()

    expect(page.get_by_role("heading", name="Undo successful")).to_be_visible(timeout=120_000)
    expect(page.get_by_role("heading", name="Records that were left as they are")).to_be_visible()
    page.get_by_role("link", name=f"Back to transfer {made.number}").click()
    expect(page.locator(".head")).to_contain_text("Undone in part")
    assert not records.owned_by(cast.eli)


def ended(made: Transfer) -> Transfer:
    """Wait for the pairs that the worker process beside this test has taken."""
    end = time.monotonic() + 60
    while made.is_open and time.monotonic() < end:
        time.sleep(0.1)
        made.refresh_from_db()
    assert not made.is_open
    return made


def bulk_with_a_changed_call(cast: Cast) -> Transfer:
    for user in (cast.ana, cast.cy, cast.eli):
        records.everything(user, 1)
    made = ended(run_bulk(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), (cast.eli, cast.vera)))
    CCR.objects.filter(agent=cast.bo).update(agent=cast.nina)
    return made


def counted_undo(cast: Cast, made: Transfer) -> Transfer:
    draft = prepare(cast.ada, made, leave_changed=True)
    counts = {"quality.ccr": {"returned": 12, "restored": 3, "reverted": 2, "stays": 4, "left": 1}}
    draft.rows.update(counts=counts)
    return draft


@pytest.mark.usefixtures("no_messages")
def test_all_numbers_are_in_sight_on_a_phone(page: Page, enter: Enter, cast: Cast) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    draft = counted_undo(cast, transfer(cast.ada, (cast.ana, cast.bo)))
    enter(cast.ada, f"/transfer/undo/{draft.number}/")
    table = page.locator("#numbers table")
    for heading in ("Go back", "To restore", "Changed back", "Stay", "Changed since"):
        assert table.get_by_role("columnheader", name=heading).is_visible()
    for number in ("12", "3", "2", "4", "1"):
        assert table.get_by_role("cell", name=number, exact=True).first.is_visible()
    widths = table.evaluate("t => [t.scrollWidth, t.parentElement.clientWidth]")
    assert widths[0] <= widths[1]


@pytest.mark.usefixtures("no_messages")
def test_what_was_pressed_says_that_it_waits(page: Page, enter: Enter, cast: Cast) -> None:
    """Responses to htmx never arrive and forms do not leave the page, so that it stays as right after the click."""
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    draft = counted_undo(cast, made)
    page.route("**/confirmation/", lambda route: None)
    page.route("**/changed/", lambda route: None)
    enter(cast.ada, f"/transfer/undo/{draft.number}/")
    page.wait_for_load_state()
    page.evaluate("addEventListener('submit', (event) => event.preventDefault())")
    page.get_by_label("Leave what was changed since as it is").uncheck()
    expect(page.get_by_text("Counting again…")).to_be_visible()
    for pressed in (
        page.get_by_role("link", name="Undo", exact=True),
        page.get_by_role("button", name="Count again"),
        page.get_by_role("button", name="Leave out row 2"),
    ):
        pressed.click()
        expect(pressed).to_have_attribute("aria-busy", "true")
