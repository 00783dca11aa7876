"""Change the clock of a running program from outside, by writing the offset in seconds to a file.

The programs under test load this app through EXTRA_APPS. As on a real machine, `time.monotonic` is not affected.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from django.apps import AppConfig
from time_machine import travel

CLOCK = "CHAOS_CLOCK"  # environment variable that holds the path of the file


class Clocked(AppConfig):
    name = "tests.harness.chaos.clocked"

    def ready(self) -> None:
        if CLOCK in os.environ:
            clock = Clock(Path(os.environ[CLOCK]))
            clock.follow_file_in_thread()
            # A forked process does not inherit the thread, so it starts its own.
            os.register_at_fork(after_in_child=clock.follow_file_in_thread)


class Clock:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.offset = 0.0  # seconds
        self.travel: travel | None = None

    def follow_file_in_thread(self) -> None:
        threading.Thread(target=self.follow_file, name="clock", daemon=True).start()

    def follow_file(self) -> None:
        while True:
            self.read_file()
            time.sleep(0.1)

    def read_file(self) -> None:
        with suppress(OSError, ValueError):  # the file is missing or half-written
            self.set(float(self.file.read_text()))

    def set(self, offset: float) -> None:
        if offset == self.offset:
            return
        if self.travel:
            self.travel.stop()
        self.travel = travel(time.time() + offset) if offset else None
        if self.travel:
            self.travel.start()
        self.offset = offset
