"""django-axes integration: lock-out keys and the lock-out response.

Failures are counted per account and IP address, or per account and /64 network for IPv6. A user's name and email count
as one account, ignoring case. Unknown names are counted and locked like those of existing users.
"""

from datetime import datetime
from math import ceil
from typing import Any

from allauth.account.signals import password_reset
from allauth.mfa.signals import authentication_failed
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.models import User
from accounts.signing_in.backends import find_user
from web.client_address import counted_address


def account_name(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """Return the key that failures are counted by.

    It is the account's user name in lower case, or the typed name in lower case if no user has it.
    """
    typed = str((credentials or {}).get("username") or "")[:254]
    user = find_user(typed) if typed else None
    return (user.username if user else typed).lower().replace("\0", "")


def locked_out_response(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Return a 429 that says when to try again and reveals nothing about the account."""
    until = locked_until(request, credentials)
    seconds = max(ceil((until - timezone.now()).total_seconds()), 1)
    context = {"until": until, "minutes": ceil(seconds / 60)}
    page = render(request, "accounts/locked_out.html", context, status=429)
    page["Retry-After"] = str(seconds)
    return page


def locked_until(request: HttpRequest, credentials: dict[str, Any] | None) -> datetime:
    attempts = AccessAttempt.objects.filter(
        username=account_name(request, credentials), ip_address=counted_address(request)
    )
    last = attempts.order_by("-attempt_time").values_list("attempt_time", flat=True).first()
    return (last or timezone.now()) + settings.AXES_COOLOFF_TIME


def is_locked(request: HttpRequest, user: User) -> bool:
    return not AxesProxyHandler.is_allowed(request, {"username": user.username})


def lift_lock(user: User) -> None:
    """Clear the account's failures from all addresses, because a new password makes old guesses worthless."""
    reset(username=user.username.lower())


def count_wrong_code(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Count a wrong code as a failed sign-in, like a wrong password."""
    user_login_failed.send(sender=__name__, credentials={"username": user.username}, request=request)


def lift_lock_after_reset(sender: Any, user: User, **kwargs: Any) -> None:
    lift_lock(user)


def connect() -> None:
    authentication_failed.connect(count_wrong_code)
    password_reset.connect(lift_lock_after_reset)
