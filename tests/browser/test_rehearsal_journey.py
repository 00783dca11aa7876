"""A rehearsal in a browser, by a real worker: from the preview to the report, and then the transfer itself."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.db import connection
from playwright.sync_api import Page, expect

from tests.browser.conftest import Enter
from tests.browser.test_states import RULES, RUN_AXE
from tests.conftest import StartWorker, WorkerProcess
from tests.fixtures import records
from tests.fixtures.cast import Cast
from tests.fixtures.roles import as_owner
from tests.fixtures.running import upload
from transfers.models import Rehearsal, Transfer, TransferPair

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TABLE = "workforce_agentschedule"


@pytest.fixture
def frozen_di(cast: Cast) -> Iterator[None]:
    """A constraint that no preview knows refuses schedules of Di."""
    alter(f"ALTER TABLE {TABLE} ADD CONSTRAINT frozen CHECK (user_id <> {cast.di.pk}) NOT VALID")
    yield
    alter(f"ALTER TABLE {TABLE} DROP CONSTRAINT frozen")


def alter(statement: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statement)


def preview(cast: Cast) -> str:
    for user in (cast.ana, cast.cy):
        records.everything(user, 1)
    return f"/transfer/bulk/{upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di)).number}/"


def barriers(page: Page) -> list[str]:
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(RUN_AXE, RULES["light"])
    return [f"{broken['id']}: {node['html'][:200]}" for broken in found for node in broken["nodes"]]


@pytest.mark.worker
def test_what_would_fail_is_found_before_the_transfer(
    page: Page, enter: Enter, cast: Cast, frozen_di: None, celery_worker_process: WorkerProcess
) -> None:
    address = preview(cast)
    before = records.snapshot()
    enter(cast.ada, address)
    page.get_by_role("button", name="Rehearse", exact=True).click()

    expect(page.get_by_role("heading", name="1 user would not be transferred.")).to_be_visible(
        timeout=120_000
    )
    assert records.snapshot() == before
    assert not TransferPair.objects.exists()
    failed = page.locator("tbody").first
    expect(failed).to_contain_text(str(cast.di.pk))
    expect(failed).to_contain_text("constraint frozen")
    expect(page.locator("#counts")).to_contain_text("equal those of the preview")
    page.locator("#times summary").click()
    expect(page.get_by_role("region", name="Locks on tables")).to_contain_text(TABLE)
    assert barriers(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download report").click()
    assert download.value.suggested_filename.endswith(".csv")

    page.get_by_role("link", name="Back to the preview").click()
    expect(page.locator("#rehearsed")).to_contain_text("1 of 2 users would be transferred · 1 would fail.")
    page.get_by_role("link", name="Run Transfer").click()
    window = page.get_by_role("alertdialog")
    window.get_by_label("Type 2 to confirm").fill("2")
    window.get_by_role("button", name="Run Transfer for 2 users").click()
    expect(page.get_by_role("heading", name="Errors occurred during data transfer.")).to_be_visible(
        timeout=120_000
    )
    expect(page.locator("tbody").first).to_contain_text("constraint frozen")


@pytest.mark.worker
def test_it_is_stopped_before_a_worker_is_free(
    page: Page, enter: Enter, cast: Cast, start_worker: StartWorker
) -> None:
    enter(cast.ada, preview(cast))
    page.get_by_role("link", name="Run Transfer").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Rehearse").click()
    expect(page.get_by_text("This rehearsal is queued")).to_be_visible()
    assert barriers(page) == []
    page.get_by_role("button", name="Stop the rehearsal").click()
    expect(page.get_by_role("heading", name="The rehearsal was stopped.")).to_be_visible()

    start_worker()  # the message of the stopped rehearsal comes first
    page.get_by_role("button", name="Rehearse again").click()
    expect(page.get_by_role("heading", name="Every user would be transferred.")).to_be_visible(
        timeout=120_000
    )
    assert Transfer.objects.count() == 1


@pytest.mark.usefixtures("no_messages")
def test_a_cell_typed_just_before_is_saved_first(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.ada, preview(cast))
    page.get_by_label("To User ID, row 3").fill(str(cast.eli.pk))
    page.get_by_role("button", name="Rehearse", exact=True).click()
    expect(page.get_by_text("This rehearsal is queued")).to_be_visible()
    assert [pair["target_id"] for pair in Rehearsal.objects.get().pairs] == [cast.bo.pk, cast.eli.pk]
