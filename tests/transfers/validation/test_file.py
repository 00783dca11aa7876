"""Problems of a file as a whole. These tests use no database."""

import pytest

from tests.transfers.validation.checking import codes, facts
from transfers.validation import CandidateRow, check_file, check_rows, suspicion
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
    assert problem.remedy == "Clear at least 1 row, and transfer them afterwards."
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


def suspected(*targets: int | str, blank: int = 10, blank_above: int = 0) -> str | None:
    problem = suspicion(list(enumerate(targets, start=2)), blank=blank, blank_above=blank_above)
    return problem.code if problem else None


@pytest.mark.parametrize(
    "order",
    [
        (3, 9, 40, 41, 700),
        (700, 41, 40, 9, 3),
        (1000, 11, 200, 31, 4),
        (4, 31, 200, 11, 1000),
        ("ana@x.org", "Bo@x.org", "cy@x.org", "Di@x.org", "eli@x.org"),
        ("eli@x.org", "di@x.org", "cy@x.org", "bo@x.org", "ana@x.org"),
        ("co-ab", "coac", "co-ad", "coae", "co-af"),
        ("bo.chen@x.org", "bo@x.org", "bo1@x.org", "bo2@x.org", "boa@x.org"),
        ("ana.b@x.org", "anaa@x.org", "bo1@x.org", "bo@x.org", "cy@x.org"),
        ("adam", "Ángel", "bo", "élise", "Emil"),
        (9, 40, 700, "ana@x.org", "bo@x.org"),
    ],
    ids=[
        "ascending",
        "descending",
        "as text",
        "as text, descending",
        "emails",
        "emails, descending",
        "only letters and digits compared",
        "punctuation first",
        "by bytes",
        "accents",
        "IDs and emails",
    ],
)
def test_a_column_sorted_on_its_own_is_suspected(order: tuple[int | str, ...]) -> None:
    assert suspected(*order) == "targets-in-order"
    assert suspected(*order, blank=0) is None, "all rows are filled in"
    assert suspected(*order, blank_above=1) is None, "a row above is blank"
    assert suspected(*order[:4]) is None, "four rows may be a coincidence"


def test_targets_in_no_order_are_not_suspected() -> None:
    assert suspected(9, 3, 40, 41, 700) is None
    assert suspected("cy@x.org", "ana@x.org", "bo@x.org", "di@x.org", "eli@x.org") is None


def test_one_target_in_twenty_may_be_out_of_order() -> None:
    targets = [f"user{number:03}@x.org" for number in range(0, 400, 20)]
    assert suspected(*targets[:10], "ana@x.org", *targets[11:]) == "targets-in-order"
    assert suspected("zoe@x.org", *targets[1:10], "ana@x.org", *targets[11:]) is None


@pytest.mark.parametrize(
    "targets",
    [
        (60, 61, 62, 63, 64),
        (7, 64, 63, 62, 61, 60),
        (9, 3, 60, 61, 62, 63, 64, 2),
        ("bo", "agent08", "agent09", "agent10", "agent11", "agent12"),
        ("u5@1.org", "u4@1.org", "u3@1.org", "u2@1.org", "u1@1.org"),
        ("E-9", "E-10", "E-11", "E-12", "E-13"),
    ],
)
def test_a_column_filled_by_dragging_is_suspected_wherever_it_is(targets: tuple[int | str, ...]) -> None:
    assert suspected(*targets, blank=0) == suspected(*targets, blank_above=3) == "targets-counted-up"


def test_four_neighbours_that_rise_are_not_suspected() -> None:
    assert suspected(60, 61, 62, 63, 7, blank=0) is None
    assert suspected(60, 60, 60, 60, 60, 60, blank=0) is None
    assert suspected("a1", "b2", "c3", "d4", "e5", blank=0) is None
    assert suspected("a1-1", "a2-2", "a3-3", "a4-4", "a5-5", blank=0) is None
    assert suspected(*["9" * 5000] * 6, blank=0) is None


def test_the_suspicion_names_the_rows() -> None:
    problem = suspicion([(2, 9), (3, 60), (4, 61), (5, 62), (7, 63), (8, 64)], blank=0, blank_above=0)
    assert problem
    assert problem.sentence.startswith("To User ID rises or falls by one in 5 rows, from row 3 on.")
