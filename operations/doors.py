"""The door to the pages of those who run the server."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from accounts import wall
from accounts.doors import with_access
from operations.models import Operator

SECOND_FACTOR_FIRST = (
    "The pages for operators show the data of all tenants and need more than a password: add an authenticator app or a"
    " passkey here, then open them again."
)

Page = Callable[..., HttpResponseBase]


def operators_only(view: Page) -> Page:
    """For everybody else, whatever their roles, there is no such page; an operator needs a second factor."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_operator(request.user):
            raise Http404("No such page.")
        if not is_mfa_enabled(request.user):
            messages.warning(request, SECOND_FACTOR_FIRST)
            return redirect("accounts:security")
        wall.open_to_everybody()
        return view(request, *args, **kwargs)

    return with_access(login_required(guarded), "operators")


def operators() -> Exists:
    """For `User` rows: is the user an operator?"""
    return Exists(Operator.objects.filter(user=OuterRef("pk")))


def is_operator(person: Any) -> bool:
    return person.is_active and Operator.objects.filter(user=person.pk).exists()
