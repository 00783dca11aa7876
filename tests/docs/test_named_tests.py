"""Each line of docs/asvs.md and docs/tables.md names a test; `tests.docs.test_names_resolve` shows that they exist."""

import re

import pytest
from django.conf import settings

NAMED = re.compile(r"`tests/[\w/]+\.py::\w+`")


@pytest.mark.parametrize(
    ("page", "line", "least"), [("asvs.md", r"\| \d", 40), ("tables.md", r"\| (?!feature )", 100)]
)
def test_every_line_names_a_test(page: str, line: str, least: int) -> None:
    lines = (settings.BASE_DIR / "docs" / page).read_text().splitlines()
    rows = [text for text in lines if re.match(line, text)]
    assert len(rows) > least
    assert [row for row in rows if not NAMED.search(row)] == []
