from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.db.models import Q
from django.db.models.functions import Lower
from django.http import HttpRequest

from accounts.models import SearchableUser, User


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
    by_name = SearchableUser.objects.alias(lower_name=Lower("username"), lower_email=Lower("email"))
    wanted = Q(lower_name=name.lower()) | (Q(lower_email=name.lower()) & ~Q(email=""))
    ids = list(
        by_name.filter(wanted).values_list("pk", flat=True)
    )  # apart: a join might read all users instead
    found = list(User.objects.filter(pk__in=ids)) if ids else []
    exact = [user for user in found if user.username.lower() == name.lower()]
    return next(iter(exact + found), None)
