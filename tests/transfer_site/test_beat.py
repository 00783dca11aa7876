"""The recovery sweep is sent despite changes of the system clock, and the engine does not depend on system time."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from transfer_site.beat import SteadyScheduler
from transfer_site.celery import app

ENGINE = Path(settings.BASE_DIR) / "transfers" / "engine"
# Calls that are not affected by changes of the system clock.
STEADY = {"time.monotonic", "time.sleep"}
# Columns for display, set by the database's clock. No decision depends on them.
FACTS = {"started_at", "finished_at", "forgotten_at"}


class Scheduler(SteadyScheduler):
    """Records the names of schedule entries instead of sending their tasks."""

    def __init__(self, folder: Path) -> None:
        self.sent: list[str] = []
        super().__init__(app, schedule_filename=str(folder / "schedule"))

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        self.sent.append(entry.name)


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    scheduler = Scheduler(tmp_path)
    yield scheduler
    scheduler.close()


@pytest.mark.parametrize("set_back", [timedelta(hours=1), timedelta(days=400)])
def test_the_sweep_is_due_soon_after_the_clock_is_set_back(scheduler: Scheduler, set_back: timedelta) -> None:
    scheduler.tick()
    for entry in scheduler.schedule.values():
        entry.last_run_at += set_back
    scheduler._heap = None
    assert scheduler.tick() <= 10
    assert scheduler.schedule["sweep"].last_run_at <= scheduler.schedule["sweep"].default_now()


def test_the_sweep_is_sent_at_once_after_the_clock_is_set_forward(scheduler: Scheduler) -> None:
    scheduler.tick()
    for entry in scheduler.schedule.values():
        entry.last_run_at -= timedelta(days=400)
    scheduler._heap = None
    while not scheduler.tick():
        pass
    assert "sweep" in scheduler.sent


def test_a_sweep_outlives_a_difference_between_clocks() -> None:
    assert settings.CELERY_BEAT_SCHEDULE["sweep"]["options"]["expires"] >= 300


def system_time_calls(tree: ast.AST) -> Iterator[str]:
    """Yield the names of functions called to read system time, except calls whose result is only stored."""
    facts = {
        id(keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in FACTS and ast.unparse(keyword.value) == "Now()"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and id(node) not in facts:
            name = ast.unparse(node.func)
            if name not in STEADY and (name == "Now" or "time" in name.split(".")[0]):
                yield name


@pytest.mark.parametrize("module", sorted(ENGINE.glob("*.py")), ids=lambda path: path.stem)
def test_no_module_of_the_engine_depends_on_system_time(module: Path) -> None:
    assert not list(system_time_calls(ast.parse(module.read_text())))


@pytest.mark.parametrize("statement", sorted(ENGINE.rglob("*.sql")), ids=lambda path: path.stem)
def test_no_statement_of_the_engine_depends_on_system_time(statement: Path) -> None:
    text = statement.read_text().replace("finished_at = statement_timestamp()", "")
    assert not re.search(r"\bnow\(|_timestamp|current_date|current_time|timeofday", text, re.IGNORECASE)
