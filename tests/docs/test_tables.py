"""Each line of docs/tables.md names a test that exists."""

import pytest
from django.conf import settings

from tests.docs.test_asvs import NAMED, functions_of

PAGE = (settings.BASE_DIR / "docs" / "tables.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| feature ")]


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED.findall(PAGE)}))
def test_every_test_that_is_named_exists(file: str) -> None:
    path = settings.BASE_DIR / file
    assert path.exists(), f"docs/tables.md names {file}, which does not exist."
    missing = {name for named, name in NAMED.findall(PAGE) if named == file} - functions_of(path)
    assert missing == set(), f"docs/tables.md names tests of {file} that do not exist."


def test_every_line_names_a_test() -> None:
    assert len(ROWS) > 100
    assert [row for row in ROWS if not NAMED.search(row)] == []
