"""Verification notices if a table did not do what a statement said. Each check notices what the others would not."""

import pytest
from django.core.checks import run_checks
from django.db import IntegrityError

from tests.transfers.rules import running
from tests.transfers.rules.featured import put
from tests.transfers.rules.meddling import AT_FIRST, meddle, refused
from tests.transfers.rules.people import People

# --- No row of a source is left --------------------------------------------------------------------------------------


def test_an_owner_that_is_put_back_after_the_update(people: People) -> None:
    plain = put(people, "smallapp_plain", "S", "X")
    meddle(
        "smallapp_plain",
        "AFTER UPDATE",
        "UPDATE smallapp_plain SET owner_id = OLD.owner_id WHERE id = NEW.id; RETURN NULL;",
        AT_FIRST,
    )
    message = refused(people, plain)
    assert "still belong to the Source User" in message
    assert "trigger meddler on smallapp_plain" in message


def test_an_update_that_is_skipped(people: People) -> None:
    plain = put(people, "smallapp_plain", "S", "X")
    meddle("smallapp_plain", "BEFORE UPDATE", "RETURN NULL;")
    assert "1 source records, but 0 moved" in refused(people, plain)


def test_a_profile_that_is_put_back_after_the_update(people: People) -> None:
    entry = running.type_of("smallapp_preference")
    rows = [
        running.whole_row(entry.model, user=people[letter].pk, phone=phone)
        for letter, phone in (("S", "123"), ("T", ""))
    ]
    running.insert("smallapp_preference", rows)
    meddle(
        "smallapp_preference",
        "AFTER UPDATE",
        "UPDATE smallapp_preference SET phone = OLD.phone WHERE id = NEW.id; RETURN NULL;",
        AT_FIRST,
    )
    assert "still" in refused(people, entry)


# --- The rows have the values that were written ----------------------------------------------------------------------


def test_an_owner_that_is_put_back_by_the_update(people: People) -> None:
    plain = put(people, "smallapp_plain", "S", "X")
    meddle("smallapp_plain", "BEFORE UPDATE", "NEW.owner_id := OLD.owner_id; RETURN NEW;")
    assert "1 records do not have the values" in refused(people, plain)


def test_a_sum_that_is_not_written(people: People) -> None:
    counter = put(people, "smallapp_counter", ("S", 1, 5), ("T", 1, 5), columns="owner day n")
    meddle("smallapp_counter", "BEFORE UPDATE", "NEW.n := OLD.n; RETURN NEW;")
    assert "do not have the values" in refused(people, counter)


def test_a_name_that_is_not_written(people: People) -> None:
    folder = put(people, "smallapp_folder", ("S", "box"), ("T", "box"), columns="owner name")
    meddle("smallapp_folder", "BEFORE UPDATE", "NEW.name := 'else'; RETURN NEW;")
    assert "do not have the values" in refused(people, folder)


def test_a_trigger_that_changes_other_columns_is_no_failure(people: People) -> None:
    """As one that keeps the time of the last change. The journal then keeps all columns."""
    plain = put(people, "smallapp_plain", "S", "X")
    meddle("smallapp_plain", "BEFORE UPDATE", "NEW.v := NEW.v + 1; RETURN NEW;")
    with running.only(plain):
        ran = running.run_pairs(people.by, people.pairs, [plain])
    assert ran.counts == ran.predicted
    assert [row["v"] for row in ran.world["smallapp_plain"]] == [1, 0]


# --- Source rows = moved + dropped + merged --------------------------------------------------------------------------


def test_a_row_that_something_else_moved(people: People) -> None:
    single, plain = put(people, "smallapp_single", "S"), put(people, "smallapp_plain", "S")
    meddle(
        "smallapp_plain",
        "AFTER UPDATE",
        "UPDATE smallapp_single SET owner_id = NEW.owner_id WHERE owner_id = OLD.owner_id; RETURN NULL;",
    )
    assert "1 source records, but 0 moved" in refused(people, plain, single)


# --- What was to be deleted is deleted -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["RETURN NULL;", "UPDATE smallapp_sched SET v = -1 WHERE id = OLD.id; RETURN NULL;"]
)
def test_overwritten_rows_that_are_kept(people: People, body: str) -> None:
    running.change_tables("DROP INDEX sched_once")
    sched = put(people, "smallapp_sched", "S1", "T1", "T1", columns="owner slot")
    meddle("smallapp_sched", "BEFORE DELETE", body)
    message = refused(people, sched)
    assert "2 records should be deleted for their successors, but 0 were" in message
    assert "trigger meddler on smallapp_sched" in message


def test_children_that_are_kept(people: People) -> None:
    constraint = running.foreign_key("smallapp_planstep")
    running.change_tables(f"ALTER TABLE smallapp_planstep DROP CONSTRAINT {constraint}")
    plan = put(people, "smallapp_plan", "S1", "T1", columns="owner slot")
    running.insert("smallapp_planstep", [{"id": 1, "plan_id": 2, "v": 0}])
    meddle("smallapp_planstep", "BEFORE DELETE", "RETURN NULL;")
    assert "1 records should be deleted with the record that they belong to, but 0 were" in refused(
        people, plan
    )


def test_a_row_without_an_outcome(people: People) -> None:
    """A conflict-resolving row that a trigger sends back, so that the statement does not return it."""
    keyed = put(people, "smallapp_keyed", "S1", columns="owner k")
    meddle("smallapp_keyed", "BEFORE UPDATE", "RETURN NULL;")
    assert "1 source records, but 0 moved" in refused(people, keyed)


# --- Rows before = rows after + rows deleted -------------------------------------------------------------------------


def test_a_row_that_goes_to_somebody_else(people: People) -> None:
    plain = put(people, "smallapp_plain", "S", "X")
    meddle(
        "smallapp_plain",
        "AFTER UPDATE",
        f"UPDATE smallapp_plain SET owner_id = {people['X'].pk} WHERE id = NEW.id; RETURN NULL;",
        AT_FIRST,
    )
    assert "1 record of the users expected after the transfer, found 0" in refused(people, plain)


# --- Nothing else is deleted, in any table ---------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["smallapp_plain", "unheard_of"])
def test_a_row_of_somebody_else_that_is_deleted(people: People, table: str) -> None:
    running.change_tables("CREATE TABLE unheard_of (id bigint)")
    running.change_tables("INSERT INTO unheard_of VALUES (2)")
    plain = put(people, "smallapp_plain", "S", "X")
    meddle("smallapp_plain", "AFTER UPDATE", f"DELETE FROM {table} WHERE id = 2; RETURN NULL;")
    assert f"1 records of {table} were deleted by something other" in refused(people, plain)


def test_a_cascade_that_only_the_database_knows(people: People) -> None:
    """T's shift is replaced; a shift of X refers to it and goes with it."""
    running.change_tables(
        "ALTER TABLE smallapp_sched ADD after_id bigint REFERENCES smallapp_sched ON DELETE CASCADE"
    )
    sched = put(people, "smallapp_sched", "S1", "T1", "X1", columns="owner slot")
    running.change_tables("UPDATE smallapp_sched SET after_id = 2 WHERE id = 3")
    assert "1 records of smallapp_sched were deleted by something other" in refused(people, sched)


def test_deletions_that_are_not_counted(people: People) -> None:
    sched = put(people, "smallapp_sched", "S1", "T1", columns="owner slot")
    running.change_tables("SET LOCAL track_counts = off")
    assert "set track_counts = on" in refused(people, sched)
    assert "transfers.E116" in [message.id for message in run_checks(databases=["default"])]


def test_the_engines_own_deletions_are_no_difference(people: People) -> None:
    """In the same connection as an earlier run, of which PostgreSQL may still hold the counts."""
    for _ in range(2):
        sched = put(people, "smallapp_sched", "S1", "T1", "X1", columns="owner slot")
        with running.only(sched):
            ran = running.run_pairs(people.by, people.pairs, [sched])
        assert [row["owner_id"] for row in ran.world["smallapp_sched"]] == [people["T"].pk, people["X"].pk]
        running.change_tables("DELETE FROM smallapp_sched")


# --- Rows that stay, and deferred constraints ------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["smallapp_keyed", "smallapp_two"])
def test_rows_that_stay_are_not_updated(people: People, table: str) -> None:
    """A needless update would fire triggers, which another system may use to record changes."""
    entry = running.type_of(table)
    names = ("owner_id", "k") if table == "smallapp_keyed" else ("evaluator_id", "approver_id")
    users = [people[letter].pk for letter in "TSX"]
    rows = [{"id": n, "v": 0, **dict.fromkeys(names, user)} for n, user in enumerate(users, start=1)]
    running.insert(table, [running.whole_row(entry.model, **row) for row in rows])
    places = "SELECT id || ' at ' || ctid FROM {} WHERE id <> 2 ORDER BY id"
    before = running.query(places, table)
    with running.only(entry):
        running.run_pairs(people.by, people.pairs, [entry])
    assert running.query(places, table) == before


DEFERRED_CHECK = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE check_violation; END';
CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON smallapp_plain DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();
"""


def test_deferred_constraints_are_checked_within_the_batch(people: People) -> None:
    running.change_tables(DEFERRED_CHECK)
    running.insert("smallapp_plain", [{"id": 1, "owner_id": people["S"].pk, "v": 0}])
    entry = running.type_of("smallapp_plain")
    with running.only(entry), pytest.raises(IntegrityError):
        running.run_pairs(people.by, people.pairs, [entry])
