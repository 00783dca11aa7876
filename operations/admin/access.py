"""Access checks of the pages for operators."""

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

from accounts.access import declare_access
from operations.models import Operator
from tenancy.context import widen_to_all_tenants

SECOND_FACTOR_FIRST = (
    "The pages for operators show the data of all tenants and require a second factor. Add an authenticator app or a"
    " passkey here, then open the page again."
)

Page = Callable[..., HttpResponseBase]


def operators_only(view: Page) -> Page:
    """Show the page only to operators with a second factor.

    Users who are not operators get 404, whatever their roles. Operators without a second factor are redirected to the
    page where they can add one.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_operator(request.user):
            raise Http404("No such page.")
        if not is_mfa_enabled(request.user):
            messages.warning(request, SECOND_FACTOR_FIRST)
            return redirect("accounts:security")
        widen_to_all_tenants()
        return view(request, *args, **kwargs)

    return declare_access(login_required(guarded), "operators")


def operators() -> Exists:
    """Return a condition for querysets of `User` that is true for operators."""
    return Exists(Operator.objects.filter(user=OuterRef("pk")))


def is_operator(person: Any) -> bool:
    return person.is_active and Operator.objects.filter(user=person.pk).exists()
