"""Child processes that never outlive the one who started them, and the claim of one starter on a folder."""

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

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a service manager, a closed terminal


class Refusal(Exception):
    """Something the person at the terminal has to settle. The text is for them: what, where, and the next step."""


class Child:
    """A program in the foreground of its own process group, its output in a file.

    It gets `stop_signal` when this process asks it to stop, and also when this process dies without a word
    (`kill -9`): Linux delivers that, elsewhere the child stays. Start it from the main thread, because Linux counts
    the death of the *thread* that started the child.
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
        """Asks, waits `patience` seconds, then kills the whole group. Harmless on a child that has ended."""
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
        """Whether it has ended within so many seconds."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(seconds, 0.01))
        except subprocess.TimeoutExpired:
            return False
        return True

    def result(self) -> int:
        """Waits for the end, however long that takes; the exit code, negative for a signal."""
        assert self.process is not None, f"{self.name} was never started"  # noqa: S101  # nosec B101
        return self.process.wait()

    def tail(self, lines: int = 15) -> str:
        return tail(self.log, lines)


@contextlib.contextmanager
def stop_signals_held() -> Iterator[set[int]]:
    """A stop signal that comes while a process is made is delivered when it is made, and known to who stops it.

    Python runs hooks around a fork and passes over what they raise, so that a handler's exception would be lost, or
    would leave a process that nobody has noted. Gives the signals that were held before.
    """
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        yield usual
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)


def before_program(number: signal.Signals, held: set[int]) -> Callable[[], None]:
    """What a fresh child runs before its program: it asks Linux for `number` at the death of its parent.

    `held` are the signals that its program starts with as held; otherwise it would have its parent's for good.
    """
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        if prctl is None:
            return
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # the parent was gone before the request stood
            os._exit(1)

    return prepare


def tail(log: Path, lines: int) -> str:
    """The last lines of a log; reads at most the last 64 KB of it."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 65_536))
        return "\n".join(stream.read().decode(errors="replace").splitlines()[-lines:])


def wait_until(ready: Callable[[], bool], seconds: float, *, pause: float = 0.05) -> bool:
    """Whether `ready()` became true in time."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


@contextlib.contextmanager
def claim(folder: Path) -> Iterator[None]:
    """This process alone starts servers in `folder`; the claim ends with the process, however that ends.

    Raises Refusal when somebody else has it, or when the folder cannot be written.
    """
    with open_lock(folder / "lock") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "unknown"
            raise Refusal(
                f"The site is already running on {folder} (process {holder}). Stop that one first (Ctrl-C there, or"
                f" kill {holder}), or give this one a folder of its own: DATA_DIR=/another/folder."
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
    """Whether `pid` is a living process whose command line holds all the words; pids are used again, words are not."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return False
    return bool(command) and all(word in command for word in words)


def end_orphan(pid: int, *words: str) -> None:
    """A fast shutdown of a server without a starter, and after ten seconds a kill."""
    os.kill(pid, signal.SIGINT)
    if not wait_until(lambda: not running_with(pid, *words), 10):
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not running_with(pid, *words), 5)
