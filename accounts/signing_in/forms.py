"""Forms for signing in and for resetting a password by email."""

import contextvars
from threading import Thread
from typing import Any

from allauth.account.forms import ResetPasswordForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpRequest

from accounts.models import User
from accounts.signing_in.identifiers import matching_ids
from accounts.signing_in.providers.linking import offered

REFUSED = (
    "Wrong user name or password, or this account cannot sign in. "
    "Check both and try again, or ask your tenant administrator."
)
# Matches no user. For an empty list Django skips the query, and the time saved would reveal that the email is unknown.
UNUSED_ID = 0


class SignInForm(AuthenticationForm):
    """User name or email and password; one message for every failure, so that accounts cannot be probed for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name or email"

    def confirm_login_allowed(self, user: Any) -> None:
        if not user.is_active:
            raise self.get_invalid_login_error()

    def get_invalid_login_error(self) -> ValidationError:
        return ValidationError(REFUSED, code="refused")

    @property
    def sentence(self) -> str:
        """The message above the form, the same for every failure."""
        return REFUSED if self.errors else ""


class PasswordResetForm(ResetPasswordForm):
    """Email a reset link to the active user with this address; the response is the same for every address.

    Users created without a password set their first one this way, unless their tenant has a provider: a user who is
    shut out there must not get in here. A separate thread writes and sends the email, so that the response also takes
    the same time.
    """

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].replace("\0", "")
        numbers = [UNUSED_ID, *matching_ids("email", [email])]
        found = User.objects.select_related("tenant").filter(pk__in=numbers, is_active=True)
        self.users = [user for user in found if user.has_usable_password() or not offered(user)]
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        send, here = super().save, contextvars.copy_context()

        def work() -> None:
            try:
                here.run(send, request, **kwargs)
            finally:
                connection.close()

        Thread(target=work, name="password-reset-mail").start()
        return str(self.cleaned_data["email"])
