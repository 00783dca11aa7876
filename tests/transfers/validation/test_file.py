"""What is wrong with a file as a whole. Pure: no database."""

from tests.transfers.validation.judging import codes, facts
from transfers.problems import Problem
from transfers.validation import CandidateRow, judge_file, judge_rows


def about(rows: list[CandidateRow]) -> list[Problem]:
    return list(judge_file(rows, judge_rows(rows, facts())))


def selected(count: int) -> list[CandidateRow]:
    return [CandidateRow(number, number * 10, number * 10 + 1) for number in range(2, count + 2)]


def missorted(count: int) -> list[CandidateRow]:
    return [CandidateRow(number, number, number + 50, first_name="Zoë") for number in range(2, count + 2)]


def test_a_good_file_has_nothing_to_be_said() -> None:
    assert about(selected(2000)) == []


def test_2001_pairs_are_one_too_many() -> None:
    (problem,) = about(selected(2001))
    assert problem.sentence == "2,001 transfers selected; up to 2,000 can run at once."
    assert problem.remedy == "Clear at least 1 row, or split the file."
    assert problem.severity.blocks


def test_rows_that_repeat_a_pair_count_once() -> None:
    rows = [*selected(2000), CandidateRow(9000, 20, 21)]
    assert about(rows) == []


def test_rows_that_cannot_be_read_count_each() -> None:
    rows = [*selected(1999), CandidateRow(9000, None, 21), CandidateRow(9001, None, 21)]
    assert codes(about(rows)) == ["too-many-pairs"]


def test_nothing_selected_is_only_said() -> None:
    (problem,) = about([])
    assert problem.code == "no-users-selected"
    assert not problem.severity.blocks


def test_a_column_sorted_by_itself_shows_in_three_rows() -> None:
    assert about(missorted(2)) == []
    (problem,) = about(missorted(3))
    assert (problem.code, problem.severity.blocks) == ("one-column-sorted", True)
    assert problem.sentence.startswith("3 rows hold a name that belongs to another ID.")
