"""Breaks the engine on purpose, one place at a time, and shows whether the tests notice.

    python -m tests.mutants                     every mutant of every statement, and those of the Python by hand
    python -m tests.mutants judge merge         only those of these statements
    python -m tests.mutants compile verify      only those of these modules
    python -m tests.mutants --share 1/2         every second one, for a process that runs beside that of 2/2
    python -m tests.mutants --seconds 15        leaves those undecided that no test has noticed until then
    python -m tests.mutants judge --tests tests/transfers/rules/test_keys.py
                                                shown to these tests alone, which is quick but proves no survivor
    python -m tests.mutants --verdicts FILE     goes on where the run before it with this file ended; what no test
                                                noticed in that run is tried again
    python -m tests.mutants --list              what would be broken, without running anything

A mutant that no test notices is a survivor: it is printed at the end, and either a test is missing or the place does
not matter for the result (then it should not stand there, or docs/decisions/mutants.md says why).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.mutants.by_hand import PLACES
from tests.mutants.mutations import ENGINE, Mutant, mutants_by_hand, mutants_of_sql

ROOT = Path(__file__).resolve().parents[2]
TESTS = ["tests/transfers/engine", "tests/transfers/rules"]
OPTIONS = ["-q", "-s", "-m", "not worker", "-p", "tests.mutants.plugin"]


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    mutants = chosen(options)
    if options.list:
        for mutant in mutants:
            print(mutant)
        return 0
    with tempfile.TemporaryDirectory(prefix="transfer-mutants-") as folder:
        verdicts = options.verdicts or Path(folder) / "verdicts.jsonl"
        known = read(verdicts)
        open_ = [mutant for mutant in mutants if known.get(str(mutant)) != "noticed"]
        run(open_, options, Path(folder) / "mutants.json", verdicts)
        known = read(verdicts)
    return show(
        [(known[str(mutant)], str(mutant)) for mutant in mutants if str(mutant) in known], len(mutants)
    )


def show(results: Sequence[tuple[str, str]], total: int) -> int:
    counts = Counter(verdict for verdict, _ in results)
    print(f"\n{len(results)} of {total} mutants: {', '.join(f'{n} {what}' for what, n in counts.items())}")
    for verdict, name in results:
        if verdict != "noticed":
            print(f"  {verdict}  {name}")
    return 0 if len(results) == total else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("files", nargs="*", help="files of the engine, without the ending (default: all)")
    parser.add_argument("--share", default="1/1", help="every n-th one, e.g. 2/3: the second, the fifth …")
    parser.add_argument("--seconds", type=float, default=600, help="for each; then it is undecided")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="the tests that they are shown to")
    parser.add_argument("--verdicts", type=Path, help="a file that keeps what came of each")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args(arguments)


def chosen(options: argparse.Namespace) -> list[Mutant]:
    number, of = map(int, options.share.split("/"))
    mutants = [mutant for mutant in every_mutant() if not options.files or mutant.step in options.files]
    return mutants[number - 1 :: of]


def every_mutant() -> Iterator[Mutant]:
    for path in sorted((ENGINE / "sql").glob("*.sql")):
        yield from mutants_of_sql(f"sql/{path.name}", path.read_text())
    yield from mutants_by_hand(PLACES)


def read(verdicts: Path) -> dict[str, str]:
    """What came of each mutant when it was tried last, by its name."""
    lines = verdicts.read_text().splitlines() if verdicts.exists() else []
    return {name: verdict for verdict, name in map(json.loads, lines)}


def run(mutants: Sequence[Mutant], options: argparse.Namespace, todo: Path, verdicts: Path) -> None:
    """Adds what came of each mutant to the file; of fewer than the mutants where the tests could not be run."""
    todo.write_text(json.dumps([asdict(mutant) for mutant in mutants]))
    environment = os.environ | {
        "EXTRA_APPS": "tests.smallapp,tests.exampleapp",
        "MUTANTS": str(todo),
        "MUTANTS_VERDICTS": str(verdicts.absolute()),
        "MUTANTS_SECONDS": str(options.seconds),
        # A statement that a mutant made endless ends all the same.
        "PGOPTIONS": "-c statement_timeout=20s",
    }
    command = [sys.executable, "-m", "pytest", *options.tests, *OPTIONS]
    subprocess.run(command, cwd=ROOT, env=environment, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
