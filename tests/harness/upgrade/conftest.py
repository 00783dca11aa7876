import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import databases
from tests.harness.databases import run_python, scratch_database
from tests.harness.servers import servers
from tests.harness.upgrade.releases import FOLDER

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.harness.upgrade.settings"}


@dataclass(frozen=True)
class Today:
    """The dumps of a new site and of a site in use, both with the current migrations."""

    new: Path
    in_use: Path


@pytest.fixture(scope="session")
def today() -> Iterator[Today]:
    made = Today(servers.folder / "new.sql", servers.folder / "in-use.sql")
    with scratch_database("site_of_today") as name:
        for words, file in (
            (["manage.py", "migrate"], made.new),
            (["-m", "tests.harness.upgrade.world"], made.in_use),
        ):
            done = run_python(name, *words, more=SETTINGS)
            assert done.returncode == 0, done.stderr
            databases.dump(name, file)
    if version := os.environ.get("FREEZE"):
        FOLDER.mkdir(exist_ok=True)
        shutil.copy(made.in_use, FOLDER / f"{version}.sql")
    yield made
    made.new.unlink()
    made.in_use.unlink()


@pytest.fixture
def old(today: Today) -> Iterator[str]:
    """A database with data and the current migrations, which tests upgrade to made-up later migrations."""
    with scratch_database("old_site") as name:
        databases.restore(today.in_use, name)
        yield name
