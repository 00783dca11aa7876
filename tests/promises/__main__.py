"""Takes the protection of each promise away, in a copy of the project, and shows that its test notices.

    python -m tests.promises           all of them
    python -m tests.promises R3 R13    only these

Ends with 1 when a test did not notice. The last line of what each test said is printed; `docs/promises.md` has them.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.promises.removals import REMOVALS, Removal

ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = shutil.ignore_patterns(".venv", ".git", ".data", "__pycache__", ".*_cache", "screenshots")
TIMEOUT = 400  # seconds; the tests have limits of their own, so that one without an end says nothing


def main(wanted: Sequence[str]) -> int:
    chosen = [removal for removal in REMOVALS if not wanted or removal.promise in wanted]
    unnoticed = [removal for removal in chosen if not is_noticed(removal)]
    print(f"\n{len(chosen)} protections taken away, {len(chosen) - len(unnoticed)} noticed")
    return 1 if unnoticed else 0


def is_noticed(removal: Removal) -> bool:
    with tempfile.TemporaryDirectory(prefix="transfer-promises-") as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        take_away(removal, copy)
        code, said = run(removal.test, copy)
    verdict = {0: "NOT NOTICED", 1: "noticed"}.get(code, f"COULD NOT BE RUN ({code})")
    print(
        f"{removal.promise:<4} {verdict}: without {removal.what}\n     {removal.test}\n     {said}",
        flush=True,
    )
    return code == 1


def take_away(removal: Removal, copy: Path) -> None:
    for file, old, new in removal.edits:
        text = (copy / file).read_text()
        if text.count(old) != 1:
            sys.exit(
                f"{removal.promise}: {file} holds this {text.count(old)} times, and once is needed:\n{old}"
            )
        (copy / file).write_text(text.replace(old, new))


def run(test: str, copy: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "--tb=line", test]
    try:
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return 124, f"no end within {TIMEOUT} s"
    return done.returncode, reason(done.stdout)


def reason(output: str) -> str:
    found = re.findall(r"^(?:E  +|FAILED \S+ - |ERROR \S+ - )(.+)$", output, re.MULTILINE)
    return found[-1] if found else output.strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
