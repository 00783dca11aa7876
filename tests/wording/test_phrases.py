"""Counts followed by a noun, such as “2 rows”, and sentence templates."""

import pytest

from wording.phrases import counted, phrase


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1_000, "1,000 rows"), (2_691, "2,691 rows")],
)
def test_counts_have_a_plural_and_separators(count: int, text: str) -> None:
    assert counted(count, "row") == text
    assert phrase("{n:row}", {"n": count}) == text


def test_irregular_plurals() -> None:
    assert phrase("{one:person|people}, {two:person|people}", {"one": 1, "two": 2}) == "1 person, 2 people"


def test_other_fields_are_formatted_as_usual() -> None:
    assert (
        phrase("{n:,} of {id}: {name}", {"n": 1_169, "id": 1_169, "name": "{n:row}"})
        == "1,169 of 1169: {n:row}"
    )


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        phrase("{n:row}", {})
