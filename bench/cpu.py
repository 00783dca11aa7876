"""CPU time. Unlike elapsed time, it stays comparable while other programs use the same cores."""

import time
from pathlib import Path

NANOSECONDS = 1e9


class Meter:
    """Measures the CPU time that this process and one PostgreSQL backend use after the meter was created.

    `backend` is the process ID of the backend, which must run on this machine. Without /proc (outside Linux), the
    backend's time counts as 0.
    """

    def __init__(self, backend: int) -> None:
        self.backend = backend
        self.began = self.now()

    def now(self) -> tuple[float, float]:
        return time.process_time(), of_process(self.backend)

    @property
    def seconds(self) -> float:
        return sum(self.parts)

    @property
    def parts(self) -> tuple[float, float]:
        """CPU seconds of this process and of the backend since the meter was created."""
        client, backend = self.now()
        return client - self.began[0], backend - self.began[1]


def of_process(number: int) -> float:
    try:
        return int(Path(f"/proc/{number}/schedstat").read_text().split()[0]) / NANOSECONDS
    except OSError:
        return 0.0
