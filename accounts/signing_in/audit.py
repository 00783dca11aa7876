"""Records the sign-in signals of Django, django-allauth and django-axes in the audit log of the user's tenant.

Attempts with an unknown name are not recorded, because they belong to no tenant.
"""

from typing import Any

from allauth.account.signals import password_changed, password_reset, user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.http import HttpRequest

from accounts.models import User
from accounts.signing_in.backends import find_user
from accounts.signing_in.second_factors import FACTORS
from audit.log import record
from web.client_address import address_of


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
    """Record a lock-out only when it starts, although the signal is sent for every attempt while it lasts."""
    if getattr(request, "axes_failures_since_start", None):
        note_about("locked-out", request, username)


def note_about(kind: str, request: HttpRequest | None, name: str) -> None:
    """Record an attempt to sign in. The event has no acting user and names the account that was tried."""
    user = find_user(name) if name else None
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
