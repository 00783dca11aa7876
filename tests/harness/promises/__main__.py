"""In a copy of the project, remove the code that upholds each promise, and check that the test of the promise fails.

    python -m tests.harness.promises           check all promises
    python -m tests.harness.promises R3 R13    check only these two

Exits with 1 if a test passes anyway or cannot be run. Prints the last line of each failure, for the table in
`docs/promises.md`.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.harness.promises.removals import REMOVALS, Removal

ROOT = Path(__file__).resolve().parents[3]
NOT_COPIED = shutil.ignore_patterns(".venv", ".git", ".data", "__pycache__", ".*_cache", "screenshots")
TIMEOUT = 900  # seconds; a timeout does not count as a failure, because the tests have their own time limits


def main(wanted: Sequence[str]) -> int:
    chosen = [removal for removal in REMOVALS if not wanted or removal.promise in wanted]
    unnoticed = [removal for removal in chosen if not is_noticed(removal)]
    print(f"\n{len(chosen)} protections removed, {len(chosen) - len(unnoticed)} noticed")
    return 1 if unnoticed else 0


def is_noticed(removal: Removal) -> bool:
    with tempfile.TemporaryDirectory(prefix="transfer-promises-") as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        remove_protection(removal, copy)
        code, message = run(removal.test, copy)
    result = {0: "NOT NOTICED", 1: "noticed"}.get(code, f"COULD NOT BE RUN ({code})")
    print(
        f"{removal.promise:<4} {result}: without {removal.what}\n     {removal.test}\n     {message}",
        flush=True,
    )
    return code == 1


def remove_protection(removal: Removal, copy: Path) -> None:
    for file, old, new in removal.edits:
        text = (copy / file).read_text()
        if text.count(old) != 1:
            sys.exit(
                f"{removal.promise}: {file} contains this {text.count(old)} times instead of once:\n{old}"
            )
        (copy / file).write_text(text.replace(old, new))


def run(test: str, copy: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "--tb=line", test]
    try:
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return 124, f"not finished within {TIMEOUT} s"
    return done.returncode, reason(done.stdout)


def reason(output: str) -> str:
    found = re.findall(r"^(?:E  +|FAILED \S+ - |ERROR \S+ - )(.+)$", output, re.MULTILINE)
    return found[-1] if found else output.strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
