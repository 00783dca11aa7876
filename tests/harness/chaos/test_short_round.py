"""A short, seeded run of `make chaos`, whose few faults must have no effect on the records."""

import re
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = [pytest.mark.worker, pytest.mark.slow]

DEADLY = ("worker's child killed", "both workers killed", "PostgreSQL crashed")
SMALL = ["--users", "120", "--scale", "0.05", "--pairs", "50", "--patience", "2", "--delay", "0"]
LONGEST = 240  # seconds allowed on a busy machine; an idle one takes 30
SHUTDOWN_TIME = 60  # seconds allowed to stop all programs


def test_a_short_round() -> None:
    status, output = chaos("--rounds", "1", "--seed", "3", *SMALL, "--faults", *DEADLY)
    assert status == 0, output
    assert "1 rounds" in output
    assert " 0 violations" in output
    struck = re.search(r"^faults: (.*)$", output, re.MULTILINE)
    assert struck
    assert any(name in struck[1] for name in DEADLY), output


def chaos(*words: str) -> tuple[int, str]:
    """Run the chaos harness with these arguments, and return its exit status and output.

    After a timeout, the harness is terminated rather than killed, because SIGKILL would leave its programs running.
    """
    command = [sys.executable, "-m", "tests.harness.chaos", *words]
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=LONGEST)
        finally:
            process.terminate()
            process.wait(SHUTDOWN_TIME)
    return process.returncode, output
