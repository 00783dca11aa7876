"""Breaks the engine's SQL on purpose, one place at a time, and shows whether the tests notice.

    python -m tests.mutants                     every mutant of every step
    python -m tests.mutants judge merge         only those of these steps
    python -m tests.mutants --list              what would be broken, without running anything

A mutant that no test notices is a survivor: it is printed at the end, and either a test is missing or the place does
not matter for the result (then it should not stand there, or it says why).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.mutations import Mutant, mutants_of
from transfer_site.embedded import Postgres, Redis, database_url, redis_url

ROOT = Path(__file__).resolve().parents[2]
SQL_FOLDER = ROOT / "transfers" / "engine" / "sql"
TESTS = ["tests/transfers/engine", "tests/transfers/rules"]
TIMEOUT = 300  # seconds; a mutant that hangs is noticed too


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    mutants = list(every_mutant(options.steps))
    if options.list:
        for mutant in mutants:
            print(mutant)
        return 0
    with servers():
        survivors = [mutant for mutant in mutants if not is_noticed(mutant)]
    print(f"\n{len(mutants)} mutants, {len(mutants) - len(survivors)} noticed, {len(survivors)} survived")
    for mutant in survivors:
        print(f"  {mutant}")
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("steps", nargs="*", help="names of .sql files, without the ending (default: all)")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args(arguments)


def every_mutant(steps: Sequence[str]) -> Iterator[Mutant]:
    for path in sorted(SQL_FOLDER.glob("*.sql")):
        if not steps or path.stem in steps:
            yield from mutants_of(path.stem, path.read_text())


@contextmanager
def servers() -> Iterator[None]:
    """One PostgreSQL with one test database for all runs, so that each of them starts at once."""
    with tempfile.TemporaryDirectory(prefix="transfer-mutants-") as folder:
        postgres, redis = Postgres(Path(folder), durable=False), Redis(Path(folder))
        postgres.start()
        redis.start()
        os.environ |= {
            "TEST_DATABASE_URL": database_url(Path(folder)),
            "TEST_REDIS_URL": redis_url(Path(folder)),
            "EXTRA_APPS": "tests.smallapp,tests.exampleapp",
        }
        try:
            yield
        finally:
            redis.stop()
            postgres.stop()


def is_noticed(mutant: Mutant) -> bool:
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        *TESTS,
        "-x",
        "-q",
        "-m",
        "not worker",
        "-p",
        "tests.mutants.plugin",
    ]
    environment = os.environ | {"MUTANT": json.dumps({"step": mutant.step, "text": mutant.text})}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, timeout=TIMEOUT, check=False
        )
        noticed = done.returncode == 1
        if done.returncode not in (0, 1):
            sys.exit(
                f"The tests could not be run (exit code {done.returncode}):\n{done.stdout.decode()[-2000:]}"
            )
    except subprocess.TimeoutExpired:
        noticed = True
    print(f"{'noticed ' if noticed else 'SURVIVED'} {time.monotonic() - began:5.1f} s  {mutant}", flush=True)
    return noticed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
