"""Rules in combination: several keys, several users per row, children, and every data type in one batch."""

import pytest
from django.db import IntegrityError, connection, models, transaction
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from accounts.models import User
from tests.apps.smallapp import models as small
from tests.fixtures.roles import as_owner
from tests.harness.oracle.world import World
from tests.transfers.rules import drawing, featured, running
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People, has_uuids
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.test_against_the_model import thoroughly
from tests.transfers.rules.test_children import S, T, U, V, X, discarded, parents_of, rows, run
from tests.transfers.rules.truth import Truth
from transfers.rules import Column, Combine, DataType, KeepSource

TRUTHS = [
    Truth(
        "the winner on one key loses on the next: the row that it had beaten stays",
        small.Album,
        "owner a b n",
        ("T 1 - 1", "same"),
        ("S 1 2 5", "dropped"),
        ("T - 2 9", "same"),
        s={"source": 1, "target": 2, "dropped": 1},
    ),
    Truth(
        "latest with two users: a replaced row counts for both targets it holds",
        small.Deal,
        "seller buyer k n",
        ("S X 1 2", "T X 1 2"),
        ("T V 1 1", "replaced SU"),
        s={"source": 1, "target": 1, "moved": 1, "replaced": 1},
        u={"target": 1, "replaced": 1},
    ),
    Truth(
        "latest with two users: the row with both sources counts for both",
        small.Deal,
        "seller buyer k n",
        ("S U 1 1", "dropped SU"),
        ("T X 1 2", "same"),
        ("X V 1 0", "same"),
        s={"source": 1, "target": 1, "dropped": 1},
        u={"source": 1, "target": 1, "dropped": 1},
    ),
    Truth(
        "keep source with two users: it replaces one row for each key",
        small.Bid,
        "seller buyer k",
        ("S U 1", "T V 1"),
        ("T X 1", "replaced"),
        ("X V 1", "replaced U"),
        ("T V 2", "same"),
        s={"source": 1, "target": 2, "moved": 1, "replaced": 1},
        u={"source": 1, "target": 2, "moved": 1, "replaced": 1},
    ),
    Truth(
        "best with two users",
        small.Contest,
        "seller buyer k level",
        ("S U 1 silver", "dropped SU"),
        ("T X 1 gold", "same"),
        ("S X 2 gold", "T X 2 gold"),
        ("T - 2 tin", "replaced"),
        s={"source": 2, "target": 2, "moved": 1, "dropped": 1, "replaced": 1},
        u={"source": 1, "dropped": 1},
    ),
    Truth(
        "merge with two keys: both into the last winner",
        small.Pot,
        "owner a b n words",
        ("S 1 8 1 s1", "merged"),
        ("S 9 1 2 s2", "merged"),
        ("S 7 7 4 s3", "T 7 7 4 s3"),
        ("T 1 1 10 t", "T 1 1 13 t;_s1;_s2"),
        s={"source": 3, "target": 1, "moved": 1, "merged": 2},
    ),
    Truth(
        "merge with two keys and two users: a row that was merged elsewhere merges none",
        small.Barter,
        "seller buyer k n",
        ("S V 1 1", "merged"),
        ("X U 1 2", "X V 1 2"),
        ("T X 1 4", "T X 1 5"),
        s={"source": 1, "target": 1, "merged": 1},
        u={"source": 1, "target": 1, "moved": 1},
    ),
    Truth(
        "merge of a row with two sources: counted for both, added once",
        small.Barter,
        "seller buyer k n",
        ("S U 1 5", "merged SU"),
        ("T X 1 1", "T X 1 6"),
        s={"source": 1, "target": 1, "merged": 1},
        u={"source": 1, "merged": 1},
    ),
    Truth(
        "merge into a row that moves too",
        small.Barter,
        "seller buyer k n",
        ("S X 1 1", "merged"),
        ("T U 1 2", "T V 1 3"),
        s={"source": 1, "target": 1, "merged": 1},
        u={"source": 1, "moved": 1},
    ),
    Truth(
        "a key of two users in any order",
        small.Friendship,
        "a_user b_user",
        ("S X", "dropped"),
        ("X T", "same"),
        ("O S", "O T"),
        ("S T", "dropped"),
        s={"source": 3, "target": 2, "moved": 1, "dropped": 2},
    ),
    Truth(
        "the document is the list",
        small.Panel,
        "users",
        ("[S,X,T]", "[T,X]"),
        ("S", "T"),
        ("[X,X]", "same"),
        s={"source": 2, "target": 1, "moved": 2},
    ),
    Truth(
        "two paths in one document",
        small.Brief,
        "document",
        ('{"by":S,"to":{"users":[U,X]},"n":1}', '{"by":T,"to":{"users":[V,X]},"n":1}'),
        ('{"by":X,"to":{"users":[S,T]}}', '{"by":X,"to":{"users":[T]}}'),
        ('{"by":[S],"to":[S]}', '{"by":[T],"to":[S]}'),
        s={"source": 3, "target": 1, "moved": 3},
        u={"source": 1, "moved": 1},
    ),
]


@pytest.mark.parametrize("truth", TRUTHS, ids=repr)
def test_several_rules(people: People, truth: Truth) -> None:
    truth.check(people)


def chain(length: int) -> World:
    """Return rows of T and S in turn, of which each loses to the one before, by one key and the other in turn."""
    owners = [(T, S)[number % 2] for number in range(length)]
    of_keys = (((number + 1) // 2, number // 2, -number) for number in range(length))
    return {
        "smallapp_album": rows(
            "owner_id a b n", *((who, *of) for who, of in zip(owners, of_keys, strict=True))
        )
    }


def test_of_a_chain_of_rows_every_other_one_stays(people: People) -> None:
    ran = run(people, running.type_of("smallapp_album"), chain(9))
    assert [row["id"] for row in ran.world["smallapp_album"]] == [1, 3, 5, 7, 9]


def test_a_chain_that_is_too_long_fails_the_pair(people: People) -> None:
    with pytest.raises(IntegrityError, match="album_"), transaction.atomic():
        run(people, running.type_of("smallapp_album"), chain(16))


def test_children_go_to_the_row_that_is_kept(people: People) -> None:
    ran = run(
        people,
        running.type_of("smallapp_album"),
        {
            "smallapp_album": rows("owner_id a b n", (T, 1, None, 1), (S, 1, 2, 5), (T, None, 2, 9)),
            "smallapp_photo": rows("album_id number label", (1, 1, 1), (2, 2, 2), (3, 3, 3)),
            "smallapp_phototag": rows("photo_id", (1,), (2,)),
        },
    )
    assert parents_of(ran, "smallapp_photo", "album_id") == {1: 1, 2: 3, 3: 3}
    assert discarded(ran) == [("smallapp_album", "dropped", 2)]


def test_a_child_stays_if_the_one_that_it_lost_to_has_lost(people: People) -> None:
    """Photo 1 is dropped in favour of photo 3 (same number), so photo 2, which has its label, is not."""
    ran = run(
        people,
        running.type_of("smallapp_album"),
        {
            "smallapp_album": rows("owner_id a b n", (S, 1, 5, 1), (S, 6, 1, 1), (T, 1, 1, 9)),
            "smallapp_photo": rows("album_id label number", (1, 1, 2), (2, 1, 3), (3, 9, 2)),
            "smallapp_phototag": rows("photo_id", (1,), (2,), (3,)),
        },
    )
    assert parents_of(ran, "smallapp_phototag", "photo_id") == {1: 3, 2: 2, 3: 3}
    assert ran.counts == {0: {"smallapp.album": {"source": 2, "target": 1, "dropped": 2, "children": 1}}}


def test_children_of_a_row_of_two_pairs_count_for_both(people: People) -> None:
    ran = run(
        people,
        running.type_of("smallapp_deal"),
        {
            "smallapp_deal": rows("seller_id buyer_id k n", (S, U, 1, 1), (T, V, 1, 2), (X, X, 1, 1)),
            "smallapp_dealline": rows("deal_id", (1,), (1,), (2,), (3,)),
        },
    )
    numbers = {"source": 1, "target": 1, "dropped": 1, "children": 2}
    assert ran.counts == {0: {"smallapp.deal": numbers}, 1: {"smallapp.deal": numbers}}
    assert len(ran.discarded) == 2 * (1 + 2)


# --- Every type at once --------------------------------------------------------------------------------------------


@st.composite
def worlds_of_all(draw: st.DrawFn) -> World:
    everything: World = {}
    for table in drawing.TABLES:
        if not has_uuids(running.type_of(table)):  # the external IDs of the same users are numbers
            everything |= draw(drawing.worlds(table))
    return everything


def test_types_do_not_affect_each_other(people: People) -> None:
    """The work table identifies rows by type and ctid, because rows of different tables can have equal ctids."""

    @settings(thoroughly, phases=[Phase.explicit, Phase.generate])  # shrinking an example takes minutes
    @given(worlds_of_all())
    def agree(world: World) -> None:
        with transaction.atomic():
            truncate(world)
            compare_all(people, world)
            transaction.set_rollback(True)

    agree()


def truncate(world: World) -> None:
    tables = ", ".join(f'"{table}"' for table in world)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"TRUNCATE {tables}")


def compare_all(people: People, world: World) -> None:
    for name, lines in world.items():
        running.insert(name, people.spell(lines))
    types = running.small_types()
    before = running.world_of_records(types)
    model = running.expected(before, people.pairs, people.users.values(), types)
    ran = running.run_pairs(people.by, people.pairs)
    assert ran.world == {name: running.in_order(after) for name, after in model.world.items()}
    assert ran.counts == ran.predicted == model.plain_counts()
    assert running.in_order(ran.discarded) == running.in_order(model.discarded)


@pytest.mark.parametrize("further", ["", "CREATE UNIQUE INDEX ON duty (deputy_id, day);"])
def test_a_replaced_row_counts_for_the_pairs_of_the_owners_in_keys(people: People, further: str) -> None:
    """T's duty, for which V is the deputy, is deleted for that of S; it counts for V if a key holds the deputy."""
    change(
        "CREATE TABLE duty (id bigint PRIMARY KEY, worker_id bigint, deputy_id bigint, day integer,"
        f" UNIQUE (worker_id, day)); {further}"
    )
    for number, worker, deputy in ((1, "S", "X"), (2, "T", "V"), (3, "U", "X")):
        execute(
            "INSERT INTO duty VALUES (%s, %s, %s, %s)",
            number,
            people[worker].pk,
            people[deputy].pk,
            number // 3,
        )
    model = model_of("duty", worker=to(User), deputy=to(User), day=models.IntegerField())
    owners = Column("worker"), Column("deputy")
    counts = featured.run(people, DataType("Duties", model, owners, Combine(KeepSource()), "Duties.")).counts
    replaced = {"source": 1, "target": 1, "moved": 1, "replaced": 1}
    assert counts[0]["smallapp.duty"] == replaced
    assert counts[1]["smallapp.duty"] == (replaced if further else {"source": 1, "target": 1, "moved": 1})
