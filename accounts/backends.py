from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest

from accounts.logins import ids_having
from accounts.models import User


class UserNameOrEmailBackend(BaseBackend):
    """Sign-in by user name or email, whatever the case; inactive people cannot sign in.

    A user name wins over an equal email of somebody else. An unknown name costs as much time as a wrong password.
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
        user = find(username)
        if user is None:
            make_password(password)
            return None
        if check_password(password, user.password) and user.is_active:
            return user
        return None

    def get_user(self, user_id: int) -> User | None:
        return User.objects.select_related("tenant").filter(pk=user_id, is_active=True).first()


def find(name: str) -> User | None:
    """The user of this user name, else of this email; both are unique in lower case, and indexed so."""
    numbers = ids_having("username", [name]) or ids_having("email", [name])
    return User.objects.filter(pk__in=numbers).first()
