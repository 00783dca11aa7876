"""Runs `manage.py transfer` in the test's own process."""

from pathlib import Path

import pytest

from tests.transfers.management.running import Run
from transfers.management import follow


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PATIENCE", 0)


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    return Run(tmp_path)
