"""A short, seeded part of `make chaos`: the site is broken a few times, and nothing of it shows in the records."""

import re
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = [pytest.mark.worker, pytest.mark.slow]

DEADLY = ("worker's child killed", "both workers killed", "PostgreSQL crashed")
SMALL = ["--users", "120", "--scale", "0.05", "--pairs", "50", "--patience", "2", "--delay", "0"]
LONGEST = 240  # seconds on a machine that has much else to do; alone it is a quarter of a minute
LAST_WORD = 60  # seconds to stop everything that was started


def test_a_short_round() -> None:
    status, output = chaos("--rounds", "1", "--seed", "3", *SMALL, "--faults", *DEADLY)
    assert status == 0, output
    assert "1 rounds" in output
    assert " 0 violations" in output
    struck = re.search(r"^faults: (.*)$", output, re.MULTILINE)
    assert struck
    assert any(name in struck[1] for name in DEADLY), output


def chaos(*words: str) -> tuple[int, str]:
    """Its status and what it said. Asked to stop, it leaves nothing behind, and killed it would."""
    command = [sys.executable, "-m", "tests.chaos", *words]
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=LONGEST)
        finally:
            process.terminate()
            process.wait(LAST_WORD)
    return process.returncode, output
