"""The `clocked` app changes the system time but not `time.monotonic`, also in forked processes."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone

from tests.harness.chaos.clocked.apps import CLOCK, Clock
from transfer_site.run.processes import Child, wait_until

HOUR = 3600
# Like a worker, this program sets up Django and then forks.
PROGRAM = """
import os, time, django
django.setup()
name = "child" if os.fork() == 0 else "parent"
while True:
    print(name, time.time(), flush=True)
    time.sleep(0.05)
"""


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[Clock]:
    clock = Clock(tmp_path / "clock")
    yield clock
    clock.set(0)


def test_the_clock_is_set_and_set_back(clock: Clock) -> None:
    now, began = datetime.now(UTC), time.monotonic()
    clock.set(-HOUR)
    assert -HOUR <= (timezone.now() - now).total_seconds() < -HOUR / 2
    assert 0 <= time.monotonic() - began < HOUR / 2
    clock.set(HOUR)
    assert HOUR <= (timezone.now() - now).total_seconds() < 2 * HOUR
    clock.set(0)
    assert 0 <= (timezone.now() - now).total_seconds() < HOUR / 2


@pytest.mark.parametrize("text", [None, "", "-"])
def test_a_missing_or_half_written_file_changes_nothing(clock: Clock, text: str | None) -> None:
    now = time.time()
    if text is not None:
        clock.file.write_text(text)
    clock.read_file()
    assert 0 <= time.time() - now < HOUR


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[str], float]]:
    """Start a program that loads the `clocked` app.

    The fixture is a function that returns how many seconds the clock of its "parent" or "child" process is ahead.
    """
    environment = {"EXTRA_APPS": "tests.harness.chaos.clocked", CLOCK: str(tmp_path / "clock")}
    child = Child("program", [sys.executable, "-c", PROGRAM], log=tmp_path / "log", environment=environment)
    child.start()

    def off_by(name: str) -> float:
        # Lines that the two processes wrote into each other are left out.
        printed = re.findall(rf"^{name} ([0-9]+\.[0-9]+)$", child.tail(200), re.MULTILINE)
        return float(printed[-1]) - time.time() if printed else 0

    yield off_by
    child.kill()


def test_a_program_and_its_forks_follow_the_file(program: Callable[[str], float], tmp_path: Path) -> None:
    for offset in (HOUR, -HOUR, 0):
        (tmp_path / "clock").write_text(str(offset))
        for name in ("parent", "child"):
            assert wait_until(lambda n=name, w=offset: abs(program(n) - w) < HOUR / 2 and program(n), 60)
