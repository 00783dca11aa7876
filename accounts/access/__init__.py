"""Access checks for every page and for every lookup of a user, view or role by id.

Every page is decorated with exactly one of `public`, `signed_in` or `requires(...)`; a system check walks the URLconf
and fails if a page has no such decorator. A request for an object in another tenant gets a 404. A request from a
person without the required permission gets a 403 that names the permission.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django_htmx.middleware import HtmxDetails

from accounts.models import AccessView, Role, User
from accounts.permissions import Permission
from accounts.scope import views_within_reach, visible_users

Page = Callable[..., HttpResponseBase]


class Request(HttpRequest):
    """The request of a signed-in user, as pages decorated with `signed_in` or `requires` receive it."""

    user: User
    htmx: HtmxDetails


class Unreachable(Http404):
    """A 404 for an id that is unknown, in another tenant or outside the person's views. It does not say which."""


class PermissionMissing(PermissionDenied):
    """A 403 for a person who holds none of `permissions`."""

    def __init__(self, *permissions: Permission) -> None:
        self.permissions = permissions
        super().__init__("This needs the permission: " + " or ".join(p.label for p in permissions) + ".")


def declare_access(page: Any, access: object) -> Page:
    """Store in `page.access` who may open the page, for the system check and the access tests."""
    page.access = access
    return cast(Page, page)


def public(view: Page) -> Page:
    """Let everyone open the page, signed in or not."""
    return declare_access(view, "public")


def signed_in(view: Page) -> Page:
    """Let only signed-in users open the page."""
    return declare_access(login_required(view), "signed in")


def requires(*permissions: Permission) -> Callable[[Page], Page]:
    """Let only users who hold at least one of the permissions open the page."""

    def decorate(view: Page) -> Page:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(request.user, *permissions)
            return view(request, *args, **kwargs)

        return declare_access(login_required(guarded), permissions)

    return decorate


def require(person: Any, *permissions: Permission) -> None:
    """Raise `PermissionMissing` unless the person holds at least one of the permissions."""
    if not any(person.may(permission) for permission in permissions):
        raise PermissionMissing(*permissions)


def access_user(person: User, user_id: int) -> User:
    """Return the user with this id if `person` may see them, else raise a 404 that does not say why."""
    user = visible_users(person).filter(pk=user_id).first()
    if user is None:
        raise Unreachable("No such user.")
    return user


def access_view(person: User, view_id: int) -> AccessView:
    """Return the view with this id if `person` can see all of its users, else raise a 404 that does not say why."""
    view = views_within_reach(person).filter(pk=view_id).first()
    if view is None:
        raise Unreachable("No such view.")
    return view


def access_role(person: User, role_id: int) -> Role:
    """Return the role with this id in the person's tenant, or raise 404."""
    role = Role.objects.filter(tenant_id=person.tenant_id, pk=role_id).first()
    if role is None:
        raise Unreachable("No such role.")
    return role
