"""Triggers that undo, skip or exchange what a statement did, where totals alone would look right."""

import pytest
from django.db import DatabaseError

from tests.apps.smallapp import models as small
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, errors_at_start, put
from tests.transfers.rules.meddling import AT_FIRST, meddle, meddle_later, refused
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from tests.transfers.rules.test_partitioned import BY_HASH, partition
from transfers.engine.failures.reasons import explain, is_beyond_pairs

# --- After the last check of a batch ---------------------------------------------------------------------------------


def test_a_row_of_another_user_that_a_constraint_trigger_deletes(people: People) -> None:
    meddle_later("smallapp_two", "DELETE FROM smallapp_two WHERE id = 2; RETURN NULL;", initially="IMMEDIATE")
    rows = [("X", people["S"].pk), ("X", people["X"].pk)]
    refused(people, put(people, "smallapp_two", *rows, columns="approver evaluator"))


@pytest.mark.parametrize("version", ["OLD", "NEW"])
def test_a_history_that_is_a_data_type_too(people: People, version: str) -> None:
    """The preview cannot count the rows that the trigger will add for one of the two users."""
    plain = put(people, "smallapp_plain", "S")
    adds = f"INSERT INTO smallapp_plain (id, owner_id, v) VALUES (7, {version}.owner_id, 1); RETURN NULL;"
    meddle("smallapp_keyed", "AFTER UPDATE", adds)
    refused(people, put(people, "smallapp_keyed", "S1", columns="owner k"), plain)


# --- Updates that are skipped ----------------------------------------------------------------------------------------


def test_a_kept_row_whose_sum_is_not_written(people: People) -> None:
    counter = put(people, "smallapp_counter", ("S", 1, 5), ("T", 1, 7), columns="owner day n")
    meddle("smallapp_counter", "BEFORE UPDATE", "IF NEW.n <> OLD.n THEN RETURN NULL; END IF; RETURN NEW;")
    assert errors_at_start() == []
    refused(people, counter)


def test_kept_rows_of_two_pairs_that_are_exchanged(people: People) -> None:
    """All totals are right, but T's counter belongs to V and V's to T."""
    rows = [("S", 1, 5), ("T", 1, 7), ("U", 1, 5), ("V", 1, 7)]
    counter = put(people, "smallapp_counter", *rows, columns="owner day n")
    t, v = people["T"].pk, people["V"].pk
    other = (
        f"NEW.owner_id := CASE OLD.owner_id WHEN {t} THEN {v} ELSE {t} END; NEW.day := NEW.id; RETURN NEW;"
    )
    meddle("smallapp_counter", "BEFORE UPDATE", other)
    assert "1 records do not have the values" in refused(people, counter)


def test_a_profile_that_is_given_to_somebody_else(people: People) -> None:
    preference = running.type_of("smallapp_preference")
    for letter, phone in (("S", "12"), ("T", "")):
        row = running.whole_row(small.Preference, id=people[letter].pk, phone=phone)
        running.insert("smallapp_preference", [row])
    meddle("smallapp_preference", "BEFORE UPDATE", f"NEW.id := {people['X'].pk}; RETURN NEW;")
    assert "1 records do not have the values" in refused(people, preference)


def test_a_child_that_does_not_get_its_new_parent(people: People) -> None:
    constraint = running.foreign_key("smallapp_casefile")
    running.change_tables(f"ALTER TABLE smallapp_casefile DROP CONSTRAINT {constraint}")
    meddle("smallapp_casefile", "BEFORE UPDATE", "RETURN NULL;")
    case = put(people, "smallapp_case", "S1", "T1", columns="owner k")
    running.insert("smallapp_casefile", [running.whole_row(small.CaseFile, id=1, case=1, number=1)])
    assert errors_at_start() == []
    refused(people, case)


# --- Other rows ------------------------------------------------------------------------------------------------------


def test_deleted_rows_of_another_table_that_a_truncate_hides(people: People) -> None:
    """PostgreSQL's count of deleted rows does not include TRUNCATE, and loses what was deleted before it."""
    change("CREATE TABLE unheard_of (id bigint); INSERT INTO unheard_of VALUES (1), (2)")
    statements = "DELETE FROM unheard_of; TRUNCATE unheard_of; RETURN NULL;"
    meddle(
        "smallapp_plain",
        "AFTER UPDATE",
        statements,
        rights="SECURITY DEFINER SET search_path = public, pg_temp",
    )
    plain = put(people, "smallapp_plain", "S")
    assert errors_at_start() == []
    refused(people, plain)
    assert len(running.query("SELECT id FROM {}", "unheard_of")) == 2


def test_a_moved_row_that_is_exchanged_for_one_of_another_user(people: People) -> None:
    """All totals are right, but S's row belongs to X and X's row to T."""
    plain = put(people, "smallapp_plain", "S", "X")
    x, t = people["X"].pk, people["T"].pk
    exchange = f"UPDATE smallapp_plain SET owner_id = CASE id WHEN 1 THEN {x} ELSE {t} END; RETURN NULL;"
    meddle("smallapp_plain", "AFTER UPDATE", exchange, AT_FIRST)
    refused(people, plain)


def test_a_row_of_another_user_that_is_updated_in_the_same_table(people: People) -> None:
    """docs/rules.md: rows without source and target are byte-identical."""
    plain = put(people, "smallapp_plain", ("S", 0), ("X", 5), columns="owner v")
    update = "UPDATE smallapp_plain SET v = 99 WHERE id = 2; RETURN NULL;"
    meddle("smallapp_plain", "AFTER UPDATE", update, AT_FIRST)
    refused(people, plain)


# --- Side effects on the engine --------------------------------------------------------------------------------------


def test_a_changed_row_that_is_inserted_into_another_partition_can_be_restored(people: People) -> None:
    """PostgreSQL runs the BEFORE INSERT triggers of the new partition for a row that is moved into it."""
    partition("smallapp_keyed", *BY_HASH)
    running.change_tables("""
        CREATE UNIQUE INDEX keyed_once ON smallapp_keyed (owner_id, k);
        ALTER TABLE smallapp_keyed ADD PRIMARY KEY (id, owner_id);
    """)
    keyed = put(people, "smallapp_keyed", ("S", 1, 5), ("U", 1, 5), columns="owner k v")
    meddle("smallapp_keyed", "BEFORE INSERT", "NEW.v := 99; RETURN NEW;")
    assert errors_at_start() == []
    before = rows_as_text([keyed])
    with running.only(keyed):
        ran = running.run_pairs(people.by, people.pairs, [keyed])
    running.change_tables("DROP TRIGGER meddler ON smallapp_keyed")
    restore(ran.transfer_id)
    assert rows_as_text([keyed]) == before


def test_a_change_of_how_dates_are_printed(people: People) -> None:
    """What is written to the journal after it could not be read back."""
    set_style = "PERFORM set_config('datestyle', 'SQL, DMY', true); RETURN NULL;"
    meddle("smallapp_plain", "AFTER UPDATE", set_style)
    assert "a trigger changed the settings of the transaction" in refused(
        people, put(people, "smallapp_plain", "S")
    )


@pytest.mark.parametrize("state", ["40001", "57P03"])
def test_an_error_of_the_server_that_a_trigger_raises(people: People, state: str) -> None:
    """It is one of the pair, as otherwise the transfer would pause for ever or locks would be blamed."""
    error = f"RAISE EXCEPTION 'this account is closed' USING ERRCODE = '{state}';"
    meddle("smallapp_plain", "BEFORE UPDATE", error)
    plain = put(people, "smallapp_plain", "S")
    with running.only(plain), pytest.raises(DatabaseError) as caught:
        running.run_pairs(people.by, people.pairs, [plain])
    assert not is_beyond_pairs(caught.value)
    assert explain(caught.value).code != "records-locked"
