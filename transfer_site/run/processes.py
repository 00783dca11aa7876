"""Child processes that never outlive their parent, and the exclusive claim on a data folder."""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess  # nosec B404
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None

# Sent by Ctrl-C, a service manager, and a closed terminal.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Refusal(Exception):
    """The site cannot start. The text says what is wrong, where, and what to do next."""


class Child:
    """A program in its own process group, with its output in a file.

    It receives `stop_signal` when it is to stop and, on Linux, also when this process is killed. Start it from the main
    thread, because Linux sends the signal when the *thread* that started the child ends.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.environment = {**os.environ, **(environment or {})}
        self.stop_signal = stop_signal
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was never started"  # noqa: S101  # nosec B101
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output, stop_signals_held() as usual:
            self.process = subprocess.Popen(  # nosec B603
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
                start_new_session=True,
                preexec_fn=before_program(self.stop_signal, usual),
            )

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def ask_to_stop(self) -> None:
        self.signal(self.stop_signal)

    def stop(self, patience: float = 5) -> None:
        """Send the stop signal, wait up to `patience` seconds, then kill the process group.

        Does nothing if the child has ended.
        """
        self.ask_to_stop()
        if not self.wait(patience):
            self.kill()

    def kill(self) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for the child to end; return whether it has ended."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(seconds, 0.01))
        except subprocess.TimeoutExpired:
            return False
        return True

    def result(self) -> int:
        """Wait for the child to end, however long it takes; return its exit code, negative for a signal."""
        assert self.process is not None, f"{self.name} was never started"  # noqa: S101  # nosec B101
        return self.process.wait()

    def tail(self, lines: int = 15) -> str:
        return tail(self.log, lines)


@contextlib.contextmanager
def stop_signals_held() -> Iterator[set[int]]:
    """Hold back stop signals while a process is created, so that they arrive after it is registered.

    Otherwise an exception raised by a signal handler could leave an unregistered process, or could be lost, because
    Python discards exceptions raised in its fork hooks. Yields the set of signals that were blocked before.
    """
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        yield usual
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)


def before_program(number: signal.Signals, held: set[int]) -> Callable[[], None]:
    """Return a preexec function that makes Linux send `number` to the child when the parent dies.

    It also restores the signal mask `held`, because the program would otherwise inherit its parent's current mask.
    """
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        if prctl is None:
            return
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # the parent died before the request took effect
            os._exit(1)

    return prepare


def tail(log: Path, lines: int) -> str:
    """Return the last lines of a log, from at most its last 64 KB."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 65_536))
        return "\n".join(stream.read().decode(errors="replace").splitlines()[-lines:])


def wait_until(ready: Callable[[], bool], seconds: float, *, pause: float = 0.05) -> bool:
    """Call `ready()` repeatedly for up to `seconds`; return whether it became true in time."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


@contextlib.contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Claim `folder` for this process alone, until the block or the process ends.

    Raises Refusal if another process has claimed it, or if the folder is not writable.
    """
    with open_lock(folder / "lock") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "unknown"
            raise Refusal(
                f"The site is already running on {folder} (process {holder}). Stop it first (Ctrl-C, or"
                f" kill {holder}), or use another folder: DATA_DIR=/another/folder."
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield


def open_lock(file: Path) -> IO[str]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("a+")
    except OSError as error:
        raise Refusal(
            f"Nothing can be written in {file.parent} ({error.strerror}). Make it writable for the user who starts"
            " the site, or name another folder with DATA_DIR."
        ) from error


def running_with(pid: int, *words: str) -> bool:
    """Return whether `pid` is a running process whose command line contains all the words.

    The words are compared because the pid may belong to another program by now.
    """
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return False
    return bool(command) and all(word in command for word in words)


def end_orphan(pid: int, *words: str) -> None:
    """Shut down a server whose parent has ended; kill it if it is still running after ten seconds."""
    os.kill(pid, signal.SIGINT)
    if not wait_until(lambda: not running_with(pid, *words), 10):
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not running_with(pid, *words), 5)
