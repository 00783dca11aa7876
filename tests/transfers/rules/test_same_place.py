"""Rows of different tables can have the same ctid, so a ctid alone does not identify a row."""

from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.test_children import Rows, S, T, X, discarded, parents_of, rows
from tests.transfers.rules.test_several_rules import truncate
from transfers.rules import DataType


def run_in_empty_tables(people: People, types: list[DataType], world: dict[str, Rows]) -> running.Ran:
    truncate(world)
    for table, lines in world.items():
        running.insert(table, people.spell(lines))
    before = running.world_of_records(types)
    model = running.expected(before, people.pairs, people.users.values(), types)
    ran = running.run_pairs(people.by, people.pairs, types)
    assert ran.world == {table: running.in_order(after) for table, after in model.world.items()}
    assert ran.counts == ran.predicted == model.plain_counts()
    return ran


def test_a_lost_row_is_not_confused_with_a_moving_row_of_another_type(people: People) -> None:
    names = ("smallapp_two", "smallapp_latecomer", "smallapp_counter", "smallapp_totals", "smallapp_twokeys")
    types = [running.type_of(table) for table in names]
    moving = rows("approver_id evaluator_id", *[(None, S)] * 4)
    latecomers = [(S, 1, 1, 1), (T, 1, 2, 2), (T, 2, 1, 0)]
    ran = run_in_empty_tables(
        people,
        types,
        {
            "smallapp_two": moving,
            "smallapp_latecomer": rows("owner_id colour size n", *latecomers),
            "smallapp_counter": rows("owner_id day n", (S, 1, 5), (T, 1, 1)),
            "smallapp_totals": rows("owner_id k medium", (X, 1, 1), (X, 2, 1), (X, 3, 1)),
            "smallapp_twokeys": rows("owner_id a b", (S, 1, 1), (S, 2, 2), (T, 1, 2), (X, 1, 2)),
        },
    )
    assert running.query("SELECT ctid::text FROM {} WHERE id = 4", "smallapp_twokeys") == ["(0,4)"]
    assert discarded(ran) == [
        ("smallapp_counter", "merged", 1),
        ("smallapp_latecomer", "dropped", 1),
        ("smallapp_twokeys", "dropped", 1),
        ("smallapp_twokeys", "dropped", 2),
    ]


def test_a_lost_child_is_not_confused_with_a_parent(people: People) -> None:
    """Photo 2, which is dropped in favour of photo 1, has the same ctid as album 2, which is kept."""
    album = running.type_of("smallapp_album")
    ran = run_in_empty_tables(
        people,
        [album],
        {
            "smallapp_album": rows("owner_id a b n", (S, 1, None, 1), (T, 1, None, 9)),
            "smallapp_photo": rows("album_id number label", (2, 1, 1), (1, 1, 2), (1, 7, 7)),
            "smallapp_phototag": rows("photo_id", (1,), (2,), (3,)),
        },
    )
    assert parents_of(ran, "smallapp_photo", "album_id") == {1: 2, 3: 2}
    assert parents_of(ran, "smallapp_phototag", "photo_id") == {1: 1, 2: 1, 3: 3}


def test_a_lost_child_is_not_confused_with_the_row_its_parent_was_merged_into(people: People) -> None:
    """The dropped coin has the same ctid as the kept pot, whose ctid changes when it is updated."""
    pot = running.type_of("smallapp_pot")
    ran = run_in_empty_tables(
        people,
        [pot],
        {
            "smallapp_pot": rows("owner_id a n words", (T, 1, 1, ""), (S, 1, 1, "")),
            "smallapp_potcoin": rows("pot_id number", (2, 1), (1, 1), (2, 2)),
        },
    )
    assert parents_of(ran, "smallapp_potcoin", "pot_id") == {2: 1, 3: 1}
    assert discarded(ran) == [("smallapp_pot", "merged", 2), ("smallapp_potcoin", "children", 1)]
