"""What accounts reports by signals about signing in goes into the audit log of the person's tenant.

Of a name that nobody has nothing is recorded: there is no tenant whose audit log it would belong to.
"""

from typing import Any

from allauth.account.signals import password_changed, password_reset, user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.http import HttpRequest

from accounts.actions.factors import FACTORS
from accounts.backends import find
from accounts.client import address_of
from accounts.models import User
from transfers.audit import record


def note(kind: str, request: HttpRequest, user: User | None, **details: Any) -> None:
    if user is not None:
        record(kind, tenant_id=user.tenant_id, by=user, address=address_of(request), **details)


def signed_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    note("signed-in", request, user)


def signed_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    note("signed-out", request, user)


def failed(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    note_about("sign-in-failed", request, str(credentials.get("username") or ""))


def locked_out(sender: Any, request: HttpRequest, username: str, **kwargs: Any) -> None:
    """Sent for every attempt while it lasts; recorded once, when it begins."""
    if getattr(request, "axes_failures_since_start", None):
        note_about("locked-out", request, username)


def note_about(kind: str, request: HttpRequest | None, name: str) -> None:
    """Nobody knows who tried; whom it was about is told in the sentence."""
    user = find(name) if name else None
    if user is not None:
        address = address_of(request) if request else None
        record(kind, tenant_id=user.tenant_id, address=address, name=user.name, user_id=user.pk)


def added(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    note("factor-added", request, user, factor=FACTORS[authenticator.type])


def removed(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any
) -> None:
    note("factor-removed", request, user, factor=FACTORS[authenticator.type])


def codes_made(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    note("recovery-codes-made", request, user)


def changed(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    note("password-changed", request, user)


def reset(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    note("password-reset", request, user)


def connect() -> None:
    user_logged_in.connect(signed_in)
    user_logged_out.connect(signed_out)
    user_login_failed.connect(failed)
    user_locked_out.connect(locked_out)
    authenticator_added.connect(added)
    authenticator_removed.connect(removed)
    authenticator_reset.connect(codes_made)
    password_changed.connect(changed)
    password_reset.connect(reset)
