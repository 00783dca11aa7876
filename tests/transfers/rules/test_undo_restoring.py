"""How an undo writes: sums, domains, foreign keys and triggers that are in the way of the rows that return."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from tests.fixtures.roles import as_owner
from tests.transfers.rules.featured import change, put
from tests.transfers.rules.meddling import meddle
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import insert, only, rows_of, run_pairs, type_of, undo_all
from tests.transfers.rules.test_undo import run_after_leaving
from transfer_site.run.embedded import APPLICATION
from transfers.engine.failures.reasons import explain
from transfers.models import PairState, UndoConflict


def arrive(people: People, table: str, row: dict[str, Any]) -> int:
    """Move a late arrival of S, and return the ID of the transfer."""
    insert(table, [{"owner_id": people["S"].pk, **row}])
    with only(type_of(table)):
        return run_pairs(people.by, people.pairs[:1], [type_of(table)], late=True).transfer_id


# --- Sums ------------------------------------------------------------------------------------------------------------


def test_a_sum_that_was_null_keeps_what_was_added_since(people: People) -> None:
    put(people, "smallapp_totals", ("T", 1, None), ("S", 1, 5), columns="owner k medium")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_totals")
    execute("UPDATE smallapp_totals SET medium = medium + 2")
    [pair] = undo_all(made)
    assert (pair.state, (pair.counts or {})["smallapp.totals"]["added"]) == (PairState.SUCCEEDED, 1)
    assert {row["id"]: row["medium"] for row in rows_of("smallapp_totals")} == {1: 2, 2: 5}


def test_what_was_added_stays_with_the_sum_if_the_row_cannot_have_its_key_back(people: People) -> None:
    """The sum took T's row out of the partial key, which another row of T has now. S's row would be there twice."""
    change(
        "DROP INDEX counter_once; CREATE UNIQUE INDEX counter_once ON smallapp_counter (owner_id, day) WHERE n < 10"
    )
    put(people, "smallapp_counter", ("S", 1, 5), ("T", 1, 7), columns="owner day n")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_counter")
    insert("smallapp_counter", [{"id": 3, "owner_id": people["T"].pk, "day": 1, "n": 1}])
    [pair] = undo_all(made, leave_changed=True)
    left = UndoConflict.objects.filter(pair=pair).order_by("key")
    assert [(row.key, row.why) for row in left] == [("(1)", "folded"), ("(2)", "key taken")]
    assert {row["id"]: row["n"] for row in rows_of("smallapp_counter")} == {2: 12, 3: 1}


def test_a_row_returns_whose_sum_was_deleted_since(people: People) -> None:
    """What it brought is nowhere else."""
    put(people, "smallapp_counter", ("S", 1, 5), ("T", 1, 7), columns="owner day n")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_counter")
    execute("DELETE FROM smallapp_counter")
    [pair] = undo_all(made, leave_changed=True)
    assert [(row.key, row.why) for row in UndoConflict.objects.filter(pair=pair)] == [("(2)", "deleted")]
    assert {row["id"]: row["n"] for row in rows_of("smallapp_counter")} == {1: 5}


def test_a_sum_of_durations(people: People) -> None:
    change("ALTER TABLE smallapp_totals ALTER large TYPE interval USING make_interval(secs => large)")
    put(people, "smallapp_totals", ("T", 1, None), ("S", 1, "00:05:00"), columns="owner k large")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_totals")
    execute("UPDATE smallapp_totals SET large = large + '2 minutes'")
    undo_all(made)
    assert {row["id"]: row["large"] for row in rows_of("smallapp_totals")} == {1: "00:02:00", 2: "00:05:00"}


POT = "owner a b n"


def test_what_each_of_two_transfers_added_is_subtracted_once(people: People) -> None:
    """T's row has both keys. S's row has one of them, and its late arrival the other."""
    put(people, "smallapp_pot", ("T", 1, 1, 10), ("S", 1, None, 5), columns=POT)
    first = run_after_leaving(people, people.pairs[:1], "smallapp_pot")
    late = arrive(people, "smallapp_pot", {"id": 3, "b": 1, "n": 3, "words": ""})
    execute("UPDATE smallapp_pot SET n = n + 2")
    assert numbers() == {1: 10 + 5 + 3 + 2}
    restore(first, late)
    assert numbers() == {1: 10 + 2, 2: 5, 3: 3}


def numbers() -> dict[int, int]:
    return {row["id"]: row["n"] for row in rows_of("smallapp_pot")}


def test_what_a_row_added_stays_if_the_row_cannot_return(people: People) -> None:
    """T's row has the sum of three, of which S's two rows stay deleted together. V's row is not concerned."""
    rows = ("T", 1, 1, 10), ("S", 1, None, 5), ("S", None, 1, 3), ("V", 1, 1, 10), ("U", 1, None, 5)
    put(people, "smallapp_pot", *rows, columns=POT)
    made = run_after_leaving(people, people.pairs, "smallapp_pot")
    insert("smallapp_pot", [{"id": 9, "owner_id": people["S"].pk, "a": 1, "n": 7, "words": ""}])
    execute("UPDATE smallapp_pot SET n = n + 2 WHERE id = 1")
    pairs = undo_all(made, leave_changed=True)
    assert numbers() == {1: 10 + 5 + 3 + 2, 4: 10, 5: 5, 9: 7}
    left = UndoConflict.objects.filter(pair__in=pairs).order_by("key")
    assert [(row.key, row.why) for row in left] == [
        ("(1)", "folded"),
        ("(2)", "key taken"),
        ("(3)", "folded"),
    ]


def test_what_a_row_added_stays_if_the_sum_was_reduced_since(people: People) -> None:
    put(people, "smallapp_pot", ("T", 1, 1, 10), ("S", 1, None, 5), columns=POT)
    made = run_after_leaving(people, people.pairs[:1], "smallapp_pot")
    execute("UPDATE smallapp_pot SET n = n - 3")
    [pair] = undo_all(made, leave_changed=True)
    assert numbers() == {1: 10 + 5 - 3}
    left = UndoConflict.objects.filter(pair=pair).order_by("key")
    assert [(row.key, row.why) for row in left] == [("(1)", "changed"), ("(2)", "folded")]


def test_a_sum_whose_type_cannot_hold_what_is_left(people: People) -> None:
    put(people, "smallapp_totals", ("T", 1, 30000), ("S", 1, -20000), columns="owner k small")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_totals")
    execute("UPDATE smallapp_totals SET small = small + 15000")
    [pair] = undo_all(made)
    assert pair.reason.startswith("1 record cannot be given back.")


def test_what_a_trigger_noted_at_each_of_two_changes_is_as_before_both(people: People) -> None:
    pot = put(people, "smallapp_pot", ("T", 1, 1, 10), ("S", 1, None, 5), columns=POT)
    change("ALTER TABLE smallapp_pot ADD changes integer NOT NULL DEFAULT 0")
    meddle("smallapp_pot", "BEFORE UPDATE", "NEW.changes = OLD.changes + 1; RETURN NEW;")
    before = rows_as_text([pot])
    first = run_after_leaving(people, people.pairs[:1], "smallapp_pot")
    late = arrive(people, "smallapp_pot", {"id": 3, "b": 1, "n": 3, "words": ""})
    change("DROP TRIGGER meddler ON smallapp_pot")
    restore(first, late)
    execute("DELETE FROM smallapp_pot WHERE id = 3")
    assert rows_as_text([pot]) == before


# --- Types and keys of the table -------------------------------------------------------------------------------------


def test_a_domain_that_is_not_null(people: People) -> None:
    """Moved rows have no value of the column in the journal, folded rows no owner."""
    change("CREATE DOMAIN amount AS integer NOT NULL; ALTER TABLE smallapp_counter ALTER n TYPE amount")
    counter = put(people, "smallapp_counter", ("T", 1, 10), ("S", 1, 5), ("S", 2, 5), columns="owner day n")
    before = rows_as_text([counter])
    restore(run_after_leaving(people, people.pairs, "smallapp_counter"))
    assert rows_as_text([counter]) == before


def test_a_column_that_was_added_between_two_transfers(people: People) -> None:
    """The row that was deleted before gets its default, and the one that was deleted later its value."""
    put(people, "smallapp_keyed", ("T", 1, 0), ("S", 1, 0), ("T", 2, 0), columns="owner k v")
    first = run_after_leaving(people, people.pairs[:1], "smallapp_keyed")
    change("ALTER TABLE smallapp_keyed ADD extra integer NOT NULL DEFAULT 7")
    late = arrive(people, "smallapp_keyed", {"id": 4, "k": 2, "v": 0, "extra": 8})
    restore(first, late)
    assert {row["id"]: row["extra"] for row in rows_of("smallapp_keyed")} == {1: 7, 2: 7, 3: 7, 4: 8}


def test_a_required_column_that_was_added_without_a_default(people: People) -> None:
    """Django adds columns in this way."""
    put(people, "smallapp_keyed", ("T", 1, 0), ("S", 1, 0), ("S", 2, 0), columns="owner k v")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_keyed")
    change("ALTER TABLE smallapp_keyed ADD extra integer NOT NULL DEFAULT 7")
    change("ALTER TABLE smallapp_keyed ALTER extra DROP DEFAULT")
    [pair] = undo_all(made)
    assert pair.reason.startswith("1 record cannot be given back.")
    [pair] = undo_all(made, leave_changed=True)
    assert {row["id"]: row["owner_id"] for row in rows_of("smallapp_keyed")} == {
        1: people["T"].pk,
        3: people["S"].pk,
    }
    assert [row.why for row in UndoConflict.objects.filter(pair=pair)] == ["other columns"]


def test_a_generated_column_that_fails_for_a_record_that_returns(people: People) -> None:
    """The preview says nothing of it, and the table refuses the pair."""
    put(people, "smallapp_keyed", ("T", 1, 1), ("S", 1, 0), columns="owner k v")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_keyed")
    change("ALTER TABLE smallapp_keyed ADD g integer GENERATED ALWAYS AS (100 / v) STORED")
    change("CREATE UNIQUE INDEX by_g ON smallapp_keyed (owner_id, k, g)")
    with pytest.raises(DatabaseError, match="division by zero") as refusal:
        undo_all(made)
    assert "restore" in [frame.name for frame in refusal.traceback]


@pytest.mark.parametrize(
    "since",
    [
        "ALTER DOMAIN amount ADD CHECK (VALUE <> 1) NOT VALID",
        "ALTER TABLE smallapp_sched ALTER v TYPE date USING DATE '2026-01-01'",
    ],
)
def test_values_that_the_type_of_today_does_not_have(people: People, since: str) -> None:
    change("CREATE DOMAIN amount AS integer; ALTER TABLE smallapp_sched ALTER v TYPE amount")
    put(people, "smallapp_sched", ("T", 2, 1), ("S", 1, 2), columns="owner slot v")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_sched")
    change(since)
    [pair] = undo_all(made)
    assert pair.reason.startswith("1 record cannot be given back.")
    [pair] = undo_all(made, leave_changed=True)
    assert pair.state == PairState.SUCCEEDED
    assert [row["owner_id"] for row in rows_of("smallapp_sched")] == [people["S"].pk]
    [left] = UndoConflict.objects.filter(pair=pair)
    assert (left.table, left.n, left.why) == ("smallapp_sched", 1, "other columns")


def test_rows_return_after_those_that_they_refer_to(people: People) -> None:
    """The last batch deletes a row of the referring table only, so that its last entry is later."""
    change("ALTER TABLE smallapp_keyed ADD sched_id bigint REFERENCES smallapp_sched")
    types = [type_of("smallapp_keyed"), type_of("smallapp_sched")]
    s, t, u, v = (people[letter].pk for letter in "STUV")
    for number, owner in enumerate((s, t), start=1):
        insert("smallapp_sched", [{"id": number, "owner_id": owner, "slot": 1, "v": 1}])
    for number, owner in enumerate((s, t, u, v), start=1):
        sched = 2 if owner == s else None
        insert("smallapp_keyed", [{"id": number, "owner_id": owner, "k": 1, "v": 1, "sched_id": sched}])
    before = rows_as_text(types)
    with only(*types):
        ran = run_pairs(people.by, people.pairs, types, batches=2)
    restore(ran.transfer_id)
    assert rows_as_text(types) == before


def test_rows_with_a_generated_primary_key_return(people: People) -> None:
    change("""
        ALTER TABLE smallapp_keyed DROP CONSTRAINT smallapp_keyed_pkey,
            ADD code text GENERATED ALWAYS AS ('K' || id) STORED PRIMARY KEY;
    """)
    put(people, "smallapp_keyed", ("S", 1), ("T", 1), ("S", 2), columns="owner k")
    before = rows_as_text([type_of("smallapp_keyed")])
    made = run_after_leaving(people, people.pairs[:1], "smallapp_keyed")
    restore(made)
    assert rows_as_text([type_of("smallapp_keyed")]) == before


def test_a_row_whose_generated_reference_leads_to_a_row_that_is_gone(people: People) -> None:
    change("""
        CREATE TABLE area (id bigint PRIMARY KEY); INSERT INTO area VALUES (7); GRANT SELECT ON area TO PUBLIC;
        ALTER TABLE smallapp_sched ADD area_no bigint,
            ADD area_id bigint GENERATED ALWAYS AS (nullif(area_no, 0)) STORED REFERENCES area;
    """)
    for number, letter in enumerate("TS", start=1):
        facts = {"id": number, "owner_id": people[letter].pk, "slot": 1, "v": 1}
        insert("smallapp_sched", [facts | {"area_no": 7}])
    made = run_after_leaving(people, people.pairs[:1], "smallapp_sched")
    change("UPDATE smallapp_sched SET area_no = NULL; SET CONSTRAINTS ALL IMMEDIATE; DELETE FROM area")
    [pair] = undo_all(made)
    assert [row.why for row in UndoConflict.objects.filter(pair=pair)] == ["parent gone"]


def test_a_row_whose_reference_is_not_enforced(people: People) -> None:
    """It may name a row that never was."""
    change("ALTER TABLE smallapp_sched ADD area_id bigint DEFAULT 7 REFERENCES smallapp_keyed NOT ENFORCED")
    sched = put(people, "smallapp_sched", ("T", 1, 1), ("S", 1, 2), columns="owner slot v")
    before = rows_as_text([sched])
    restore(run_after_leaving(people, people.pairs[:1], "smallapp_sched"))
    assert rows_as_text([sched]) == before


@pytest.fixture
def stays(people: People) -> int:
    """Two rows of the room cover the time of T's stay together. Returns the ID of the transfer."""
    change("""
        CREATE EXTENSION btree_gist;
        CREATE TABLE room (id bigint, open int4range, PRIMARY KEY (id, open WITHOUT OVERLAPS));
        INSERT INTO room VALUES (7, '[1,10)'), (7, '[10,20)');
        ALTER TABLE smallapp_sched ADD room_id bigint, ADD during int4range,
            ADD FOREIGN KEY (room_id, PERIOD during) REFERENCES room (id, PERIOD open);
    """)
    for number, letter in enumerate("TS", start=1):
        row = {"id": number, "owner_id": people[letter].pk, "slot": 1, "v": 1}
        insert("smallapp_sched", [row | {"room_id": 7, "during": "[8,12)"}])
    return run_after_leaving(people, people.pairs[:1], "smallapp_sched")


def test_a_row_whose_period_is_within_those_of_several_rows(people: People, stays: int) -> None:
    restore(stays)
    assert [row["id"] for row in rows_of("smallapp_sched")] == [1, 2]


def test_a_row_whose_period_is_covered_no_more(people: People, stays: int) -> None:
    change(
        "DELETE FROM smallapp_sched; SET CONSTRAINTS ALL IMMEDIATE; DELETE FROM room WHERE open = '[10,20)'"
    )
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        undo_all(stays, leave_changed=True)
    assert (
        "a record would refer to one that does not exist (table smallapp_sched" in explain(error.value).reason
    )


@pytest.fixture
def refers_to_secret(people: People) -> int:
    """T's slot refers to a row of a table that the application may not read. Returns the ID of the transfer."""
    with as_owner():
        execute("CREATE TABLE secret (id bigint PRIMARY KEY); INSERT INTO secret VALUES (7)")
        execute(f"REVOKE ALL ON secret FROM {APPLICATION}")
        execute("ALTER TABLE smallapp_sched ADD secret_id bigint REFERENCES secret")
    for number, letter in enumerate("TS", start=1):
        row = {"id": number, "owner_id": people[letter].pk, "slot": 1, "v": 1, "secret_id": 7}
        insert("smallapp_sched", [row])
    return run_after_leaving(people, people.pairs[:1], "smallapp_sched")


def test_a_row_that_refers_to_a_table_that_may_not_be_read(people: People, refers_to_secret: int) -> None:
    restore(refers_to_secret)
    assert [row.split(",")[0] for row in rows_as_text([type_of("smallapp_sched")])["smallapp_sched"]] == [
        "(1",
        "(2",
    ]


def test_what_it_refers_to_is_gone(people: People, refers_to_secret: int) -> None:
    execute("UPDATE smallapp_sched SET secret_id = NULL")
    with as_owner():
        execute("SET CONSTRAINTS ALL IMMEDIATE; DELETE FROM secret")
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        undo_all(refers_to_secret)
    assert (
        "a record would refer to one that does not exist (table smallapp_sched" in explain(error.value).reason
    )
