"""The catalogue: codes are stable names, sentences are complete, problems survive storage."""

import re
import string

import pytest

from transfers.people_csv import kinds
from transfers.problems import Kind, Problem, Severity, shown

CATALOGUE = [kind for kind in vars(kinds).values() if isinstance(kind, Kind)]
FIELDS = {
    "limit": 25,
    "what": "a PDF file",
    "encoding": "UTF-16",
    "columns": "A, B",
    "count": 2,
    "how": "UTF-16",
}
FIELDS |= {"cells": 3, "width": 2}


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.code)
def test_every_kind_reads_as_a_sentence_with_a_next_step(kind: Kind) -> None:
    problem = kind(row=57, column="To User ID", value="19{x}", suggestion=19, **FIELDS)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", problem.code)
    assert problem.sentence[-1] in ".?"
    assert not {"invalid", "illegal", "oops"} & set(re.findall(r"\w+", str(problem).lower()))
    assert problem.remedy or problem.severity == Severity.NOTE
    assert Problem.from_json(problem.to_json()) == problem


def test_codes_are_unique_but_for_one_and_many() -> None:
    codes = [kind.code for kind in CATALOGUE if kind is not kinds.EMPTY_ROW]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.code)
def test_templates_only_name_what_they_are_given(kind: Kind) -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(kind.sentence + kind.remedy) if name}
    assert names <= {*FIELDS, "row", "column", "value", "suggestion"}


def test_right_to_left_text_keeps_to_its_place_in_the_sentence() -> None:
    problem = kinds.ID_IS_TEXT(row=2, column="To User ID", value="עמר")
    assert "\u2068עמר\u2069" in problem.sentence
    assert problem.value == "עמר"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\tb\r\nc", "a b  c"),
        ("a\u202eb\0", "a\ufffdb\ufffd"),
        ("x" * 90, "x" * 79 + "…"),
        ("می\u200cخواهم",) * 2,
    ],
)
def test_shown_text_hides_and_reorders_nothing(text: str, seen: str) -> None:
    assert shown(text) == seen
