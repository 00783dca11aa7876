import errno
import os
import socket

import pytest

from transfer_site.run.port import answers, check_port_free, port_number, why_not
from transfer_site.run.processes import Refusal


@pytest.mark.parametrize("text", ["", "0", "65536", "http", "-1", "８０００", "80.5"])
def test_an_invalid_port_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="Set it to a number from 1 to 65535"):
        port_number(text)


def test_a_taken_port_is_refused_with_the_next_step() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            Refusal, match=f"Port {port} is taken by another program.*PORT={port + 1} make run"
        ):
            check_port_free("127.0.0.1", port)


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EACCES, "above 1023"), (errno.EADDRNOTAVAIL, "Correct BIND or PORT")]
)
def test_other_reasons_not_to_listen(number: int, words: str) -> None:
    assert words in why_not(OSError(number, os.strerror(number)), "10.1.2.3", 80)


def test_a_free_port_does_not_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert not answers("127.0.0.1", taken.getsockname()[1])
