from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adopting import sites


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database after `migrate`, to copy. These tests are in one process (see TOGETHER in tests/conftest.py)."""
    with sites.migrated(tmp_path_factory.mktemp("template")) as name:
        yield name


@pytest.fixture
def site(tmp_path: Path, template: str) -> Iterator[sites.Site]:
    with sites.site(tmp_path, template) as made:
        yield made
