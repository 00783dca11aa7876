"""Create the virtualenv with the locked packages: `python3 requirements/install.py .venv`, which `make` runs.

This runs before anything is installed and with any python3, so it uses only the standard library and no syntax newer
than 3.7. It exits with 0 after writing the file .stamp, or with 1 and a sentence that says what to do. A virtualenv
without .stamp is rebuilt from scratch, so one whose installation was interrupted is never used.
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
ALMOST_FULL = 50_000_000  # free bytes below which any failure is reported as a full disk
DISK_FULL = "The disk is full. Free 1 GB, then run make again."
# (pattern in pip's output, what to do). Only the first match counts: later ones may be consequences of the same cause.
CAUSES = (
    (r"No space left on device|Errno 28|Disk quota exceeded", DISK_FULL),
    (
        r"DO NOT MATCH THE HASHES",
        "A package does not match its hash in requirements/dev.txt. Check the package index that pip is set to use.",
    ),
    (
        r"NewConnectionError|Failed to establish|NameResolutionError|Temporary failure|ConnectTimeout|ReadTimeout"
        r"|ProxyError|Connection refused|Network is unreachable|No matching distribution",
        "The packages could not be downloaded. Check the network (or pip's index and proxy), then run make again.",
    ),
)


class Refusal(Exception):
    """The installation cannot continue. The text says what is wrong and what to do."""


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
            f"Python 3.11 or newer is needed, but {sys.executable} is {found}. Choose a newer one, for example:"
            " make PYTHON=python3.12"
        )
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise Refusal(
            f"{sys.executable} cannot create a virtualenv. Install the missing module (Debian, Ubuntu: apt-get install"
            " python3-venv), then run make again."
        )


def wait_for_turn(lock, folder):
    """Take the lock; if another `make` is setting up the same folder, wait until it has finished."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"Another make is setting up {folder}; waiting for it ...", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def is_current(folder):
    stamp = folder / ".stamp"
    is_complete = stamp.exists() and (folder / "bin" / "python").exists()
    return is_complete and stamp.stat().st_mtime >= LOCKED.stat().st_mtime


def install(folder):
    print(
        f"Installing the packages of {LOCKED.parent.name}/{LOCKED.name} into {folder} (about a minute) ...",
        flush=True,
    )
    # The folder itself stays: it may be a symbolic link to another disk.
    for entry in list(folder.iterdir()) if folder.exists() else []:
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    run([sys.executable, "-m", "venv", str(folder.resolve())], folder)  # venv does not accept a symbolic link
    python = str(folder.absolute() / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", str(LOCKED)], folder)
    (folder / ".stamp").touch()


def run(command, folder):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode != 0:
        is_full = folder.exists() and shutil.disk_usage(folder).free < ALMOST_FULL
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
