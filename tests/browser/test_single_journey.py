"""Single transfers in a browser, from choosing the users to the result, including common mistakes."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Enter
from tests.conftest import WorkerProcess
from tests.fixtures.cast import Cast, agent
from tests.fixtures.records import everything, owned_by
from transfers.models import State, Transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def pair_of(cast: Cast) -> str:
    return f"/transfer/single/?source={cast.ana.pk}&target={cast.bo.pk}"


def run(page: Page) -> None:
    page.locator("#outcome").get_by_role("button", name="Run Transfer").click()
    page.get_by_label("I have checked the direction of this transfer").check()
    page.get_by_role("alertdialog").get_by_role("button", name="Run Transfer").click()


def started() -> list[Transfer]:
    return list(Transfer.objects.exclude(state=State.DRAFT))


@pytest.mark.worker
def test_the_result_matches_the_preview(
    page: Page, enter: Enter, cast: Cast, celery_worker_process: WorkerProcess
) -> None:
    everything(cast.ana)
    everything(cast.bo)
    enter(cast.otto, pair_of(cast))
    blocks, totals = page.locator(".block > summary"), page.locator(".block tfoot")
    shown = [*blocks.all_text_contents(), *totals.all_text_contents()]
    assert len(shown) == 4

    run(page)

    expect(page.get_by_role("heading", name="Data Transfer Successful")).to_be_visible(timeout=120_000)
    expect(page.locator("#outcome")).to_contain_text(
        "76 records moved to Bo Chen · 3 merged · 9 dropped · 43 records of the Target User deleted"
    )
    assert [*blocks.all_text_contents(), *totals.all_text_contents()] == shown
    assert page.title().startswith("Succeeded: Single transfer")
    assert owned_by(cast.ana) == {}


def test_a_chosen_inactive_user_stays_chosen(page: Page, enter: Enter, cast: Cast) -> None:
    gone = agent(cast.support, "Gus Gone", is_active=False)
    enter(cast.otto, f"/transfer/single/?source={gone.pk}&inactive=on")

    page.get_by_label("Show inactive users").uncheck()

    expect(page.get_by_label("Source User")).to_have_value(f"Gus Gone ({gone.pk})")
    expect(page.locator("user-picker[data-role=source]")).to_contain_text("Inactive")
    page.get_by_label("Target User").press_sequentially("gus")
    expect(page.get_by_role("option", name="Show inactive users too")).to_be_visible()


def test_the_same_user_twice_cannot_run(page: Page, enter: Enter, cast: Cast) -> None:
    enter(cast.otto, f"/transfer/single/?source={cast.ana.pk}&target={cast.ana.pk}")
    expect(page.get_by_role("alert")).to_contain_text("Source and target are the same user")
    expect(page.get_by_role("button", name="Run Transfer")).to_be_disabled()


@pytest.mark.parametrize("way", ["Enter", "Escape", "click"])
def test_cancel_changes_nothing(page: Page, enter: Enter, cast: Cast, way: str) -> None:
    """Enter cancels too, because Cancel has focus when the confirmation opens."""
    enter(cast.otto, pair_of(cast))
    page.get_by_role("button", name="Run Transfer").click()
    window = page.get_by_role("alertdialog")
    expect(window.get_by_role("button", name="Cancel")).to_be_focused()

    if way == "click":
        window.get_by_role("button", name="Cancel").click()
    else:
        page.keyboard.press(way)

    expect(window).to_be_hidden()
    expect(page.get_by_role("button", name="Run Transfer")).to_be_focused()
    assert started() == []


def test_a_double_click_or_resubmission_starts_one_transfer(
    page: Page, enter: Enter, cast: Cast, no_messages: None
) -> None:
    enter(cast.otto, pair_of(cast))
    sent: list[tuple[str, str]] = []
    page.on("request", lambda r: r.method == "POST" and sent.append((r.url, r.post_data or "")))
    page.get_by_role("button", name="Run Transfer").click()
    page.get_by_label("I have checked the direction").check()
    page.get_by_role("alertdialog").get_by_role("button", name="Run Transfer").dblclick()
    page.wait_for_url("**/transfers/*/")
    address, form = sent[-1]

    send = "([address, form]) => fetch(address, { method: 'POST', body: new URLSearchParams(form) })"
    again = page.evaluate(f"async (sent) => (await ({send})(sent)).url", [address, form])

    assert again == page.url
    assert len(started()) == 1
