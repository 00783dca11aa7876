"""Make the virtualenv with the locked packages: `python3 requirements/install.py .venv`, which `make` runs.

Runs under whatever python3 there is, before anything is installed: standard library only, no syntax newer than 3.7.
Exits 0 with the stamp written, or 1 with one sentence on what to do. Whole or not at all: without its stamp a
virtualenv is made again from nothing, so one that was interrupted is never used.
"""

import fcntl
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

LOCKED = Path(__file__).resolve().parent / "dev.txt"
OLDEST = (3, 11)
TOO_LITTLE = 50_000_000  # bytes left on the disk: what fails then need not say why
DISK_FULL = "The disk is full. Free 1 GB, then run make again."
# What pip says of each, and what to do about it. The first that matches is the cause; others may follow from it.
CAUSES = (
    (r"No space left on device|Errno 28|Disk quota exceeded", DISK_FULL),
    (
        r"DO NOT MATCH THE HASHES",
        "A package is not the one that requirements/dev.txt names. Look at the package index that pip is set to use.",
    ),
    (
        r"NewConnectionError|Failed to establish|NameResolutionError|Temporary failure|ConnectTimeout|ReadTimeout"
        r"|ProxyError|Connection refused|Network is unreachable|No matching distribution",
        "The packages could not be downloaded. Check the network (or pip's index and proxy), then run make again.",
    ),
)


class Refusal(Exception):
    """A sentence for the terminal: what is wrong and what to do."""


def main(folder):
    check_python()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(str(folder.absolute()) + ".lock", "w") as lock:
        wait_for_turn(lock, folder)
        if not is_current(folder):
            install(folder)


def check_python():
    if sys.version_info < OLDEST:
        found = "{}.{}".format(*sys.version_info)
        raise Refusal(
            f"Python 3.11 or newer is needed, and {sys.executable} is {found}. Name another: make PYTHON=python3.12"
        )
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise Refusal(
            f"{sys.executable} cannot make a virtualenv. Install what it lacks (Debian, Ubuntu: apt-get install"
            " python3-venv), then run make again."
        )


def wait_for_turn(lock, folder):
    """Two `make` in one checkout: the second waits, and then finds the work done."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"Another make is setting up {folder}; waiting for it ...", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def is_current(folder):
    stamp = folder / ".stamp"
    is_whole = stamp.exists() and (folder / "bin" / "python").exists()
    return is_whole and stamp.stat().st_mtime >= LOCKED.stat().st_mtime


def install(folder):
    print(
        f"Installing the packages of {LOCKED.parent.name}/{LOCKED.name} into {folder} (about a minute) ...",
        flush=True,
    )
    for entry in contents(folder):
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    run([sys.executable, "-m", "venv", str(folder.resolve())], folder)  # venv takes no symbolic link
    python = str(folder.absolute() / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", str(LOCKED)], folder)
    (folder / ".stamp").touch()


def contents(folder):
    """What is left of an earlier virtualenv. The folder itself stays: it may be a symbolic link to another disk."""
    return list(folder.iterdir()) if folder.exists() else []


def run(command, folder):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode != 0:
        is_full = folder.exists() and shutil.disk_usage(folder).free < TOO_LITTLE
        raise Refusal(DISK_FULL if is_full else cause(done.stdout))


def cause(output):
    for pattern, sentence in CAUSES:
        if re.search(pattern, output):
            return sentence
    return "The packages could not be installed:\n" + "\n".join(output.splitlines()[-15:])


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except Refusal as refusal:
        sys.exit(str(refusal))
    except OSError as error:
        sys.exit(cause(str(error)))
