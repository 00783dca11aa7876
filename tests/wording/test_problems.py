"""The catalogues of problems: codes are unique, sentences are complete, and problems survive conversion to JSON."""

import re
import string

import pytest

from spreadsheets import problem_kinds as file_problems
from transfers.people_csv import problem_kinds
from wording.problems import Kind, Problem, Severity, shown

CATALOGUE = [
    kind
    for module in (file_problems, problem_kinds)
    for kind in vars(module).values()
    if isinstance(kind, Kind)
]
FIELDS = {
    "limit": 25,
    "what": "a PDF file",
    "encoding": "UTF-16",
    "columns": "A, B",
    "count": 2,
    "how": "UTF-16",
    "sheet": "May",
    "sheets": "“May”, “June”",
}
FIELDS |= {
    "text": "Users",
    "words": "NULL",
    "rows": "row 2",
    "grouped": 62_000,
    "whole": 62,
    "typed": "The IDs",
}
FIELDS |= {"cells": 3, "width": 2, "missing": "A and B", "name": "people.csv", "in_file": "Ana Díaz"}
FIELDS |= dict.fromkeys(("choose", "start_again", "keep_header", "way"), "Do this.")
# These share the code of another kind, which says the same in other words.
VARIANTS = (
    file_problems.EMPTY_ROW,
    file_problems.ROW_ABOVE,
    file_problems.OTHER_PROGRAM,
    problem_kinds.EMPTY_WORD,
    problem_kinds.ID_INVISIBLE_IN_NUMBER,
    problem_kinds.ID_TWO_READINGS,
)


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.code)
def test_every_kind_reads_as_a_sentence_with_a_next_step(kind: Kind) -> None:
    problem = kind(row=57, column="To User ID", value="19{x}", suggestion=19, **FIELDS)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", problem.code)
    assert problem.sentence[-1] in ".?"
    assert not {"invalid", "illegal", "oops"} & set(re.findall(r"\w+", str(problem).lower()))
    assert problem.remedy or problem.severity == Severity.NOTE
    assert Problem.from_json(problem.to_json()) == problem


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in CATALOGUE if kind not in VARIANTS]
    assert len(codes) == len(set(codes))


def test_problems_of_any_file_do_not_speak_of_one_kind_of_file() -> None:
    shared = [kind for kind in vars(file_problems).values() if isinstance(kind, Kind)]
    assert not [kind.code for kind in shared if "people.csv" in kind.sentence + kind.remedy]


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.code)
def test_templates_only_use_known_fields(kind: Kind) -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(kind.sentence + kind.remedy) if name}
    assert names <= {*FIELDS, "row", "column", "value", "suggestion"}


def test_right_to_left_text_is_isolated_in_sentences() -> None:
    problem = problem_kinds.ID_IS_TEXT(row=2, column="To User ID", value="עמר")
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
def test_shown_text_is_clipped_and_made_visible(text: str, seen: str) -> None:
    assert shown(text) == seen
