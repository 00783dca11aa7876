from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adopting import sites


@pytest.fixture
def site(tmp_path: Path, migrated_database: str) -> Iterator[sites.Site]:
    with sites.site(tmp_path, migrated_database) as made:
        yield made
