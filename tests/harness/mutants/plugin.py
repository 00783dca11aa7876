"""pytest plugin: run the tests once unchanged, then once per mutant, each in a forked process.

Servers, database and test collection are set up once. For a mutant of an SQL file, only the tests that execute
this file are run, until one fails. Tests that noticed another mutant of the file run first, then tests in which its
statement found rows. Within each of these groups, quick tests run first.
"""

import json
import os
import select
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from django.db import connection, connections

from tests.harness.mutants.broken import break_engine
from tests.harness.mutants.mutations import ENGINE, Mutant

TIMEOUT = 300  # seconds; a test that takes longer hangs because of the mutant, which counts as noticed
NOTICED, SURVIVED, UNDECIDED = 1, 0, 3
VERDICTS = {SURVIVED: "SURVIVED", UNDECIDED: "undecided"}


class Baseline:
    """What is known about the tests: how long each takes without a mutant, and which SQL files it executes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.touched: dict[str, set[str]] = defaultdict(set)  # SQL file -> tests that execute it
        self.found_rows: dict[str, set[str]] = defaultdict(set)
        self.failed: list[str] = []
        self.noticing: dict[str, set[str]] = defaultdict(
            set
        )  # file -> tests that failed with another mutant of it
        self.marks = {path.stem: mark_of(path.read_text()) for path in (ENGINE / "sql").rglob("*.sql")}

    @contextmanager
    def watch(self, test: str) -> Iterator[None]:
        def note(execute: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
            done = execute(statement, parameters, many, context)
            found = [result.command_tuples or 0 for result in context["cursor"].cursor._results]
            self.note(test, str(statement), found)
            return done

        began = time.monotonic()
        with connection.execute_wrapper(note):
            yield
        self.seconds[test] = time.monotonic() - began

    def note(self, test: str, text: str, found: Sequence[int]) -> None:
        """Record which SQL files a test executed in one database call, and which of them found or changed rows."""
        statements = text.split(";\n")
        for step, mark in self.marks.items():
            if mark in text and not text.startswith("PREPARE"):
                self.touched[step].add(test)
                if any(rows and mark in one for one, rows in zip(statements, found, strict=False)):
                    self.found_rows[step].add(test)

    def order(self, items: Sequence[pytest.Item], mutant: Mutant) -> list[pytest.Item]:
        """Return the tests to run for the mutant, the most likely to notice it first.

        For a mutant of an SQL file, these are the tests that execute the file, or all tests if none does. For a mutant
        of a Python file, they are all tests. Those that fail without a mutant are left out: they would notice all.
        """
        concerned = self.touched[mutant.step] if mutant.file.endswith(".sql") else set()
        keen, likely = self.noticing[mutant.step], self.found_rows[mutant.step]
        return sorted(
            (
                item
                for item in items
                if item.nodeid not in self.failed and (not concerned or item.nodeid in concerned)
            ),
            key=lambda item: (item.nodeid not in keen, item.nodeid not in likely, self.seconds[item.nodeid]),
        )


def mark_of(text: str) -> str:
    """Return the header comment of an SQL file, by which it is recognized in the SQL sent to the server."""
    return text.split("\n", 1)[0]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    known = baseline(session)
    if known.failed:
        left_out = f"\nLeft out, because they fail without any mutant: {', '.join(known.failed)}"
        session.config.get_terminal_writer().line(left_out, flush=True)
    with Path(os.environ["MUTANTS_VERDICTS"]).open("a") as verdicts:
        for values in json.loads(Path(os.environ["MUTANTS"]).read_text()):
            mutant = Mutant(**values)
            began = time.monotonic()
            result, by = run_forked(mutant, known.order(session.items, mutant))
            known.noticing[mutant.step] |= {by} - {""}
            verdict = VERDICTS.get(result, "noticed")
            took = f"{verdict:9} {time.monotonic() - began:5.1f} s"
            session.config.get_terminal_writer().line(f"{took}  {mutant}", flush=True)
            verdicts.write(json.dumps([verdict, str(mutant)]) + "\n")
            verdicts.flush()
    session._setupstate.teardown_exact(None)
    return True


def baseline(session: pytest.Session) -> Baseline:
    """Run each test once without a mutant.

    pytest is told that the first test follows the last one, so that it keeps the database set up for the mutants.
    """
    known = Baseline()
    followers = [*session.items[1:], session.items[0]]
    for item, following in zip(session.items, followers, strict=True):
        with known.watch(item.nodeid):
            reports = runtestprotocol(item, nextitem=following, log=False)
        if any(report.failed for report in reports):
            known.failed.append(item.nodeid)
    return known


def run_forked(mutant: Mutant, items: Sequence[pytest.Item]) -> tuple[int, str]:
    """Run the tests against the mutant in a forked process, and return the result and the test that failed.

    The test is "" if none failed. The result is negative if the process dies, also if a test hangs.
    """
    connections.close_all()  # two processes must not share a socket
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        run_and_exit(mutant, items, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), pipe.read()


def run_and_exit(mutant: Mutant, items: Sequence[pytest.Item], writing: int) -> None:
    result = NOTICED
    try:
        result, by = run_broken(mutant, items)
        os.write(writing, by.encode()[: select.PIPE_BUF])
    finally:
        os._exit(result)


def run_broken(mutant: Mutant, items: Sequence[pytest.Item]) -> tuple[int, str]:
    """Run the tests until one fails. Must run in a forked process, because it leaves the engine broken."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    break_engine(mutant)
    deadline = time.monotonic() + float(os.environ["MUTANTS_SECONDS"])
    for item, following in zip(items, [*items[1:], items[0]], strict=True):
        if time.monotonic() > deadline:
            return UNDECIDED, ""
        signal.alarm(TIMEOUT)  # ends the process
        if any(report.failed for report in runtestprotocol(item, nextitem=following, log=False)):
            return NOTICED, item.nodeid
    return SURVIVED, ""
