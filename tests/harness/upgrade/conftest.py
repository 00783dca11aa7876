import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.harness import databases
from tests.harness.databases import copied_database, run_python, scratch_database
from tests.harness.servers import servers
from tests.harness.upgrade.releases import FOLDER

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.harness.upgrade.settings"}


@dataclass(frozen=True)
class Today:
    """The names of two databases to copy: of a new site and of a site in use, both with the current migrations.

    They are restored from dumps, because a restore changes the text of some constraints.
    """

    new: str = "new_site_of_today"
    in_use: str = "site_in_use_today"


@pytest.fixture(scope="session")
def today() -> Iterator[Today]:
    """These databases. The tests that use them are in one process (see TOGETHER in tests/conftest.py)."""
    with ExitStack() as stack:
        site = stack.enter_context(scratch_database("site_of_today"))
        for words, name in (
            (["manage.py", "migrate"], Today.new),
            (["-m", "tests.harness.upgrade.world"], Today.in_use),
        ):
            done = run_python(site, *words, more=SETTINGS)
            assert done.returncode == 0, done.stderr
            file = servers.folder / f"{name}.sql"
            databases.dump(site, file)
            databases.restore(file, stack.enter_context(scratch_database(name)))
        if version := os.environ.get("FREEZE"):
            FOLDER.mkdir(exist_ok=True)
            shutil.copy(file, FOLDER / f"{version}.sql")
        yield Today()


@pytest.fixture
def old(today: Today) -> Iterator[str]:
    """A database with data and the current migrations, which tests upgrade to made-up later migrations."""
    with copied_database("old_site", today.in_use) as name:
        yield name
