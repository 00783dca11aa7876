"""Forms for signing in, and for changing a password or resetting it by email."""

import contextvars
from threading import Thread
from typing import Any

from allauth.account import forms
from allauth.account.adapter import get_adapter
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpRequest

from accounts.models import User
from accounts.signing_in.identifiers import matching_ids
from accounts.signing_in.providers.linking import offered

REFUSED = (
    "Wrong user name or password, or this account cannot sign in. "
    "Check what you typed and try again, or ask your tenant administrator."
)
# Matches no user. With an empty list Django would skip the query, and the faster response would reveal that the email
# is unknown.
UNUSED_ID = 0


class SignInForm(AuthenticationForm):
    """Asks for the user name or email and the password.

    Every failure gives the same message, so that nobody can find out which accounts exist.
    """

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


class ChangePasswordForm(forms.ChangePasswordForm):
    """Asks for the current password, and counts and records a wrong one like a failed sign-in."""

    def clean_oldpassword(self) -> str:
        password: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password


class PasswordResetForm(forms.ResetPasswordForm):
    """Emails a reset link to the active user with the given address. The response is the same for every address.

    A user without a password can set their first password this way, unless their tenant has an identity provider. With
    a password, they could still sign in after the provider has withdrawn their access. A separate thread writes and
    sends the email, so that the response also takes the same time for every address.
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
