from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

REFUSED = (
    "The user name or the password is not right, or this account cannot sign in. "
    "Check both and try again, or ask your tenant administrator."
)


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
