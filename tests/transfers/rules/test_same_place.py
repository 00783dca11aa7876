"""Rows of different tables at the same place: their ctids are equal, and only the type tells them apart."""

from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.test_children import Rows, S, T, X, gone, parents_of, rows
from tests.transfers.rules.test_several_rules import from_the_first_place
from transfers.rules import DataType


def run_from_the_first_place(people: People, types: list[DataType], world: dict[str, Rows]) -> running.Ran:
    from_the_first_place(world)
    for table, lines in world.items():
        running.insert(table, people.spell(lines))
    before = running.world_of_records(types)
    model = running.expected(before, people.pairs, people.users.values(), types)
    ran = running.run_pairs(people.by, people.pairs, types)
    assert ran.world == {table: running.in_order(after) for table, after in model.world.items()}
    assert ran.counts == ran.foretold == model.plain_counts()
    return ran


def test_a_row_that_lost_is_not_taken_for_one_of_another_type_that_moves(people: People) -> None:
    names = ("smallapp_two", "smallapp_latecomer", "smallapp_counter", "smallapp_totals", "smallapp_twokeys")
    types = [running.type_of(table) for table in names]
    moving = rows("approver_id evaluator_id", *[(None, S)] * 4)
    latecomers = [(S, 1, 1, 1), (T, 1, 2, 2), (T, 2, 1, 0)]
    ran = run_from_the_first_place(
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
    assert gone(ran) == [
        ("smallapp_counter", "merged", 1),
        ("smallapp_latecomer", "dropped", 1),
        ("smallapp_twokeys", "dropped", 1),
        ("smallapp_twokeys", "dropped", 2),
    ]


def test_a_child_that_lost_is_not_taken_for_its_parent(people: People) -> None:
    """The second photo is at the place of the second album, which won; it loses to the photo at the first one's."""
    album = running.type_of("smallapp_album")
    ran = run_from_the_first_place(
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


def test_a_child_that_lost_is_not_taken_for_the_row_that_its_parent_was_merged_into(people: People) -> None:
    """The coin that loses is at the place of the pot that wins, which gets another one when it is written."""
    pot = running.type_of("smallapp_pot")
    ran = run_from_the_first_place(
        people,
        [pot],
        {
            "smallapp_pot": rows("owner_id a n words", (T, 1, 1, ""), (S, 1, 1, "")),
            "smallapp_potcoin": rows("pot_id number", (2, 1), (1, 1), (2, 2)),
        },
    )
    assert parents_of(ran, "smallapp_potcoin", "pot_id") == {2: 1, 3: 1}
    assert gone(ran) == [("smallapp_pot", "merged", 2), ("smallapp_potcoin", "dropped", 1)]
