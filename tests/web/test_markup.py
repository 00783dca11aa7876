"""Templates, styles and scripts have no long lines, so that their diffs are readable."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES = settings.BASE_DIR / "templates"
LONGEST = 120


def sources() -> Iterator[Path]:
    yield from sorted(TEMPLATES.rglob("*.*"))
    for folder in ("css", "js"):
        yield from sorted((settings.BASE_DIR / "static" / folder).iterdir())


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_no_line_is_too_long(path: Path) -> None:
    lines = enumerate(path.read_text().splitlines(), start=1)
    assert [number for number, line in lines if len(line) > LONGEST] == []


def test_the_style_sheet_stays_small() -> None:
    """The limit of docs/decisions/one-style-sheet.md."""
    assert (settings.BASE_DIR / "static/css/app.css").stat().st_size <= 32 * 1024
