"""Checks the port of the site: whether it is free, and whether the site responds on it."""

import errno
import http.client
import socket

from transfer_site.run.processes import Refusal


def port_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise Refusal(f"PORT is {text!r}. Set it to a number from 1 to 65535, for example PORT=8001.")
    return int(text)


def check_port_free(bind: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            raise Refusal(why_not(error, bind, port)) from error


def why_not(error: OSError, bind: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken by another program. Choose another, for example: PORT={port + 1} make run"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used by an ordinary user. Choose one above 1023: PORT=8000 make run"
    return f"The site cannot listen on {bind} port {port} ({error.strerror}). Correct BIND or PORT."


def answers(bind: str, port: int) -> bool:
    """Return whether the site responds without a server error. A redirect to the sign-in page also counts."""
    everywhere = "0.0.0.0"  # noqa: S104  (compared, not listened on)  # nosec B104
    host = {everywhere: "127.0.0.1", "::": "::1"}.get(bind, bind)
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": "localhost"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
