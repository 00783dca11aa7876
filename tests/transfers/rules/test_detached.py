"""Rows that stay, without their reference, when the row that they refer to is deleted."""

from dataclasses import replace

import pytest

from tests.apps.smallapp import models as small
from tests.transfers.rules import featured, running
from tests.transfers.rules.featured import change, model_of, put, refusal, to
from tests.transfers.rules.meddling import meddle, refused
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from tests.transfers.rules.test_children import S, T, U, V, X, discarded, parents_of, rows, run
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.stage import compile_plans
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.models import JournalEntry
from transfers.rules import Child, Combine, DataType, Max, Merge, keeping_target


@pytest.fixture
def ticket() -> DataType:
    return running.type_of("smallapp_ticket")


@pytest.fixture
def room() -> DataType:
    return running.type_of("smallapp_room")


def test_a_ticket_that_refers_to_an_overwritten_one_stays(people: People, ticket: DataType) -> None:
    """Ticket 3 of X and ticket 4 of S refer to ticket 2 of T, which is deleted; ticket 5 of T is deleted too."""
    ran = run(
        people,
        ticket,
        {
            "smallapp_ticket": rows(
                "owner_id v merged_to_id blocked_by_id",
                *((S, 1, None, None), (T, 2, None, None), (X, 3, 2, 2), (S, 4, 2, 1), (T, 5, 2, None)),
            ),
            "smallapp_ticketentry": rows("ticket_id mentions_id", (2, 1), (3, 2), (3, 4), (2, 2)),
            "smallapp_ticketnote": rows("entry_id", (1,), (2,)),
        },
    )
    assert parents_of(ran, "smallapp_ticket", "merged_to_id") == {1: None, 3: None, 4: None}
    assert parents_of(ran, "smallapp_ticket", "blocked_by_id") == {1: None, 3: None, 4: 1}
    assert parents_of(ran, "smallapp_ticketentry", "mentions_id") == {2: None, 3: 4}
    assert parents_of(ran, "smallapp_ticketnote", "entry_id") == {1: None, 2: 2}
    numbers = {"source": 2, "target": 2, "moved": 2, "replaced": 2, "detached": 5}
    numbers |= {"children": 2, "replaced_children": 2}
    assert ran.counts == {0: {"smallapp.ticket": numbers}}


def test_the_journal_has_the_reference(people: People, ticket: DataType) -> None:
    tickets = rows(
        "owner_id v merged_to_id blocked_by_id", (S, 1, None, None), (T, 2, None, None), (X, 3, 2, None)
    )
    running.insert("smallapp_ticket", people.spell(tickets))
    before = rows_as_text([ticket])
    with running.only(ticket):
        ran = running.run_pairs(people.by, people.pairs, [ticket])
    [entry] = JournalEntry.objects.filter(transfer_id=ran.transfer_id, what="detached")
    assert (entry.table, entry.keys, entry.columns) == ("smallapp_ticket", ["(3)"], ["merged_to_id"])
    assert (entry.before, entry.after) == (["(2)"], ["()"])
    restore(ran.transfer_id)
    assert rows_as_text([ticket]) == before


def test_a_tree_of_which_one_room_is_dropped(people: People, room: DataType) -> None:
    """T's room 2 hangs below S's room 1, which is dropped for it: it must not become its own parent."""
    ran = run(
        people,
        room,
        {
            "smallapp_room": rows(
                "owner_id k parent_id", (S, 1, None), (T, 1, 1), (S, 2, 1), (X, 1, 1), (X, 2, 2)
            ),
            "smallapp_roomkey": rows("room_id", (1,), (2,), (3,)),
        },
    )
    assert parents_of(ran, "smallapp_room", "parent_id") == {2: None, 3: None, 4: None, 5: 2}
    assert parents_of(ran, "smallapp_roomkey", "room_id") == {1: 2, 2: 2, 3: 3}
    assert discarded(ran) == [("smallapp_room", "dropped", 1)]
    assert ran.counts[0]["smallapp.room"]["detached"] == 3


@pytest.mark.parametrize("table", ["smallapp_room", '"public"."smallapp_room"'])
def test_a_room_into_which_another_one_is_merged_that_it_belonged_to(
    people: People, room: DataType, table: str
) -> None:
    """The room that is kept is another version of its row when its reference is cleared."""
    below = model_of(table, parent=to(small.Room, null=True))
    children = (Child(below, "parent", detached=True), *room.children[1:])
    entry = replace(room, rule=Combine(Merge({"k": Max()})), children=children)
    put(people, "smallapp_room", ("S", 1, None), ("T", 1, 1), columns="owner k parent")
    ran = featured.run(people, entry)
    assert ran.counts[0][entry.key] == {"source": 1, "target": 1, "merged": 1, "detached": 1}
    assert parents_of(ran, "smallapp_room", "parent_id") == {2: None}


def test_a_row_below_rows_of_two_pairs_counts_for_each(people: People) -> None:
    change("ALTER TABLE smallapp_dealline ALTER deal_id DROP NOT NULL")
    deal = replace(running.type_of("smallapp_deal"), children=(Child(small.DealLine, "deal", detached=True),))
    ran = run(
        people,
        deal,
        {
            "smallapp_deal": rows("seller_id buyer_id k n", (S, U, 1, 1), (T, V, 1, 2)),
            "smallapp_dealline": rows("deal_id", (1,), (2,)),
        },
    )
    assert parents_of(ran, "smallapp_dealline", "deal_id") == {1: None, 2: 2}
    numbers = {"source": 1, "target": 1, "dropped": 1, "detached": 1}
    assert ran.counts == {0: {"smallapp.deal": numbers}, 1: {"smallapp.deal": numbers}}


def test_late_arrivals_detach_too(people: People, ticket: DataType) -> None:
    children = keeping_target(ticket).children
    assert [child.detached for child in children] == [child.detached for child in ticket.children]
    assert not any(child.detached and child.goes_with_parent for child in children)


def test_rows_of_another_data_type_are_detached_and_move(people: People, ticket: DataType) -> None:
    """The other type loses no rows, so the two may change the same row in any order."""
    errand = running.type_of("smallapp_errand")
    world = {
        "smallapp_ticket": rows("owner_id v", (S, 1), (T, 2)),
        "smallapp_errand": rows("owner_id ticket_id", (S, 2), (X, 2), (T, 1)),
    }
    for table, lines in world.items():
        running.insert(table, people.spell(lines))
    before = rows_as_text([ticket])
    with running.only(ticket, errand):
        ran = running.run_pairs(people.by, people.pairs, [ticket])
    assert ran.counts == ran.predicted
    assert ran.counts[0]["smallapp.ticket"]["detached"] == 2
    assert ran.counts[0]["smallapp.errand"] == {"source": 1, "target": 1, "moved": 1}
    assert parents_of(ran, "smallapp_errand", "ticket_id") == {1: None, 2: None, 3: 1}
    restore(ran.transfer_id)
    assert rows_as_text([ticket]) == before


def test_a_trigger_that_gives_a_detached_record_to_somebody_else(people: People, ticket: DataType) -> None:
    errand = running.type_of("smallapp_errand")
    for table, lines in {
        "smallapp_ticket": rows("owner_id v", (S, 1), (T, 2)),
        "smallapp_errand": rows("owner_id ticket_id", (X, 2)),
    }.items():
        running.insert(table, people.spell(lines))
    meddle(
        "smallapp_errand",
        "BEFORE UPDATE",
        f"IF NEW.ticket_id IS NULL THEN NEW.owner_id := {people['O'].pk}; END IF; RETURN NEW;",
    )
    assert "do not have the values" in refused(people, ticket, errand)


def test_a_reference_that_may_not_be_empty_stops_the_start(db: None) -> None:
    change("ALTER TABLE smallapp_errand ALTER ticket_id SET NOT NULL")
    assert "ticket_id is NOT NULL" in refusal("transfers.E104")


DOMAIN = "CREATE DOMAIN given AS bigint NOT NULL; ALTER TABLE smallapp_errand ALTER ticket_id TYPE given"


@pytest.mark.parametrize("statements", ["ALTER TABLE smallapp_errand ALTER ticket_id SET NOT NULL", DOMAIN])
def test_a_reference_that_must_not_be_empty_since_the_confirmation(
    people: People, ticket: DataType, statements: str
) -> None:
    change(statements)
    running.insert("smallapp_ticket", people.spell(rows("owner_id v", (S, 1), (T, 2))))
    with running.only(ticket), pytest.raises(CannotCompile, match="ticket_id is NOT NULL"):
        running.run_pairs(people.by, people.pairs, [ticket])


@pytest.mark.parametrize(
    "more", [{"goes_with_parent": True}, {"children": (Child(small.TicketNote, "entry"),)}]
)
def test_rows_that_stay_take_nothing_with_them(ticket: DataType, db: None, more: dict) -> None:
    child = Child(small.TicketEntry, "mentions", detached=True, **more)
    with (
        running.only(replace(ticket, children=(child,))),
        pytest.raises(CannotCompile, match="stay if they are detached"),
    ):
        compile_plans()


def test_a_trigger_that_writes_another_reference(people: People, ticket: DataType) -> None:
    change("""
        CREATE FUNCTION other_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN NEW.ticket_id = 1; RETURN NEW; END $$;
        CREATE TRIGGER other_ticket BEFORE UPDATE ON smallapp_errand FOR EACH ROW EXECUTE FUNCTION other_ticket();
    """)
    running.insert("smallapp_ticket", people.spell(rows("owner_id v", (S, 1), (T, 2))))
    running.insert("smallapp_errand", people.spell(rows("owner_id ticket_id", (X, 2))))
    with running.only(ticket), pytest.raises(TotalsMismatch, match="do not have the values"):
        running.run_pairs(people.by, people.pairs, [ticket])


@pytest.mark.parametrize("name", ["note.keyed", "note >> keyed", "1 note", "smallapp_keyed > note"])
def test_a_table_that_is_named_like_a_note_in_the_work_table(people: People, name: str) -> None:
    """Rows of one are deleted and rows of the other are detached, each under a name of its own."""
    change(f"""
        CREATE TABLE "{name}" (id bigint PRIMARY KEY, keyed_id bigint);
        CREATE TABLE note (id bigint PRIMARY KEY, keyed_id bigint);
    """)
    deleted = Child(model_of(name, keyed=to(small.Keyed)), "keyed", goes_with_parent=True)
    detached = Child(model_of("note", keyed=to(small.Keyed)), "keyed", detached=True)
    entry = replace(
        put(people, "smallapp_keyed", ("S", 1), ("T", 1), columns="owner k"), children=(deleted, detached)
    )
    running.insert(name, rows("keyed_id", (1,)))
    running.insert("note", rows("keyed_id", (1,), (1,)))
    ran = featured.run(people, entry)
    assert ran.counts[0][entry.key] == {"source": 1, "target": 1, "dropped": 1, "children": 1, "detached": 2}
