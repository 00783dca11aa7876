"""A request over the rate limit shows an error in the open page, which works again once the limit is lifted."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django import Settings

from tests.browser.conftest import Enter
from tests.fixtures.cast import Cast
from web import rate_limits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_in_a_picker(
    cast: Cast, page: Page, enter: Enter, settings: Settings, page_errors: list[str]
) -> None:
    enter(cast.ada, reverse("transfers:single"))
    settings.RATE_LIMITS = {"SEARCH": "1/hour"}
    rate_limits.counter(settings.REDIS_URL).shared.storage.reset()
    page.get_by_label("Source User").fill("Ana")
    expect(page.get_by_role("option")).to_have_count(1)
    page.get_by_label("Source User").fill("Bo")
    expect(page.locator("user-picker[data-role=source]")).to_contain_text(
        "Too many searches in a short time."
    )
    settings.RATE_LIMITS = {}
    page.get_by_label("Source User").fill("Cy")
    expect(page.get_by_role("option")).to_contain_text("Cy Young")
    assert any("429" in error for error in page_errors)
    page_errors.clear()


def test_in_a_part_of_a_page(
    cast: Cast, page: Page, enter: Enter, settings: Settings, page_errors: list[str]
) -> None:
    enter(cast.ada, f"{reverse('transfers:single')}?source={cast.ana.pk}&target={cast.bo.pk}")
    settings.RATE_LIMITS = {"SEARCH": "2/hour"}  # Swap counts twice, because its response is a redirect
    rate_limits.counter(settings.REDIS_URL).shared.storage.reset()
    page.get_by_role("button", name="Swap").click()
    expect(page.locator(".direction p")).to_contain_text(f"Bo Chen ({cast.bo.pk}) → Ana")
    page.get_by_role("button", name="Swap").click()
    expect(page.get_by_role("status").first).to_contain_text("Too many requests in a short time.")
    assert any("429" in error for error in page_errors)
    page_errors.clear()
