import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from transfer_site.run.processes import Child, Refusal, claim, running_with, tail, wait_until

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
PARENT = """
import sys, time
from pathlib import Path
from transfer_site.run.processes import Child
child = Child("sleeper", ["sleep", "1000"], log=Path(sys.argv[1]))
child.start()
print(child.pid, flush=True)
time.sleep(1000)
"""


def test_a_child_writes_to_its_log_and_ends_when_asked(tmp_path: Path) -> None:
    child = Child(
        "talker",
        [sys.executable, "-c", "print('hello', flush=True); import time; time.sleep(60)"],
        log=tmp_path / "log" / "talker.log",
    )
    child.start()
    assert wait_until(lambda: child.tail() == "hello", 240)
    assert child.alive
    child.stop()
    assert not child.alive


def test_a_child_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    child = Child("deaf", [sys.executable, "-c", DEAF], log=tmp_path / "deaf.log")
    child.start()
    assert wait_until(lambda: child.tail() == "deaf", 240)
    child.stop(patience=0.2)
    assert not child.alive


def test_stopping_an_unstarted_or_ended_child_does_nothing(tmp_path: Path) -> None:
    child = Child("ends at once", ["true"], log=tmp_path / "log")
    child.stop()
    child.start()
    assert child.wait(30)
    child.stop()


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert running_with(pid, "sleep")
    parent.kill()
    parent.wait()
    assert wait_until(lambda: not running_with(pid, "sleep"), 240)


STOPPED_WHILE_FORKING = """
import os, signal, sys
from pathlib import Path
from transfer_site.run.processes import Child

def stop(number, frame):
    raise SystemExit("asked to stop")

signal.signal(signal.SIGINT, stop)
child = Child("sleeper", ["sleep", "60"], log=Path(sys.argv[1]))
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    child.start()
except SystemExit as end:
    print(end, child.alive)
finally:
    child.stop()
    print(child.alive, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""


def test_a_stop_during_a_fork_is_not_lost_and_leaves_no_child(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_FORKING, str(tmp_path / "log")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("asked to stop True\nFalse set()\n", "")


def test_a_child_starts_with_no_blocked_signals(tmp_path: Path) -> None:
    child = Child("sleeper", ["sleep", "60"], log=tmp_path / "log")
    child.start()
    try:
        held = next(
            line.split()[1]
            for line in Path(f"/proc/{child.pid}/status").read_text().splitlines()
            if line.startswith("SigBlk:")
        )
        assert int(held, 16) == 0
    finally:
        child.kill()


def test_one_claim_at_a_time(tmp_path: Path) -> None:
    with (
        claim(tmp_path),
        pytest.raises(Refusal, match=f"already running on .* \\(process {os.getpid()}\\)"),
        claim(tmp_path),
    ):
        pass
    with claim(tmp_path):
        pass


def test_a_claim_on_an_unwritable_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="name another folder with DATA_DIR"), claim(tmp_path / "file"):
        pass


def test_tail(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log, 3) == ""
    log.write_text("\n".join(str(number) for number in range(50_000)))
    assert tail(log, 2) == "49998\n49999"


def test_running_with_matches_the_command_line() -> None:
    child = subprocess.Popen(["sleep", "61.5"])
    try:
        assert wait_until(lambda: running_with(child.pid, "sleep", "61.5"), 240)
        assert not running_with(child.pid, "sleep", "62.5")
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not running_with(child.pid, "sleep")


def test_wait_until_gives_up() -> None:
    assert not wait_until(lambda: False, 0.1)
