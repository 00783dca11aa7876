"""The pages of people and access; every address in `urls.py` leads to a name in this list."""

from accounts.views.errors import bad_request, server_error
from accounts.views.providers import openid_callback, openid_sign_in
from accounts.views.security import change_password, security, sign_in_again, sign_out_elsewhere
from accounts.views.sign_in import second_factor, sign_in, sign_out

__all__ = [
    "bad_request",
    "change_password",
    "openid_callback",
    "openid_sign_in",
    "second_factor",
    "security",
    "server_error",
    "sign_in",
    "sign_in_again",
    "sign_out",
    "sign_out_elsewhere",
]
