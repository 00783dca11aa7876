"""The clock of a program under chaos: that of the day is set, also in processes that it makes, and no other."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone

from tests.chaos.clocked.apps import CLOCK, Clock
from transfer_site.processes import Child, wait_until

HOUR = 3600
# As a worker does it: Django is set up, and then the process forks.
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
def test_a_file_that_is_not_there_or_half_written_sets_nothing(clock: Clock, text: str | None) -> None:
    now = time.time()
    if text is not None:
        clock.file.write_text(text)
    clock.look()
    assert 0 <= time.time() - now < HOUR


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[str], float]]:
    """A program with such a clock, and what its processes took for the time last, in seconds from now."""
    environment = {"EXTRA_APPS": "tests.chaos.clocked", CLOCK: str(tmp_path / "clock")}
    child = Child("program", [sys.executable, "-c", PROGRAM], log=tmp_path / "log", environment=environment)
    child.start()

    def off_by(name: str) -> float:
        said = [line.split() for line in child.tail(200).splitlines() if line.startswith(f"{name} ")]
        return float(said[-1][1]) - time.time() if said else 0

    yield off_by
    child.kill()


def test_a_program_and_what_it_forks_obey(program: Callable[[str], float], tmp_path: Path) -> None:
    for wrong_by in (HOUR, -HOUR, 0):
        (tmp_path / "clock").write_text(str(wrong_by))
        for name in ("parent", "child"):
            assert wait_until(lambda n=name, w=wrong_by: abs(program(n) - w) < HOUR / 2 and program(n), 60)
