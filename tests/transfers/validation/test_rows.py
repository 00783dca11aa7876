"""Problems within a row and between rows (docs/csv-cases.md, 31-44). These tests use no database."""

import pytest

from tests.transfers.validation.checking import checked, codes, facts, sentences
from transfers.people_csv import FROM_USER_ID, TO_USER_ID
from transfers.validation import CandidateRow, check_rows

# --- One row -------------------------------------------------------------------------------------------------------


def test_a_good_row_has_no_problems() -> None:
    assert checked((18, 19))[2] == []


@pytest.mark.parametrize(("pair", "column"), [((7000777, 19), FROM_USER_ID), ((18, 7000777), TO_USER_ID)])
def test_unknown_users_are_named_by_id_and_column(pair: tuple[int, int], column: str) -> None:
    (problem,) = checked(pair)[2]
    assert (problem.code, problem.sentence) == ("unknown-user", "No user has the ID 7000777.")
    assert (problem.row, problem.column, problem.value) == (2, column, "7000777")


def test_a_blank_cell_beside_a_filled_one_is_an_error() -> None:
    rows = [
        CandidateRow(33, None, 19, has_source=False),
        CandidateRow(34, 18, None, has_target=False),
    ]
    found = check_rows(rows, facts(u19={"is_active": True}))
    assert [codes(found[number]) for number in (33, 34)] == [["no-from-user-id"], ["no-to-user-id"]]


def test_a_cell_with_unreadable_text_is_not_blank() -> None:
    assert check_rows([CandidateRow(2, 18, None)], facts())[2] == []


def test_source_and_target_are_the_same_user() -> None:
    assert "Source and target are the same user (19)." in sentences(checked((19, 19)), "same-user")[2]


@pytest.mark.parametrize("pair", [(18, 19), (19, 18)])
@pytest.mark.parametrize(
    ("fact", "code"),
    [({"is_tenant_administrator": True}, "tenant-administrator"), ({"busy_in": 7}, "user-busy")],
)
def test_some_users_can_be_neither_source_nor_target(pair: tuple[int, int], fact: dict, code: str) -> None:
    assert codes(checked(pair, u18=fact)[2]) == [code]


@pytest.mark.parametrize("pair", [(1, 19), (19, 1)])
def test_the_acting_person_can_be_neither_source_nor_target(pair: tuple[int, int]) -> None:
    assert codes(checked(pair)[2]) == ["acting-person"]


def test_only_a_source_must_not_have_a_wider_view() -> None:
    beyond = {"reaches_beyond": True}
    assert codes(checked((18, 19), u18=beyond)[2]) == ["view-reaches-beyond"]
    assert checked((19, 18), u18=beyond)[2] == []


def test_activity_is_only_a_warning() -> None:
    found = check_rows([CandidateRow(2, 18, 19)], facts(u18={"is_active": True}))[2]
    assert codes(found) == ["active-source", "inactive-target"]
    assert not any(problem.severity.blocks for problem in found)


def test_a_name_that_belongs_to_another_id() -> None:
    row = CandidateRow(45, 18, 19, first_name="Ana", last_name="Díaz")
    found = check_rows([row], facts(u18={"first_name": "Omar", "last_name": "Said"}))
    assert sentences(found, "name-of-another-user") == {
        45: "The name in row 45 does not match user 18: the row says “Ana Díaz”, but the user is “Omar Said”."
    }


def test_the_name_in_a_swapped_row_belongs_to_the_target() -> None:
    row = CandidateRow(45, 18, 19, first_name="Omar", last_name="Said", named=TO_USER_ID)
    assert codes(check_rows([row], facts(u19={"first_name": "Omar", "last_name": "Said"}))[45]) == [
        "inactive-target"
    ]
    assert "name-of-another-user" in codes(check_rows([row], facts())[45])


# --- Rows among each other -----------------------------------------------------------------------------------------


def test_a_repeated_pair_runs_once() -> None:
    found = checked((18, 19), (20, 21), (18, 19), (18, 19))
    assert sentences(found, "repeated-row") == {
        4: "Row 4 repeats row 2. This pair will be transferred once.",
        5: "Row 5 repeats row 2. This pair will be transferred once.",
    }
    assert not any(problem.severity.blocks for problems in found.values() for problem in problems)


def test_one_source_two_targets_is_reported_on_every_row() -> None:
    found = checked((18, 19), (20, 21), (18, 22))
    sentence = "User 18's data can go to one user only (rows 2 and 4)."
    assert sentences(found, "one-source-two-targets") == {2: sentence, 4: sentence}
    assert [problem.row for number in (2, 4) for problem in found[number]] == [2, 4]


def test_two_sources_one_target_is_reported_on_every_row() -> None:
    found = checked((18, 19), (20, 19), (30, 31))
    assert list(sentences(found, "two-sources-one-target")) == [2, 3]
    assert "Users 18 and 20 have the same Target User (19)" in sentences(found, "two-sources-one-target")[2]


def test_many_rows_are_named_up_to_ten() -> None:
    found = checked(*((source, 99) for source in range(10, 30)))
    sentence = sentences(found, "two-sources-one-target")[2]
    assert "Users 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and 10 more have" in sentence
    assert "(rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 10 more)" in sentence


@pytest.mark.parametrize("pairs", [[(18, 19), (19, 20)], [(19, 20), (18, 19)]])
def test_a_chain_is_reported_on_every_row_in_either_order(pairs: list[tuple[int, int]]) -> None:
    sentence = "These rows depend on each other: 18 → 19 → 20."
    assert sentences(checked(*pairs), "chain") == {2: sentence, 3: sentence}


def test_a_cycle_of_two() -> None:
    assert sentences(checked((18, 19), (19, 18)), "chain") == {
        2: "These rows depend on each other: 18 → 19 → 18.",
        3: "These rows depend on each other: 19 → 18 → 19.",
    }


def test_a_cycle_of_three() -> None:
    found = checked((18, 19), (20, 18), (19, 20), (30, 31))
    assert list(sentences(found, "chain")) == [2, 3, 4]
    assert sentences(found, "chain")[2].endswith("18 → 19 → 20 → 18.")


def test_a_path_into_a_cycle() -> None:
    found = checked((17, 18), (18, 19), (19, 18))
    assert sentences(found, "chain")[2].endswith(": 17 → 18 → 19 → 18.")


def test_the_path_of_a_row_includes_that_row_where_paths_fork() -> None:
    found = checked((18, 19), (18, 21), (19, 20))
    assert sentences(found, "chain")[2].endswith(": 18 → 19 → 20.")
    assert sentences(found, "chain")[4].endswith(": 18 → 19 → 20.")
    assert "chain" not in codes(found[3])


def test_a_long_path_is_shown_around_each_row() -> None:
    found = sentences(checked(*((number, number + 1) for number in range(10, 60))), "chain")
    assert len(found) == 50
    assert found[2].endswith(": 10 → 11 → 12 → 13 → 14 → 15 → 16 → 17 → 18 → 19 → ….")
    assert ": … → 22 → 23 → 24" in found[22]
    assert " → 30 → 31 → " in found[22]


def test_rows_without_two_users_are_not_linked() -> None:
    rows = [
        CandidateRow(2, 18, 19),
        CandidateRow(3, 19, None),
        CandidateRow(4, None, 18),
        CandidateRow(5, 18, 18),
    ]
    found = check_rows(rows, facts(u19={"is_active": True}))
    assert found[2] == []


# --- All at once ---------------------------------------------------------------------------------------------------


def test_seven_kinds_of_bad_rows_in_one_answer() -> None:
    found = checked(
        (7000777, 19),  # an unknown source
        (20, 20),  # the same user twice
        (21, 22),  # a tenant administrator as target
        (23, 1),  # the acting person as target
        (24, 25),  # a source with a wider view than the acting person
        (30, 31),  # one source, two targets
        (30, 32),
        (40, 41),  # user 41 is both target and source
        (41, 42),
        (50, 51),  # a user in a running transfer
        u22={"is_tenant_administrator": True},
        u24={"reaches_beyond": True},
        u51={"busy_in": 7},
    )
    assert [codes(found[number])[0] for number in range(2, 12)] == [
        "unknown-user",
        "same-user",
        "tenant-administrator",
        "acting-person",
        "view-reaches-beyond",
        "one-source-two-targets",
        "one-source-two-targets",
        "chain",
        "chain",
        "user-busy",
    ]
