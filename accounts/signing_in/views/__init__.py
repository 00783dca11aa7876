"""The pages for signing in and out, the Security page, and the error pages.

The pages for signing in with a provider are in `accounts.signing_in.providers`.
"""

from accounts.signing_in.views.errors import bad_request, server_error
from accounts.signing_in.views.security import change_password, security, sign_in_again, sign_out_elsewhere
from accounts.signing_in.views.sign_in import second_factor, sign_in, sign_out

__all__ = [
    "bad_request",
    "change_password",
    "second_factor",
    "security",
    "server_error",
    "sign_in",
    "sign_in_again",
    "sign_out",
    "sign_out_elsewhere",
]
