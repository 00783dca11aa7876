"""Problems that several rows share are counted and said once."""

import pytest

from tests.fixtures.cast import Cast
from tests.transfers.actions.sheets import line, send
from transfers.planning.problem_groups import SHARED_WORDS, ProblemGroup, marks_of, problem_groups
from wording.problems import Kind, Severity

OWN = Kind("made-up", Severity.ERROR, "Row {row} is odd: {value}.", "Do something.")


@pytest.mark.parametrize("code", SHARED_WORDS)
def test_the_sentence_of_each_kind(code: str) -> None:
    problem = Kind(code, Severity.ERROR, "Only this row.")(row=7, value="{rows}")
    assert ProblemGroup(2000, 0, [7, 8], problem).sentence.startswith("2,000 ")
    assert ProblemGroup(1, 0, [7], problem).sentence == "Only this row."


def test_a_kind_without_words_is_said_with_its_first_sentence() -> None:
    group = ProblemGroup(3, 0, [2, 3, 4], OWN(row=2, value="{x}"))
    assert group.sentence == "3 rows have the same problem. For example: Row 2 is odd: {x}."
    assert (group.mark, group.remedy) == ("", "Do something.")


@pytest.mark.django_db
def test_errors_come_first_and_the_most_frequent_before_others(cast: Cast) -> None:
    draft = send(
        cast.ada,
        line(cast.ana, cast.bo),
        line(cast.cy, "x"),
        line(cast.di, '"1,234"'),
        line('"1,235"', '"1,236"'),
        line(cast.eli, cast.vera),
    )
    found = [(group.code, group.count, group.suggested, list(group.rows)) for group in problem_groups(draft)]
    assert found == [
        ("id-thousands-mark", 2, 2, [4, 5]),
        ("id-is-text", 1, 0, [3]),
        ("active-source", 2, 0, [2, 6]),
        ("nothing-to-move", 2, 0, [2, 6]),
    ]
    assert list(marks_of(problem_groups(draft))) == ["active-source", "nothing-to-move"]


@pytest.mark.django_db
def test_warnings_of_rows_with_errors_do_not_count(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.ana), line(cast.bo, cast.cy))
    assert [(group.code, group.count) for group in problem_groups(draft)] == [
        ("same-user", 1),
        ("active-source", 1),
        ("nothing-to-move", 1),
    ]
