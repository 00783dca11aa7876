"""Each piece of code that `make promises` removes, and each test that it runs, exists. The command is not run here."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.harness.promises.removals import REMOVALS, Removal

each_removal = pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: removal.promise)


def text_of(file: str) -> str:
    return (Path(settings.BASE_DIR) / file).read_text()


@each_removal
def test_the_protection_occurs_once(removal: Removal) -> None:
    assert [text_of(file).count(there) for file, there, _ in removal.edits] == [1] * len(removal.edits)


@each_removal
def test_the_test_exists(removal: Removal) -> None:
    file, _, name = removal.test.partition("::")
    assert f"def {name.partition('[')[0]}" in text_of(file)
