"""The clock of a program under chaos: that of the day is set, also in processes that it makes, and no other."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone

from tests.chaos.clocked.apps import Clock

HOUR = 3600


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


def test_the_clock_is_set_and_set_back(clock: Clock) -> None:
    now, began = datetime.now(UTC), time.monotonic()
    clock.set(-HOUR)
    assert -HOUR <= (timezone.now() - now).total_seconds() < -HOUR / 2
    assert 0 <= time.monotonic() - began < HOUR / 2
    clock.set(HOUR)
    assert HOUR <= (timezone.now() - now).total_seconds() < 2 * HOUR
    clock.set(0)
    assert 0 <= (timezone.now() - now).total_seconds() < HOUR / 2


def test_a_file_that_is_not_there_or_half_written_sets_nothing(clock: Clock) -> None:
    now = time.time()
    for text in (None, "", "-"):
        if text is not None:
            clock.file.write_text(text)
        clock.look()
        assert 0 <= time.time() - now < HOUR


def test_what_a_program_forks_follows_as_well(clock: Clock) -> None:
    clock.file.write_text(str(HOUR))
    clock.look()
    try:
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            clock.file.write_text("0")
            clock.look()
            os.write(writing, str(time.time()).encode())
            os._exit(0)
        os.waitpid(child, 0)
        in_child = float(os.read(reading, 100))
        assert time.time() - in_child > HOUR / 2
    finally:
        clock.set(0)
