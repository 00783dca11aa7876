"""Limits on sessions, and the recent sign-in that sensitive actions require.

The session holds the times of the sign-in, the last activity and the last proof of identity. Requests that a page sends
automatically, to poll for progress or totals, do not count as activity and do not keep a session alive.
"""

import time
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from allauth.account.signals import authentication_step_completed
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.db.models.signals import post_save
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import Page
from accounts.models import User

SIGNED_IN, SEEN, PROVED = "signed_in_at", "last_seen_at", "proved_at"
UNPROVEN = "signs_in_without_proof"  # the name of an attribute of the request
WRITE_EVERY = 60  # seconds between updates of the last activity, so that not every request writes the session


class SessionLimits:
    """Middleware that ends sessions that are too old or idle, and sessions of users who may no longer sign in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if SESSION_KEY in request.session and (
            has_expired(request.session) or not request.user.is_authenticated
        ):
            request.session.flush()
            request.user = AnonymousUser()
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Page, args: Any, kwargs: Any) -> None:
        if SESSION_KEY in request.session and not getattr(view, "is_polled", False):
            touch(request.session)


def has_expired(session: SessionBase) -> bool:
    now = time.time()
    age, idle = now - session.get(SIGNED_IN, 0), now - session.get(SEEN, 0)
    return age >= settings.SESSION_HOURS * 3600 or idle >= settings.SESSION_IDLE_MINUTES * 60


def touch(session: SessionBase) -> None:
    now = time.time()
    if now - session.get(SEEN, 0) >= WRITE_EVERY:
        session[SEEN] = now


def polled(view: Page) -> Page:
    """Mark a view that pages poll automatically, so that its requests do not count as activity of the user."""
    marked: Any = view
    marked.is_polled = True
    return view


# --- The last proof ---------------------------------------------------------------------------------------------------


def signed_in_recently(request: HttpRequest) -> bool:
    return time.time() - request.session.get(PROVED, 0) < settings.REAUTHENTICATION_MINUTES * 60


def recent_sign_in(view: Page) -> Page:
    """Let POST requests through only after a recent sign-in.

    Otherwise the user signs in again on a separate page and comes back to this one. The refused request is not repeated
    automatically; the user has to send it again.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and not signed_in_recently(request):
            return ask_again(request)
        return view(request, *args, **kwargs)

    return guarded


def ask_again(request: HttpRequest, then: str = "") -> HttpResponse:
    """Redirect to the page for signing in again, which afterwards redirects to `then`.

    By default, `then` is the current page.
    """
    address = sign_in_again_url(then or request.get_full_path())
    return HttpResponseClientRedirect(address) if request.headers.get("HX-Request") else redirect(address)


def sign_in_again_url(then: str) -> str:
    return f"{reverse('account_reauthenticate')}?{urlencode({'next': then})}"


# --- Signing in, signing in again, and ending sessions ----------------------------------------------------------------


def start_session(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    now = time.time()
    proved = request.session.get(PROVED, 0) if getattr(request, UNPROVEN, False) else now
    request.session.update({SIGNED_IN: now, SEEN: now, PROVED: proved})


def mark_unproven(request: HttpRequest) -> None:
    """Mark the request, so that its sign-in does not count as proof of identity.

    A second factor that the user enters afterwards still counts.
    """
    setattr(request, UNPROVEN, True)


def renew_proof(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """After the user has signed in again, rotate the session key and store the time of the proof of identity."""
    if kwargs.get("reauthenticated") and request.user.is_authenticated:
        rotate(request)
        request.session[PROVED] = time.time()
        messages.success(request, "You have signed in again. If you came from another tab, go back there.")


def rotate(request: HttpRequest) -> None:
    """Give the session a new key, so that a leaked old key is worthless."""
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    request.session.cycle_key()
    UserSession.objects.create_from_request(request)


def end_sessions(user_ids: Iterable[int]) -> None:
    """End all sessions of these users now."""
    for session in UserSession.objects.filter(user_id__in=list(user_ids)):
        session.end()


def end_sessions_of_inactive(sender: Any, instance: User, created: bool, **kwargs: Any) -> None:
    """End a deactivated user's sessions, which would otherwise become valid again if the account is reactivated."""
    if not instance.is_active and not created:
        end_sessions([instance.pk])


def connect() -> None:
    user_logged_in.connect(start_session)
    authentication_step_completed.connect(renew_proof)
    post_save.connect(end_sessions_of_inactive, sender=User)
