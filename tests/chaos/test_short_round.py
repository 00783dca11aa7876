"""A short, seeded part of `make chaos`: the site is broken a few times, and nothing of it shows in the records."""

import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = [pytest.mark.worker, pytest.mark.slow]

SMALL = ["--users", "120", "--scale", "0.05", "--pairs", "50", "--patience", "2"]
LONGEST = 240  # seconds on a machine that has much else to do; alone it is a quarter of a minute


def test_a_short_round() -> None:
    done = chaos("--rounds", "1", "--seed", "3", *SMALL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rounds" in done.stdout
    assert " 0 violations" in done.stdout


def chaos(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.chaos", *words]
    return subprocess.run(
        command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=LONGEST, check=False
    )
