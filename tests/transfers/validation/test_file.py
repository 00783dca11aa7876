"""Problems of a file as a whole. These tests use no database."""

from tests.transfers.validation.checking import codes, facts
from transfers.validation import CandidateRow, check_file, check_rows
from wording.problems import Problem


def about(rows: list[CandidateRow]) -> list[Problem]:
    return list(check_file(rows, check_rows(rows, facts())))


def selected(count: int) -> list[CandidateRow]:
    return [CandidateRow(number, number * 10, number * 10 + 1) for number in range(2, count + 2)]


def missorted(count: int) -> list[CandidateRow]:
    return [CandidateRow(number, number, number + 50, first_name="Zoë") for number in range(2, count + 2)]


def test_a_good_file_has_no_problems() -> None:
    assert about(selected(2000)) == []


def test_2001_pairs_are_one_too_many() -> None:
    (problem,) = about(selected(2001))
    assert problem.sentence == "2,001 users are selected; up to 2,000 can be transferred at once."
    assert problem.remedy == "Clear at least 1 row, or split the file."
    assert problem.severity.blocks


def test_rows_that_repeat_a_pair_count_once() -> None:
    rows = [*selected(2000), CandidateRow(9000, 20, 21)]
    assert about(rows) == []


def test_each_unreadable_row_counts() -> None:
    rows = [*selected(1999), CandidateRow(9000, None, 21), CandidateRow(9001, None, 21)]
    assert codes(about(rows)) == ["too-many-pairs"]


def test_nothing_selected_is_only_a_note() -> None:
    (problem,) = about([])
    assert problem.code == "no-users-selected"
    assert not problem.severity.blocks


def test_three_missorted_rows_show_a_column_sorted_on_its_own() -> None:
    assert about(missorted(2)) == []
    (problem,) = about(missorted(3))
    assert (problem.code, problem.severity.blocks) == ("one-column-sorted", True)
    assert problem.sentence.startswith("3 rows name a different user than their ID.")
