"""The admin pages and the button “Move late arrivals” (records added for a Source User after a transfer) in a browser.

Any violation of the Content-Security-Policy fails the test.
"""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from operations.models import Operator
from tests.fixtures import records
from tests.fixtures.cast import Cast, sign_in, transfer
from tests.fixtures.roles import as_owner
from tests.fixtures.signing_in import with_app
from transfers.models import Transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_admin_pages(page: Page, live_server: LiveServer, cast: Cast) -> None:
    with as_owner():
        Operator.objects.create(user=cast.ada)
    with_app(cast.ada)
    made = transfer(cast.ada, (cast.ana, cast.bo))
    sign_in(page, live_server, cast.ada)
    page.goto("/operate/")
    page.get_by_role("link", name="Transfers", exact=True).first.click()
    page.get_by_role("link", name=f"Single transfer {made.number}").click()
    expect(page.get_by_text("Ada Admin").first).to_be_visible()


def test_late_arrivals_are_found_and_prepared(page: Page, live_server: LiveServer, cast: Cast) -> None:
    made = transfer(cast.otto, (cast.ana, cast.bo))
    records.call(cast.ana)
    sign_in(page, live_server, cast.otto)
    page.goto(f"/transfers/{made.number}/")
    expect(page.get_by_text("1 record was added for the Source User")).to_be_visible()
    page.get_by_role("button", name="Move late arrivals").click()
    expect(page.get_by_text("The Target User's records are not overwritten")).to_be_visible()
    assert Transfer.objects.filter(keeps_target=True).count() == 1
