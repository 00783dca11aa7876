"""Signing in with a password, a code or a passkey, and signing in again before running a transfer."""

import re
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.signing_in.sessions.lifetime import PROVED
from tests.fixtures.cast import Cast
from tests.fixtures.signing_in import PASSWORD, code
from transfers.models import State, Transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ada(cast: Cast) -> User:
    cast.ada.set_password(PASSWORD)
    cast.ada.save()
    return cast.ada


@pytest.fixture
def inside(page: Page, ada: User) -> Page:
    page.goto("/sign-in/")
    fill_in(page)
    expect(page.get_by_role("heading", name="User Data Transfer", level=1)).to_be_visible()
    return page


@pytest.fixture
def device(page: Page) -> Iterator[None]:
    """A virtual authenticator that stores passkeys and always reports its user as verified."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield
    session.detach()


def fill_in(page: Page) -> None:
    page.get_by_label("User name or email").fill("ada.admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.locator(".user summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_app_is_set_up_and_then_required(inside: Page) -> None:
    page = inside
    page.goto("/security/")
    page.get_by_role("link", name="Set up an authenticator app").click()
    expect(page.get_by_role("img", name="QR code for the key below")).to_be_visible()
    secret = page.locator("#key").inner_text()
    page.get_by_label("Code from the app").fill(code(secret, lasting=15))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert page.locator("main code").count() == 10

    sign_out(page)
    fill_in(page)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    page.get_by_label("Code from your authenticator app").fill(code(secret, lasting=15))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="User Data Transfer", level=1)).to_be_visible()


def test_a_passkey_is_added_and_signs_in_without_a_password(inside: Page, device: None) -> None:
    page = inside
    page.goto("/security/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Office laptop")
    page.wait_for_load_state()  # the button does nothing until its script is loaded
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto("/security/")
    expect(page.get_by_text("Office laptop", exact=False).first).to_be_visible()

    sign_out(page)
    page.goto("/sign-in/?next=/transfers/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Transfers", exact=True)).to_be_visible()

    page.goto("/security/")
    page.get_by_role("link", name=re.compile("Remove")).click()
    page.get_by_role("button", name="Remove passkey").click()
    expect(page.get_by_text("The passkey was removed.")).to_be_visible()
    assert not Authenticator.objects.exists()


def test_without_a_passkey_the_page_offers_another_way(page: Page, device: None, cast: Cast) -> None:
    page.goto("/sign-in/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("No passkey was used. Try again, or choose another way.")).to_be_visible(
        timeout=120_000
    )


@pytest.mark.parametrize("way", ["password", "passkey"])
def test_an_old_sign_in_is_renewed_and_returns_to_the_same_confirmation(
    inside: Page, device: None, cast: Cast, no_messages: None, way: str
) -> None:
    page = inside
    if way == "passkey":
        add_passkey(page)
    page.goto(f"/transfer/single/?source={cast.ana.pk}&target={cast.bo.pk}")
    make_old(page)
    page.locator("#outcome").get_by_role("button", name="Run Transfer").click()
    window = page.get_by_role("alertdialog")
    window.get_by_label("I have checked the direction").check()
    window.get_by_role("button", name="Run Transfer").click()

    expect(page.get_by_role("heading", name="Sign in again")).to_be_visible()
    draft = Transfer.objects.get()
    assert draft.state == State.DRAFT
    if way == "password":
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
    else:
        page.get_by_role("link", name="Use a passkey").click()
        page.wait_for_load_state()
        page.get_by_role("button", name="Use a passkey").click()

    page.wait_for_url(f"**/transfers/{draft.number}/confirmation/")
    expect(page.get_by_role("heading", name="Transfer data from Ana")).to_be_visible()
    page.get_by_label("I have checked the direction").check()
    page.get_by_role("button", name="Run Transfer").click()
    page.wait_for_url(f"**/transfers/{draft.number}/")
    draft.refresh_from_db()
    assert draft.state == State.QUEUED


def add_passkey(page: Page) -> None:
    page.goto("/security/passkeys/add/")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def make_old(page: Page) -> None:
    """Date the last sign-in of this browser's session back by sixteen minutes."""
    key = next(
        cookie["value"] for cookie in page.context.cookies() if cookie["name"] == settings.SESSION_COOKIE_NAME
    )
    stored = Session.objects.get(session_key=key)
    data = stored.get_decoded()
    data[PROVED] -= 16 * 60
    stored.session_data = Session.objects.encode(data)
    stored.save()
