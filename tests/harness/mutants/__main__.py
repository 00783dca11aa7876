"""Mutation testing of the engine: break one place at a time and show whether the tests notice.

    python -m tests.harness.mutants                     all mutants of the SQL files and the Python modules
    python -m tests.harness.mutants resolve merge       only the mutants of these SQL files
    python -m tests.harness.mutants plans verify        only the mutants of these Python modules
    python -m tests.harness.mutants --share 1/2         every second mutant; run 2/2 in a parallel process
    python -m tests.harness.mutants --seconds 15        time limit per mutant, after which it is undecided
    python -m tests.harness.mutants resolve --tests tests/transfers/rules/test_keys.py
                                                only these tests, which is quick, but misses mutants that
                                                only other tests notice
    python -m tests.harness.mutants --verdicts FILE     keep the results in this file, and skip mutants that it
                                                lists as noticed
    python -m tests.harness.mutants --list              list the mutants, without running tests

A mutant that no test notices is called a survivor and is printed at the end. Either a test is missing, or the broken
code is not needed for the result. In the latter case, remove the code, or record in docs/decisions/mutants.md why it
stays.
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

from tests.harness.mutants.by_hand import PLACES
from tests.harness.mutants.mutations import ENGINE, Mutant, mutants_by_hand, mutants_of_sql

ROOT = Path(__file__).resolve().parents[3]
TESTS = ["tests/transfers/engine", "tests/transfers/rules"]
OPTIONS = ["-q", "-s", "-m", "not worker", "-p", "tests.harness.mutants.plugin"]


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
    parser.add_argument("files", nargs="*", help="files of the engine, without suffix (default: all)")
    parser.add_argument("--share", default="1/1", help="every n-th mutant, e.g. 2/3: the second, the fifth …")
    parser.add_argument("--seconds", type=float, default=600, help="time limit per mutant")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="the tests to run")
    parser.add_argument("--verdicts", type=Path, help="a file that keeps the result of each mutant")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args(arguments)


def chosen(options: argparse.Namespace) -> list[Mutant]:
    number, of = map(int, options.share.split("/"))
    mutants = [mutant for mutant in every_mutant() if not options.files or mutant.step in options.files]
    return mutants[number - 1 :: of]


def every_mutant() -> Iterator[Mutant]:
    for path in sorted((ENGINE / "sql").rglob("*.sql")):
        yield from mutants_of_sql(str(path.relative_to(ENGINE)), path.read_text())
    yield from mutants_by_hand(PLACES)


def read(verdicts: Path) -> dict[str, str]:
    """Return the latest result of each mutant by its name, or {} if the file does not exist."""
    lines = verdicts.read_text().splitlines() if verdicts.exists() else []
    return {name: verdict for verdict, name in map(json.loads, lines)}


def run(mutants: Sequence[Mutant], options: argparse.Namespace, todo: Path, verdicts: Path) -> None:
    """Test the mutants in a pytest process, which reads them from `todo` and appends each result to `verdicts`."""
    todo.write_text(json.dumps([asdict(mutant) for mutant in mutants]))
    environment = os.environ | {
        "EXTRA_APPS": "tests.apps.smallapp,tests.apps.exampleapp",
        "MUTANTS": str(todo),
        "MUTANTS_VERDICTS": str(verdicts.absolute()),
        "MUTANTS_SECONDS": str(options.seconds),
        # Ends statements that would run forever because of a mutant.
        "PGOPTIONS": "-c statement_timeout=20s",
    }
    command = [sys.executable, "-m", "pytest", *options.tests, *OPTIONS]
    subprocess.run(command, cwd=ROOT, env=environment, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
