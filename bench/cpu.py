"""CPU time, which stays comparable when other programs use the same cores."""

import time
from pathlib import Path

NANOSECONDS = 1e9


class Meter:
    """Measures the CPU time of this process and of one PostgreSQL backend on this machine since its creation.

    backend: process ID of the backend. Without /proc (not Linux) the backend counts as 0.
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
        """CPU seconds of this process and of the backend."""
        client, backend = self.now()
        return client - self.began[0], backend - self.began[1]


def of_process(number: int) -> float:
    try:
        return int(Path(f"/proc/{number}/schedstat").read_text().split()[0]) / NANOSECONDS
    except OSError:
        return 0.0
