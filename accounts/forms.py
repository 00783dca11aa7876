"""The forms of signing in, and of a new password by mail."""

import contextvars
from threading import Thread
from typing import Any

from allauth.account.forms import ResetPasswordForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpRequest

from accounts.logins import ids_having
from accounts.models import User
from accounts.providers import offered

REFUSED = (
    "The user name or the password is not right, or this account cannot sign in. "
    "Check both and try again, or ask your tenant administrator."
)
# No user's id. An empty list would not be asked for at all, and the missing query could be timed.
NOBODY = 0


class SignInForm(AuthenticationForm):
    """User name or email and password; one sentence for every failure, so that nobody can probe for accounts."""

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
        """What to say above the form after a failure, whatever failed."""
        return REFUSED if self.errors else ""


class PasswordResetForm(ResetPasswordForm):
    """Asks for an email address and mails a link, if an active person has it; the answer is the same for all.

    People who were made without a password get their first one so, unless their tenant has a provider: it is their way
    in, and who is locked out there stays out. The answer also takes the same time: the mail is written and sent after
    it, in a thread of its own.
    """

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].replace("\0", "")
        numbers = [NOBODY, *ids_having("email", [email])]
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
