"""The first commands after a clone, in a folder with spaces and umlauts that only its owner may enter."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.transfer_site.run.running_site import RunningSite, shell_environment
from transfer_site.run.processes import wait_until

pytestmark = pytest.mark.slow

# One test needs one process with its servers, although `make test-fast` asks for two.
ONE_TEST = "PYTEST=.venv/bin/python -m pytest -p no:cacheprovider --maxprocesses=1 -k a_discarded_draft_keeps_no_rows"


def copied(source: str, target: str) -> None:
    """Create a hard link if the disk allows it, otherwise a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture
def checkout() -> Iterator[Path]:
    """This checkout and its virtualenv in a folder that only its owner may enter, like /root."""
    home = Path(tempfile.mkdtemp())
    folder = home / "Anwender daten (übertragen)"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=settings.BASE_DIR, capture_output=True, check=True)
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (settings.BASE_DIR / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(settings.BASE_DIR / name, folder / name)
    shutil.copytree(sys.prefix, folder / ".venv", copy_function=copied, symlinks=True)
    # It may be a hard link, through which `touch` would change the original.
    (folder / ".venv" / ".stamp").unlink(missing_ok=True)
    (folder / ".venv" / ".stamp").touch()
    yield folder
    shutil.rmtree(home)


@pytest.fixture
def site(checkout: Path) -> Iterator[RunningSite]:
    site = RunningSite(checkout / ".data", checkout, ("make", "run"))
    site.start()
    yield site
    if site.process.poll() is None:
        os.killpg(site.process.pid, signal.SIGKILL)
        site.process.wait()
    assert wait_until(lambda: not site.children(), 240)
    site.output.close()


def test_tests_site_and_one_bulk_in_a_closed_folder(
    checkout: Path, site: RunningSite, tmp_path: Path
) -> None:
    assert checkout.parent.stat().st_mode & 0o777 == 0o700
    tried = run(checkout, "make", "test-fast", ONE_TEST)
    assert " 1 passed in " in tried, tried

    site.wait_for("The site is ready")
    file = tmp_path / "people.csv"
    run(checkout, ".venv/bin/python", "manage.py", "export_people", "--by", "admin", "--output", str(file))
    pairs = select_two_pairs(file)
    done = run(checkout, ".venv/bin/python", "manage.py", "transfer", str(file), "--by", "admin")
    assert f"{pairs} transferred" in done, done

    os.killpg(site.process.pid, signal.SIGINT)
    site.process.wait(30)
    assert site.printed().rstrip().endswith("Stopped."), site.printed()
    assert wait_until(lambda: not site.children(), 240)


def run(checkout: Path, *command: str) -> str:
    environment = shell_environment(os.environ)
    done = subprocess.run(
        command, cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def select_two_pairs(file: Path) -> int:
    """Fill in the targets of two pairs in the file, and return the number of pairs (2)."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    agents = [row for row in rows if row["Active"] == "Yes"][-4:]
    for source, target in zip(agents[:2], agents[2:], strict=True):
        source["To User ID"] = target["From User ID"]
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return 2
