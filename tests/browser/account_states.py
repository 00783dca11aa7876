"""The page states (see `states.py`) of the pages for users, views, roles and the user import."""

import time
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import AccessView, Role, User
from accounts.signing_in.sessions.lifetime import PROVED
from tests.browser.world import World

NEW_USERS = b"User Name,First Name,Team\r\nnew.one,Nia,%s\r\nnew.two,Noa,%s\r\n"
WRONG_USERS = (
    b"User Name,First Name,Email,Team\r\nnew.one,Nia,nia,\r\n,Noa,,\r\nnew.two,Nic,,No such team\r\n"
)


def url(name: str, *args: Any) -> str:
    return reverse(f"accounts:{name}", args=args)


def user(world: World) -> str:
    return url("user-edit", world.operator.pk)


def activity(world: World) -> str:
    return url("user-activity", world.operator.pk)


def ask_to_deactivate(page: Page, world: World) -> None:
    page.get_by_role("button", name="Deactivate").first.click()
    expect(page.get_by_role("alertdialog")).to_be_visible()


def own(world: World) -> str:
    return url("user-edit", world.chief.pk)


def view(world: World) -> str:
    return url("view-edit", some_view(world).pk)


def view_found(world: World) -> str:
    return f"{view(world)}?people={world.people[0].first_name}"


def view_delete(world: World) -> str:
    return url("view-delete", some_view(world).pk)


def enterprise(world: World) -> str:
    return url("view-edit", AccessView.objects.get(tenant=world.chief.tenant, is_enterprise=True).pk)


def some_view(world: World) -> AccessView:
    """Return the operator's first view, with three users added individually."""
    made = world.operator.access_views.order_by("pk")[0]
    made.users.add(*world.people[:3])
    return made


def role(world: World) -> str:
    return url("role-edit", world.operator.roles.get().pk)


def free_role(world: World) -> str:
    made, _ = Role.objects.get_or_create(tenant=world.chief.tenant, name="Free", permissions=["see_audit"])
    return url("role-edit", made.pk)


def send_empty(page: Page, world: World) -> None:
    page.locator("form.card .primary").click()
    expect(page.get_by_role("alert")).to_be_visible()


def send_stale(page: Page, world: World) -> None:
    """Submit the form after someone else has changed the user, then undo that change."""
    changed = User.objects.get(pk=world.operator.pk)
    User.objects.filter(pk=changed.pk).update(last_name=f"{changed.last_name}x")
    page.get_by_label("First name").fill("Oscar")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saving it now would change")).to_be_visible()
    User.objects.filter(pk=changed.pk).update(last_name=changed.last_name)


def send_after_a_while(page: Page, world: World) -> None:
    """Submit the form an hour after the last sign-in."""
    name = settings.SESSION_COOKIE_NAME
    key = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == name)
    stored = Session.objects.get(session_key=key)
    stored.session_data = Session.objects.encode(stored.get_decoded() | {PROVED: time.time() - 3600})
    stored.save()
    page.get_by_label("First name").fill("Oscar")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Sign in again in another tab")).to_be_visible()


def send_file(page: Page, content: bytes) -> None:
    page.locator("#file").set_input_files({"name": "users.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Upload and check").click()


def refuse_import(page: Page, world: World) -> None:
    send_file(page, b"%PDF-1.7")
    expect(page.get_by_role("alert")).to_be_visible()


def import_users(page: Page, world: World) -> None:
    team = world.people[0].team
    assert team
    send_file(page, NEW_USERS % (team.name.encode(), team.name.encode()))
    expect(page.get_by_role("heading", name="Preview")).to_be_visible()


def import_mistakes(page: Page, world: World) -> None:
    send_file(page, WRONG_USERS)
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
