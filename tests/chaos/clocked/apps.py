"""The clock of a program, set from outside while it runs: a file says by how many seconds it is wrong.

For EXTRA_APPS of the programs under chaos. Set is what a machine's clock is set to, that of the day; what measures how
long something takes (`time.monotonic`) goes on, as it does there.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from django.apps import AppConfig
from time_machine import travel

CLOCK = "CHAOS_CLOCK"  # in the environment: the path of the file


class Clocked(AppConfig):
    name = "tests.chaos.clocked"

    def ready(self) -> None:
        if CLOCK in os.environ:
            clock = Clock(Path(os.environ[CLOCK]))
            clock.obey_for_ever()
            os.register_at_fork(after_in_child=clock.obey_for_ever)  # a thread stays behind


class Clock:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.wrong_by = 0.0  # seconds
        self.journey: travel | None = None

    def obey_for_ever(self) -> None:
        threading.Thread(target=self.obey, name="clock", daemon=True).start()

    def obey(self) -> None:
        while True:
            self.look()
            time.sleep(0.1)

    def look(self) -> None:
        with suppress(OSError, ValueError):  # not there yet, or just being written
            self.set(float(self.file.read_text()))

    def set(self, wrong_by: float) -> None:
        if wrong_by == self.wrong_by:
            return
        if self.journey:
            self.journey.stop()
        self.journey = travel(time.time() + wrong_by) if wrong_by else None
        if self.journey:
            self.journey.start()
        self.wrong_by = wrong_by
