"""Runs the site as a process, for tests of starting and stopping it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from django.conf import settings

from tests.harness.ports import free_port
from transfer_site.run.processes import running_with, wait_until

NUMBERS = count(1)
SET_BY_THE_TESTS = (
    "DATA_DIR",
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "HTTPS",
    "HASHED_STATIC",
    "PROCESS_NAME",
)


def shell_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that the tests set."""
    return {name: value for name, value in environment.items() if name not in SET_BY_THE_TESTS}


class RunningSite:
    """A site with its own data folder and port, started by `command` in `checkout`."""

    def __init__(
        self,
        folder: Path,
        checkout: Path = settings.BASE_DIR,
        command: Sequence[str] = (sys.executable, "-m", "transfer_site.run"),
    ) -> None:
        self.folder = folder
        self.checkout = checkout
        self.command = command
        self.port = free_port()

    def start(self, more: dict[str, str] | None = None) -> None:
        environment = {**shell_environment(os.environ), "DATA_DIR": str(self.folder)}
        environment |= {"PORT": str(self.port), "DEMO_USERS": "40", **(more or {})}
        self.output = (self.folder.parent / f"output-{next(NUMBERS)}.txt").open("w+")
        self.process = subprocess.Popen(
            self.command,
            cwd=self.checkout,
            env=environment,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def printed(self) -> str:
        return Path(self.output.name).read_text()

    def wait_for(self, words: str, seconds: float = 240) -> None:
        wait_until(lambda: words in self.printed() or self.process.poll() is not None, seconds)
        assert words in self.printed(), self.printed()

    def children(self) -> list[int]:
        """Return the ids of the other processes whose environment or command line contains the site's data folder."""
        mark = os.fsencode(self.folder)
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return [pid for pid in found if pid != self.process.pid]

    def child(self, *words: str) -> int:
        return min(pid for pid in self.children() if running_with(pid, *words))
