"""How long a session lasts, and whether somebody signed in a short while ago.

Kept in the session itself: when the person signed in, when they last did something, and when they last proved who they
are. What a page asks for by itself (progress, counts) is nothing that the person did, and keeps no session alive.
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

from accounts.doors import Page
from accounts.models import User

SIGNED_IN, SEEN, PROVED = "signed_in_at", "last_seen_at", "proved_at"
NO_PROOF = "signs_in_without_proof"  # on the request
WRITE_EVERY = 60  # seconds; the session is not written at every click


class SessionLimits:
    """Ends sessions that are too old or were left alone, and those of people who may not sign in any more."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if SESSION_KEY in request.session and (is_over(request.session) or not request.user.is_authenticated):
            request.session.flush()
            request.user = AnonymousUser()
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Page, args: Any, kwargs: Any) -> None:
        if SESSION_KEY in request.session and not getattr(view, "by_itself", False):
            touch(request.session)


def is_over(session: SessionBase) -> bool:
    now = time.time()
    age, idle = now - session.get(SIGNED_IN, 0), now - session.get(SEEN, 0)
    return age >= settings.SESSION_HOURS * 3600 or idle >= settings.SESSION_IDLE_MINUTES * 60


def touch(session: SessionBase) -> None:
    now = time.time()
    if now - session.get(SEEN, 0) >= WRITE_EVERY:
        session[SEEN] = now


def by_itself(view: Page) -> Page:
    """For views that pages ask again and again without anybody doing anything."""
    marked: Any = view
    marked.by_itself = True
    return view


# --- The last proof ---------------------------------------------------------------------------------------------------


def signed_in_recently(request: HttpRequest) -> bool:
    return time.time() - request.session.get(PROVED, 0) < settings.REAUTHENTICATION_MINUTES * 60


def recent_sign_in(view: Page) -> Page:
    """What this page is sent runs only for somebody who proved who they are a short while ago.

    Anybody else is asked for it on a page of its own and led back to this page; nothing has run by then, and nothing
    runs until they send it again.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and not signed_in_recently(request):
            return ask_again(request)
        return view(request, *args, **kwargs)

    return guarded


def ask_again(request: HttpRequest, then: str = "") -> HttpResponse:
    """To the question for a proof, and from there to the address `then`, or where they are now."""
    address = way_to_sign_in_again(then or request.get_full_path())
    return HttpResponseClientRedirect(address) if request.headers.get("HX-Request") else redirect(address)


def way_to_sign_in_again(then: str) -> str:
    return f"{reverse('account_reauthenticate')}?{urlencode({'next': then})}"


# --- Signing in, proving it again, and the end ------------------------------------------------------------------------


def note_sign_in(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    now = time.time()
    proved = request.session.get(PROVED, 0) if getattr(request, NO_PROOF, False) else now
    request.session.update({SIGNED_IN: now, SEEN: now, PROVED: proved})


def is_no_proof(request: HttpRequest) -> None:
    """Who signs in with this request has not proved just now who they are; a code asked for afterwards does."""
    setattr(request, NO_PROOF, True)


def note_proof(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """A proof within a session gives it a new key, as signing in does."""
    if kwargs.get("reauthenticated") and request.user.is_authenticated:
        rotate(request)
        request.session[PROVED] = time.time()
        messages.success(request, "You signed in again. If another tab waits for it, go back there.")


def rotate(request: HttpRequest) -> None:
    """The same session under a new key; who has seen the old one has nothing."""
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    request.session.cycle_key()
    UserSession.objects.create_from_request(request)


def end_sessions(user_ids: Iterable[int]) -> None:
    """Everything these people are signed in with ends now."""
    for session in UserSession.objects.filter(user_id__in=list(user_ids)):
        session.end()


def end_sessions_of_inactive(sender: Any, instance: User, created: bool, **kwargs: Any) -> None:
    """So that an account that becomes active again does not wake the sessions it had before."""
    if not instance.is_active and not created:
        end_sessions([instance.pk])


def connect() -> None:
    user_logged_in.connect(note_sign_in)
    authentication_step_completed.connect(note_proof)
    post_save.connect(end_sessions_of_inactive, sender=User)
