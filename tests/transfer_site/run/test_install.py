"""`requirements/install.py`, which creates the virtualenv and runs before any package is installed."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.harness.ports import free_port
from transfer_site.run.processes import wait_until

SCRIPT = Path("requirements") / "install.py"
UNKNOWN_PACKAGE = "no-such-package==1.0 --hash=sha256:" + "0" * 64


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that needs no packages."""
    (tmp_path / "requirements").mkdir()
    shutil.copy(settings.BASE_DIR / SCRIPT, tmp_path / SCRIPT)
    (tmp_path / "requirements" / "dev.txt").touch()
    return tmp_path


def install(checkout: Path) -> subprocess.CompletedProcess[str]:
    nowhere = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"http://127.0.0.1:{free_port()}/",
        "PIP_RETRIES": "0",
    }
    command = [sys.executable, str(SCRIPT), ".venv"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")} | nowhere
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def test_an_interrupted_virtualenv_is_rebuilt_and_a_complete_one_is_kept(
    checkout: Path,
) -> None:
    left = checkout / ".venv" / "lib" / "half-a-package"
    left.mkdir(parents=True)
    assert install(checkout).returncode == 0
    assert not left.exists()
    stamp = (checkout / ".venv" / ".stamp").stat().st_mtime_ns

    left.mkdir(parents=True)
    assert install(checkout).stdout == ""
    assert (checkout / ".venv" / ".stamp").stat().st_mtime_ns == stamp
    assert left.exists()


def test_a_virtualenv_may_be_a_link_to_another_disk(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (checkout / ".venv").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    done = install(checkout)
    assert done.returncode == 0, done.stderr
    assert (checkout / ".venv").is_symlink()
    assert (checkout / ".venv" / "bin" / "python").exists()


def test_a_missing_network_is_reported_in_one_sentence(checkout: Path) -> None:
    (checkout / "requirements" / "dev.txt").write_text(UNKNOWN_PACKAGE)
    done = install(checkout)
    assert done.returncode == 1
    assert done.stderr.startswith("The packages could not be downloaded. Check the network")
    assert done.stderr.count("\n") == 1
    assert not (checkout / ".venv" / ".stamp").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_reported_in_one_sentence(checkout: Path) -> None:
    disk = checkout / ".venv"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        done = install(checkout)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert (done.returncode, done.stderr) == (1, "The disk is full. Free 1 GB, then run make again.\n")


def test_a_second_install_waits_for_the_first(checkout: Path) -> None:
    with (checkout / ".venv.lock").open("w") as lock, (checkout / "output").open("w+") as output:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen([sys.executable, str(SCRIPT), ".venv"], cwd=checkout, stdout=output)
        try:
            assert wait_until(lambda: "waiting for it" in (checkout / "output").read_text(), 240)
            (checkout / ".venv" / "bin").mkdir(parents=True)
            (checkout / ".venv" / "bin" / "python").touch()
            (checkout / ".venv" / ".stamp").touch()
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert second.wait(60) == 0
        finally:
            second.kill()
            second.wait()
    assert "Installing" not in (checkout / "output").read_text()
