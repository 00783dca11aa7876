"""Rows of different tables can have the same ctid, so a ctid alone does not identify a row."""

from django.db import models

from accounts.models import User
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.running import only, query, run_pairs
from tests.transfers.rules.test_children import Rows, S, T, X, discarded, parents_of, rows
from tests.transfers.rules.test_several_rules import truncate
from transfers.rules import Child, Column, Combine, DataType, KeepTarget


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


# --- Rows with the same place in another partition -------------------------------------------------------------------

BOOKS = """
CREATE TABLE book (id bigint, shelf integer, owner_id bigint, name text, PRIMARY KEY (id, shelf),
    UNIQUE (owner_id, name, shelf)) PARTITION BY LIST (shelf);
CREATE TABLE book_1 PARTITION OF book FOR VALUES IN (1);
CREATE TABLE book_2 PARTITION OF book FOR VALUES IN (2);
CREATE TABLE leaf (id bigint, book_id bigint, shelf integer, n integer, code integer,
    FOREIGN KEY (book_id, shelf) REFERENCES book (id, shelf),
"""
LEAVES = "PRIMARY KEY (id), UNIQUE (book_id, n))"
LEAVES_IN_PARTITIONS = """
PRIMARY KEY (id, shelf), UNIQUE (book_id, n, shelf), UNIQUE (book_id, code, shelf)) PARTITION BY LIST (shelf);
CREATE TABLE leaf_1 PARTITION OF leaf FOR VALUES IN (1);
CREATE TABLE leaf_2 PARTITION OF leaf FOR VALUES IN (2);
"""


def books(
    people: People, keys: str, *given: tuple[int, int, str], leaves: list[tuple[int, int, int, int, int]]
) -> DataType:
    """keys: those of the leaves. given: the number, shelf and owner of books of one name.

    leaves: the number, book and shelf of leaves, and two columns of their keys.
    """
    change(BOOKS + keys)
    number = models.IntegerField
    book = model_of("book", owner=to(User), name=models.TextField(), shelf=number())
    leaf = model_of("leaf", book=to(book), n=number(), code=number(), shelf=number())
    for key, shelf, letter in given:
        execute("INSERT INTO book VALUES (%s, %s, %s, 'same')", key, shelf, people[letter].pk)
    for values in leaves:
        execute("INSERT INTO leaf VALUES (%s, %s, %s, %s, %s)", *values)
    owners, rule = (Column("owner"),), Combine(KeepTarget())
    return DataType("Books", book, owners, rule, "Books.", children=(Child(leaf, "book"),))


def leaves_after(people: People, entry: DataType) -> dict[int, int]:
    """Return the book of each leaf that is left."""
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    return dict(query("SELECT ARRAY[id, book_id] FROM {}", "leaf"))


def test_children_of_a_parent_with_the_same_place_in_another_partition(people: People) -> None:
    """Book 3 has the same place as book 1, which loses. Its leaf would conflict with that of book 2."""
    entry = books(
        people,
        LEAVES,
        *((1, 1, "S"), (2, 1, "T"), (3, 2, "X")),
        leaves=[(1, 1, 1, 5, 5), (2, 2, 1, 6, 6), (3, 3, 2, 6, 6)],
    )
    assert leaves_after(people, entry) == {1: 2, 2: 2, 3: 3}


def test_a_lost_child_with_the_same_place_in_another_partition(people: People) -> None:
    """Leaf 1 is lost by its number. Leaf 3 has the same place, and is lost by its code."""
    entry = books(
        people,
        LEAVES_IN_PARTITIONS,
        *((1, 1, "S"), (2, 1, "T"), (3, 2, "S"), (4, 2, "T")),
        leaves=[(1, 1, 1, 5, 5), (2, 2, 1, 5, 6), (3, 3, 2, 5, 5), (4, 4, 2, 6, 5)],
    )
    assert leaves_after(people, entry) == {2: 2, 4: 4}
