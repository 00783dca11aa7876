"""Who guesses passwords is locked out for a while: what django-axes asks us, and what it answers.

Counted are failures with one account from one address, or from one /64 of IPv6. The same account is meant whether its
user name or its email is typed, in any case; a name that nobody has is counted and locked in the same way.
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

from accounts.backends import find
from accounts.client import counted_address
from accounts.models import User


def account_name(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """One name for every way to write an account: its user name in lower case, else what was typed."""
    typed = str((credentials or {}).get("username") or "")[:254]
    user = find(typed) if typed else None
    return (user.username if user else typed).lower().replace("\0", "")


def answer(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """429, in place of whatever the page would have been: it says when to try again and nothing about the account."""
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


def forgive(user: User) -> None:
    """Nothing is held against the account any more, from any address: a new password makes old guesses worthless."""
    reset(username=user.username.lower())


def count_wrong_code(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """A wrong code is a failed sign-in like a wrong password."""
    user_login_failed.send(sender=__name__, credentials={"username": user.username}, request=request)


def forgive_after_reset(sender: Any, user: User, **kwargs: Any) -> None:
    forgive(user)


def connect() -> None:
    authentication_failed.connect(count_wrong_code)
    password_reset.connect(forgive_after_reset)
