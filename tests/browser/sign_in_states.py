"""The page states (see `states.py`) of the sign-in and security pages.

`prepare` sets the password and deletes the authenticators and failed attempts that an earlier state left behind.
"""

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.conf import settings
from django.core.cache import cache
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.world import World
from tests.fixtures.signing_in import PASSWORD, with_app


def prepare(user: User) -> None:
    cache.clear()
    AccessAttempt.objects.all().delete()
    Authenticator.objects.all().delete()
    user.set_password(PASSWORD)
    user.save()


def enter_password(page: Page, user: User, password: str = PASSWORD) -> None:
    page.get_by_label("User name or email").fill(user.username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def with_password(world: World) -> str:
    prepare(world.nobody)
    return "/sign-in/"


def with_second_step(world: World) -> str:
    prepare(world.nobody)
    with_app(world.nobody)
    return "/sign-in/"


def second_step(page: Page, world: World) -> None:
    enter_password(page, world.nobody)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()


def second_step_wrong(page: Page, world: World) -> None:
    second_step(page, world)
    page.get_by_label("Code from your authenticator app").fill("123456")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def locked(page: Page, world: World) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        page.goto("/sign-in/")
        enter_password(page, world.nobody, "wrong")
    expect(page.get_by_role("heading", name="Sign-in is temporarily locked")).to_be_visible()


def reached(address: str) -> Callable[[Page, World], None]:
    """Return an action (`PageState.act`) that signs in and then opens the page at this address."""

    def act(page: Page, world: World) -> None:
        enter_password(page, world.nobody)
        expect(page.locator(".user summary")).to_be_visible()
        page.goto(address)

    return act


def with_everything(page: Page, world: World) -> None:
    """Show the security page of a user with an authenticator app, recovery codes and a passkey."""
    reached("/security/codes/new/")(page, world)
    with_app(world.nobody)
    passkey = {"type": Authenticator.Type.WEBAUTHN, "data": {"name": "Office laptop"}}
    Authenticator.objects.create(user=world.nobody, **passkey)
    page.get_by_role("button", name="Create new recovery codes").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto("/security/")


def with_codes(page: Page, world: World) -> None:
    reached("/security/codes/new/")(page, world)
    with_app(world.nobody)
    page.get_by_role("button", name="Create new recovery codes").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def refused_password(page: Page, world: World) -> None:
    reached("/security/password/")(page, world)
    for label in ("Current password", "New password", "New password again"):
        page.get_by_label(label, exact=True).fill("password")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_be_visible()
