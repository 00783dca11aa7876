from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.browser.world import enter as enter_page
from tests.fixtures.cast import Cast

Enter = Callable[[User, str], None]


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return Cast()


@pytest.fixture
def enter(page: Page, live_server: LiveServer) -> Enter:
    """A function that signs a user in, without the sign-in form, and opens a page."""

    def enter(person: User, address: str) -> None:
        enter_page(page, live_server, person)
        page.goto(address)

    return enter
