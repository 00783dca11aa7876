"""Child rows move to the parent that is kept, are discarded with their parent, or are replaced with it."""

from dataclasses import replace
from typing import Any

import pytest

from tests.transfers.rules import running
from tests.transfers.rules.people import People, Who
from tests.transfers.rules.running import change_tables
from transfers.rules import Combine, DataType, Latest

S, T, U, V, X = (Who(letter) for letter in "STUVX")

Rows = list[dict[str, Any]]


def rows(columns: str, *lines: tuple[Any, ...]) -> Rows:
    """Return rows with these values and the IDs 1, 2, 3…"""
    names = columns.split()
    return [{"id": n, **dict(zip(names, line, strict=True))} for n, line in enumerate(lines, start=1)]


def run(people: People, entry: DataType, world: dict[str, Rows]) -> running.Ran:
    """Insert the rows, run the pairs, assert that the engine and the reference model agree, and return the result."""
    for table, before in world.items():
        running.insert(table, people.spell(before))
    before = running.world_of_records([entry])
    model = running.expected(before, people.pairs, people.users.values(), [entry])
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert ran.world == {table: running.in_order(after) for table, after in model.world.items()}
    assert ran.counts == ran.predicted == model.plain_counts()
    return ran


def parents_of(ran: running.Ran, table: str, column: str) -> dict[int, int]:
    return {row["id"]: row[column] for row in ran.world[table]}


def discarded(ran: running.Ran) -> list[tuple[str, str, int]]:
    return sorted((row.table, row.reason, row.row["id"]) for row in ran.discarded)


@pytest.fixture
def case() -> DataType:
    return running.type_of("smallapp_case")


@pytest.fixture
def plan() -> DataType:
    return running.type_of("smallapp_plan")


def test_c4_children_of_a_dropped_row_go_to_the_one_that_is_kept(people: People, case: DataType) -> None:
    ran = run(
        people,
        case,
        {
            "smallapp_case": rows("owner_id k", (S, 1), (T, 1), (X, 1)),
            "smallapp_casefile": rows("case_id number", (1, 1), (1, 2), (2, 3), (3, 1)),
            "smallapp_casepage": rows("file_id", (1,), (3,), (4,)),
        },
    )
    assert parents_of(ran, "smallapp_casefile", "case_id") == {1: 2, 2: 2, 3: 2, 4: 3}
    assert parents_of(ran, "smallapp_casepage", "file_id") == {1: 1, 2: 3, 3: 4}
    assert discarded(ran) == [("smallapp_case", "dropped", 1)]
    assert ran.counts == {0: {"smallapp.case": {"source": 1, "target": 1, "dropped": 1}}}


def test_a_child_that_conflicts_with_one_of_the_kept_row_is_dropped(people: People, case: DataType) -> None:
    ran = run(
        people,
        case,
        {
            "smallapp_case": rows("owner_id k", (S, 1), (T, 1)),
            "smallapp_casefile": rows("case_id number", (1, 1), (2, 1), (1, None), (2, None)),
        },
    )
    assert parents_of(ran, "smallapp_casefile", "case_id") == {2: 2, 3: 2, 4: 2}
    assert discarded(ran) == [("smallapp_case", "dropped", 1), ("smallapp_casefile", "children", 1)]
    assert ran.counts[0]["smallapp.case"] == {"source": 1, "target": 1, "dropped": 1, "children": 1}


def test_children_of_a_dropped_child_go_to_the_child_that_is_kept(people: People, case: DataType) -> None:
    ran = run(
        people,
        case,
        {
            "smallapp_case": rows("owner_id k", (S, 1), (T, 1)),
            "smallapp_casefile": rows("case_id number", (1, 1), (2, 1)),
            "smallapp_casepage": rows("file_id", (1,), (1,), (2,)),
        },
    )
    assert parents_of(ran, "smallapp_casepage", "file_id") == {1: 2, 2: 2, 3: 2}
    assert discarded(ran) == [("smallapp_case", "dropped", 1), ("smallapp_casefile", "children", 1)]


def test_children_that_go_with_their_parent_are_discarded_with_a_dropped_one(
    people: People, case: DataType
) -> None:
    ran = run(
        people,
        case,
        {
            "smallapp_case": rows("owner_id k", (S, 1), (T, 1), (S, 2)),
            "smallapp_casenote": rows("case_id text", (1, "a"), (1, "b"), (2, "c"), (3, "d")),
            "smallapp_casenotemark": rows("note_id", (2,), (3,)),
        },
    )
    assert parents_of(ran, "smallapp_casenote", "case_id") == {3: 2, 4: 3}
    assert discarded(ran) == [
        ("smallapp_case", "dropped", 1),
        ("smallapp_casenote", "children", 1),
        ("smallapp_casenote", "children", 2),
        ("smallapp_casenotemark", "children", 1),
    ]
    assert ran.counts[0]["smallapp.case"]["children"] == 3


def test_children_of_a_moved_row_stay_with_it(people: People, case: DataType) -> None:
    ran = run(
        people,
        case,
        {
            "smallapp_case": rows("owner_id k", (S, 1), (X, 1)),
            "smallapp_casefile": rows("case_id number", (1, 1), (2, 1)),
            "smallapp_casenote": rows("case_id text", (1, "a")),
        },
    )
    assert parents_of(ran, "smallapp_casefile", "case_id") == {1: 1, 2: 2}
    assert discarded(ran) == []


def test_children_of_a_replaced_row_go_to_the_row_of_the_source(people: People) -> None:
    ran = run(
        people,
        running.type_of("smallapp_sealed"),
        {
            "smallapp_sealed": rows("owner_id k", (S, 1), (T, 1)),
            "smallapp_sealedline": rows("sealed_id v", (1, 1), (2, 2)),
        },
    )
    assert parents_of(ran, "smallapp_sealedline", "sealed_id") == {1: 1, 2: 1}
    assert discarded(ran) == [("smallapp_sealed", "replaced", 2)]


def test_overwritten_rows_are_discarded_with_all_descendants(people: People, plan: DataType) -> None:
    ran = run(
        people,
        plan,
        {
            "smallapp_plan": rows("owner_id slot", (S, 1), (T, 1), (X, 1)),
            "smallapp_planstep": rows("plan_id v", (1, 0), (2, 0), (2, 1), (3, 0)),
            "smallapp_planstepmark": rows("step_id", (1,), (2,), (3,), (3,), (4,)),
        },
    )
    assert parents_of(ran, "smallapp_planstep", "plan_id") == {1: 1, 4: 3}
    assert parents_of(ran, "smallapp_planstepmark", "step_id") == {1: 1, 5: 4}
    assert len(discarded(ran)) == 1 + 2 + 3
    assert {(row.table, row.reason) for row in ran.discarded} == {
        ("smallapp_plan", "replaced"),
        ("smallapp_planstep", "children"),
        ("smallapp_planstepmark", "children"),
    }
    numbers = {"source": 1, "target": 1, "moved": 1, "replaced": 1, "children": 5, "replaced_children": 5}
    assert ran.counts == {0: {"smallapp.plan": numbers}}


def test_children_of_a_row_replaced_for_one_pair_and_dropped_for_another_are_discarded_once(
    people: People,
) -> None:
    ran = run(
        people,
        running.type_of("smallapp_shift"),
        {
            "smallapp_shift": rows("worker_id planner_id slot", (S, None, 1), (T, U, 2), (X, None, 2)),
            "smallapp_shiftbreak": rows("shift_id", (1,), (2,), (2,), (3,)),
        },
    )
    assert discarded(ran) == [
        ("smallapp_shift", "dropped", 2),
        ("smallapp_shift", "replaced", 2),
        ("smallapp_shiftbreak", "children", 2),
        ("smallapp_shiftbreak", "children", 3),
    ]
    numbers = {"source": 1, "target": 1, "moved": 1, "replaced": 1, "children": 2, "replaced_children": 2}
    assert ran.counts == {0: {"smallapp.shift": numbers}, 1: {"smallapp.shift": {"source": 1, "dropped": 1}}}


def test_children_of_replaced_and_of_dropped_rows_are_counted_apart(people: People, case: DataType) -> None:
    """Rows 3 of T and 7 of V are replaced, the others that lose are dropped; descendants count with them."""
    ran = run(
        people,
        replace(case, rule=Combine(on_clash=Latest("id"))),
        {
            "smallapp_case": rows(
                "owner_id k", (S, 1), (T, 1), (T, 2), (S, 2), (U, 1), (V, 1), (V, 2), (U, 2), (U, 3), (V, 3)
            ),
            "smallapp_casefile": rows("case_id number", (1, 1), (2, 1), (3, 1), (3, 2), (4, 1), (5, 1)),
            "smallapp_casenote": rows(
                "case_id text", *((parent, "a") for parent in (1, 1, 2, 3, 7, 7, 9, 9, 9))
            ),
            "smallapp_casenotemark": rows("note_id", (1,), (4,), (4,), (5,)),
        },
    )
    assert parents_of(ran, "smallapp_casefile", "case_id") == {2: 2, 4: 4, 5: 4, 6: 6}
    numbers = [of_pair["smallapp.case"] for _, of_pair in sorted(ran.counts.items())]
    found = [(one["replaced"], one["dropped"], one["children"], one["replaced_children"]) for one in numbers]
    assert found == [(1, 1, 8, 4), (1, 2, 6, 3)]
    assert len(discarded(ran)) == 2 + 8 + 3 + 6


def test_children_of_dropped_rows_alone_are_none_of_replaced_ones(people: People, case: DataType) -> None:
    cases = rows("owner_id k", (S, 1), (T, 1), (V, 1), (U, 1))
    notes = rows("case_id text", (1, "a"), (1, "b"), (3, "c"))
    entry = replace(case, rule=Combine(on_clash=Latest("id")))
    ran = run(people, entry, {"smallapp_case": cases, "smallapp_casenote": notes})
    numbers = {"source": 1, "target": 1, "dropped": 1, "children": 2}
    assert ran.counts[0] == {"smallapp.case": numbers}
    numbers = {"source": 1, "target": 1, "moved": 1, "replaced": 1, "children": 1, "replaced_children": 1}
    assert ran.counts[1] == {"smallapp.case": numbers}


def test_a_partial_key_of_a_child_covers_its_rows_only(people: People, case: DataType) -> None:
    running.change_tables("""
        DROP INDEX case_file_once;
        CREATE UNIQUE INDEX case_file_once ON smallapp_casefile (case_id, number) WHERE number > 1;
    """)
    files = rows("case_id number", (1, 1), (2, 1), (1, 2), (2, 2))
    cases = rows("owner_id k", (S, 1), (T, 1))
    for table, lines in {"smallapp_case": cases, "smallapp_casefile": files}.items():
        running.insert(table, people.spell(lines))
    with running.only(case):
        ran = running.run_pairs(people.by, people.pairs, [case])
    assert parents_of(ran, "smallapp_casefile", "case_id") == {1: 2, 2: 2, 4: 2}


def test_children_that_are_together_already_do_not_conflict(people: People, case: DataType) -> None:
    """PostgreSQL compares a key of the class record_image_ops byte by byte, but a statement compares it by value."""
    change_tables("""
        CREATE TYPE amount AS (n numeric);
        DROP INDEX case_file_once;
        ALTER TABLE smallapp_casefile ADD price amount;
        CREATE UNIQUE INDEX case_file_once ON smallapp_casefile (case_id, price record_image_ops);
    """)
    running.insert("smallapp_case", people.spell(rows("owner_id k", (S, 1), (T, 1))))
    files = rows("case_id price", (2, {"n": "1.0"}), (2, {"n": "1.00"}), (1, {"n": "7"}))
    running.insert("smallapp_casefile", files)
    with running.only(case):
        ran = running.run_pairs(people.by, people.pairs, [case])
    assert ran.counts == ran.predicted
    assert parents_of(ran, "smallapp_casefile", "case_id") == {1: 2, 2: 2, 3: 2}
