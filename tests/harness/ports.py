"""Free ports for servers started by tests."""

import os
import random
import socket
from contextlib import suppress

given: set[int] = set()


def free_port() -> int:
    """Return a free port below the ephemeral range (32768 and up) that no other call in this test run returns.

    It must stay free, because a server may bind it half a minute later, or again after a restart.
    """
    first = 20_000 + 1_000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 12)
    for port in random.sample(range(first, first + 1_000), 1_000):
        with suppress(OSError), socket.socket() as free:
            free.bind(("127.0.0.1", port))
            if port not in given:
                given.add(port)
                return port
    raise OSError(f"No port is free between {first} and {first + 999}.")
