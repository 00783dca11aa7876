from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest

from accounts.models import User
from accounts.signing_in.identifiers import matching_ids


class UserNameOrEmailBackend(BaseBackend):
    """Authenticates active users by user name or email, ignoring case.

    A user name takes precedence over an equal email of another user. Refusing an unknown name takes as long as refusing
    a wrong password.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if not username or password is None:
            return None
        user = find_user(username)
        if user is None:
            make_password(password)
            return None
        if check_password(password, user.password) and user.is_active:
            return user
        return None

    def get_user(self, user_id: int) -> User | None:
        return User.objects.select_related("tenant").filter(pk=user_id, is_active=True).first()


def find_user(name: str) -> User | None:
    """Return the user with this user name, else the one with this email, ignoring case, or None."""
    numbers = matching_ids("username", [name]) or matching_ids("email", [name])
    return User.objects.filter(pk__in=numbers).first()
