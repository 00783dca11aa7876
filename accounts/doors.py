"""The doors: the only ways from a request to a page, and from an id to a user, a view or a role.

Every page carries exactly one of `public`, `signed_in` or `requires(...)`; a system check walks the URLconf and
fails on a page without one. Strangers get 404 and members without the right get 403 that names the permission.
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
    """A request behind a door, as views see it: somebody known sent it."""

    user: User
    htmx: HtmxDetails


class Unreachable(Http404):
    """404: for this person the id leads to nothing, whether it is unknown, foreign, or out of their view."""


class PermissionMissing(PermissionDenied):
    """403: the person is known, the permission is not theirs. `permissions`: any one of them would do."""

    def __init__(self, *permissions: Permission) -> None:
        self.permissions = permissions
        super().__init__("This needs the permission: " + " or ".join(p.label for p in permissions) + ".")


def with_access(page: Any, access: object) -> Page:
    """The page, marked with who may open it: what the system check and the grid of the tests read."""
    page.access = access
    return cast(Page, page)


def public(view: Page) -> Page:
    """A page for everybody, signed in or not."""
    return with_access(view, "public")


def signed_in(view: Page) -> Page:
    """A page for everybody who is signed in."""
    return with_access(login_required(view), "signed in")


def requires(*permissions: Permission) -> Callable[[Page], Page]:
    """A page for people who hold at least one of the permissions."""

    def decorate(view: Page) -> Page:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(request.user, *permissions)
            return view(request, *args, **kwargs)

        return with_access(login_required(guarded), permissions)

    return decorate


def require(person: Any, *permissions: Permission) -> None:
    """Raise `PermissionMissing` unless the person holds at least one of the permissions."""
    if not any(person.may(permission) for permission in permissions):
        raise PermissionMissing(*permissions)


def access_user(person: User, user_id: int) -> User:
    """The user with this id, if `person` may see them; unknown, foreign and out of view are one and the same 404."""
    user = visible_users(person).filter(pk=user_id).first()
    if user is None:
        raise Unreachable("No such user.")
    return user


def access_view(person: User, view_id: int) -> AccessView:
    """The view with this id, if it holds nobody `person` cannot see; every other one is one and the same 404."""
    view = views_within_reach(person).filter(pk=view_id).first()
    if view is None:
        raise Unreachable("No such view.")
    return view


def access_role(person: User, role_id: int) -> Role:
    """The role of the person's tenant with this id, or 404."""
    role = Role.objects.filter(tenant_id=person.tenant_id, pk=role_id).first()
    if role is None:
        raise Unreachable("No such role.")
    return role
