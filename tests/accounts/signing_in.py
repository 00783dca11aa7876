"""What the tests of signing in do again and again."""

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.http import HttpResponse
from django.test import Client

from accounts.models import User

PASSWORD = "right password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PAGE = "/sign-in/"
HOME = "/transfer/"


def sign_in(client: Client, name: str, password: str = PASSWORD, **more: str) -> HttpResponse:
    headers = {"REMOTE_ADDR": more.pop("address", "192.0.2.1")}
    return client.post(PAGE, {"username": name, "password": password, **more}, **headers)


def with_app(user: User) -> Authenticator:
    """The user has an authenticator app with `SECRET`."""
    return TOTP.activate(user, SECRET).instance


def code(secret: str = SECRET, *, lasting: float = 4) -> str:
    """What the app shows. It holds to the end of its half minute; where fewer seconds are left of that than it has to
    be good for, this waits for the next one."""
    left = 30 - time.time() % 30
    if left < lasting:
        time.sleep(left)
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def is_signed_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def age_session(client: Client, **seconds: float) -> None:
    """The times that the session holds move into the past: `age_session(client, proved_at=16 * 60)`."""
    session = client.session
    for name, by in seconds.items():
        session[name] -= by
    session.save()
