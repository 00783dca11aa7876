from accounts.views.errors import bad_request, server_error
from accounts.views.sign_in import sign_in, sign_out

__all__ = ["bad_request", "server_error", "sign_in", "sign_out"]
