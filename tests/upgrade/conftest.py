import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import databases
from tests.databases import run_python, scratch_database
from tests.servers import servers
from tests.upgrade.releases import FOLDER, RELEASED

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.upgrade.settings"}


@pytest.fixture(scope="session")
def first_release() -> Iterator[Path]:
    """The dump of the first release: the frozen one, or one that is made now as it would be."""
    if RELEASED:
        yield FOLDER / f"{min(RELEASED)}.sql"
        return
    file = servers.folder / "first-release.sql"
    with scratch_database("first_release") as name:
        for words in (["-m", "tests.upgrade.first"], ["manage.py", "migrate"], ["-m", "tests.upgrade.world"]):
            done = run_python(name, *words, more=SETTINGS)
            assert done.returncode == 0, done.stderr
        databases.dump(name, file)
    if version := os.environ.get("FREEZE"):
        FOLDER.mkdir(exist_ok=True)
        shutil.copy(file, FOLDER / f"{version}.sql")
    yield file
    file.unlink()


@pytest.fixture
def old(first_release: Path) -> Iterator[str]:
    """A database as the first release left it."""
    with scratch_database("old_site") as name:
        databases.restore(first_release, name)
        yield name
