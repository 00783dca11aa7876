"""During a database outage, an open page shows an error. It shows progress again when the database is back."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.fixtures.cast import Cast, sign_in, transfer
from tests.harness.servers import Servers
from transfers.models import PairState, State, TransferPair

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_page_of_a_running_transfer_survives_a_database_outage(
    cast: Cast, page: Page, live_server: LiveServer, servers: Servers, page_errors: list[str]
) -> None:
    running = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), state=State.RUNNING)
    sign_in(page, live_server, cast.ada)
    page.goto(f"/transfers/{running.number}/")
    trouble = page.locator("#status .error")
    with servers.without_postgres():
        expect(trouble).to_contain_text("reconnecting to its database")
        page.goto(f"/transfers/{running.number}/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Reconnecting to the database")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bulk transfer", timeout=120_000)
    TransferPair.objects.filter(source=cast.ana).update(state=PairState.SUCCEEDED)
    expect(page.locator("#progress")).to_contain_text("1 of 2")
    page_errors.clear()  # the 503 responses are expected
