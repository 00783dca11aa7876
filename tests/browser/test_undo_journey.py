"""The undo of transfers in a browser: of a single transfer, and of selected users of a bulk."""

import pytest
from playwright.sync_api import Page, expect

from records.quality.models import CCR
from tests.browser.conftest import Enter
from tests.conftest import WorkerProcess
from tests.fixtures import records
from tests.fixtures.cast import Cast
from tests.fixtures.running import run_bulk, run_single
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
    made = run_single(cast.ada, cast.ana, cast.bo)
    enter(cast.ada, f"/transfers/{made.number}/")

    page.get_by_role("button", name="Undo this transfer").click()
    expect(page.get_by_role("heading", name=f"Undo transfer {made.number}")).to_be_visible()
    undo_window(page, "Undo")
    window = page.get_by_role("alertdialog")
    window.get_by_label("I have checked what goes back").check()
    window.get_by_role("button", name="Undo").click()

    expect(page.get_by_role("heading", name="Undo successful")).to_be_visible(timeout=30_000)
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

    expect(page.get_by_role("heading", name="Undo successful")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("heading", name="Records that were left as they are")).to_be_visible()
    page.get_by_role("link", name=f"Back to transfer {made.number}").click()
    expect(page.locator(".head")).to_contain_text("Undone in part")
    assert not records.owned_by(cast.eli)


def bulk_with_a_changed_call(cast: Cast) -> Transfer:
    for user in (cast.ana, cast.cy, cast.eli):
        records.everything(user, 1)
    made = run_bulk(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), (cast.eli, cast.vera))
    CCR.objects.filter(agent=cast.bo).update(agent=cast.nina)
    return made
