"""Every item of docs/asvs.md names a test, and every named test exists."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

PAGE = (settings.BASE_DIR / "docs" / "asvs.md").read_text()
ROWS = [line for line in PAGE.splitlines() if re.match(r"\| \d", line)]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED.findall(PAGE))))
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    path = settings.BASE_DIR / file
    assert path.exists(), f"docs/asvs.md names {file}, which does not exist."
    assert name in functions_of(path), f"docs/asvs.md names {file}::{name}, which does not exist."


def test_every_item_names_a_test() -> None:
    assert len(ROWS) > 40
    assert [row for row in ROWS if not NAMED.search(row)] == []
