"""Tables of other programs that the engine does not handle correctly yet. Each test states what is right.

The start-up checks accept all of these tables.
"""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError, connection, models
from django.test.utils import isolate_apps

from tests.apps.smallapp import models as small
from tests.fixtures import cast
from tests.fixtures.roles import as_owner
from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from tests.transfers.rules.running import change_tables, whole_row
from tests.transfers.rules.test_partitioned import BY_HASH, partition
from transfers.checks import database, declarations
from transfers.engine.batch import run_batch
from transfers.engine.compiler.requirements import CannotCompile
from transfers.engine.failures.reasons import explain, is_beyond_pairs
from transfers.engine.prediction import predict
from transfers.engine.stage import StagedPair, compile_plans
from transfers.engine.verify import TotalsMismatch
from transfers.models import JournalEntry, Kind, State
from transfers.registry import data_types
from transfers.rules import (
    Child,
    DataType,
)


def trigger(
    table: str, when: str, body: str, *, each: str = "ROW", condition: str = "", more: str = ""
) -> None:
    change_tables(f"""
        CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql {more} AS $$ BEGIN {body} END $$;
        CREATE {when.partition(":")[0]} ON {table} {when.partition(":")[2]} FOR EACH {each} {condition}
            EXECUTE FUNCTION meddle();
        REVOKE EXECUTE ON FUNCTION meddle() FROM PUBLIC;
    """)


def fill(people: People, table: str, *rows: Any, start: int = 1) -> DataType:
    """Insert rows, in which letters stand for users."""
    entry = running.type_of(table)
    spelled = [
        {name: people[value].pk if value in (*"STUVX",) else value for name, value in row.items()}
        for row in rows
    ]
    running.insert(table, [whole_row(entry.model, id=n, **row) for n, row in enumerate(spelled, start)])
    return entry


def run(people: People, *entries: DataType, late: bool = False) -> running.Ran:
    with running.only(*entries):
        ran = running.run_pairs(people.by, people.pairs, entries, late=late)
    return ran


def accepted(*changed: DataType) -> list[str]:
    """Return the errors with which the site would not start, with these data types instead of those of the same model."""
    keys = {entry.key: entry for entry in changed}
    entries = tuple(keys.get(entry.key, entry) for entry in data_types())
    with (
        patch.object(database, "data_types", lambda: entries),
        patch.object(declarations, "data_types", lambda: entries),
    ):
        return [f"{m.id}: {m.msg}" for m in run_checks(databases=["default"]) if m.is_serious()]


def by_id(rows: Iterable[Any], column: str) -> dict[int, Any]:
    return {row["id"]: row[column] for row in rows}


# --- Successes that are none -----------------------------------------------------------------------------------------


def test_a_deferred_trigger_puts_an_owner_back_after_verification(people: People) -> None:
    """Types with several owners run last, and their deferred triggers fire after the last check."""
    trigger(
        "smallapp_two",
        "CONSTRAINT TRIGGER meddler AFTER UPDATE:DEFERRABLE INITIALLY DEFERRED",
        "UPDATE smallapp_two SET evaluator_id = OLD.evaluator_id WHERE id = NEW.id; RETURN NULL;",
        condition="WHEN (pg_trigger_depth() = 0)",
    )
    two = fill(people, "smallapp_two", {"approver": "X", "evaluator": "S"})
    assert accepted() == []
    with pytest.raises(TotalsMismatch):
        run(people, two)


def test_a_deferred_trigger_deletes_a_row_of_somebody_else_after_verification(people: People) -> None:
    trigger(
        "smallapp_two",
        "CONSTRAINT TRIGGER meddler AFTER UPDATE:DEFERRABLE INITIALLY IMMEDIATE",
        "DELETE FROM smallapp_two WHERE id = 2; RETURN NULL;",
    )
    two = fill(
        people, "smallapp_two", {"approver": "X", "evaluator": "S"}, {"approver": "X", "evaluator": "X"}
    )
    with pytest.raises(TotalsMismatch):
        run(people, two)


def test_a_winner_whose_update_is_skipped_loses_the_sum(people: People) -> None:
    trigger(
        "smallapp_counter",
        "TRIGGER meddler BEFORE UPDATE:",
        "IF NEW.n <> OLD.n THEN RETURN NULL; END IF; RETURN NEW;",
    )
    counter = fill(
        people, "smallapp_counter", {"owner": "S", "day": 1, "n": 5}, {"owner": "T", "day": 1, "n": 7}
    )
    assert accepted() == []
    with pytest.raises(TotalsMismatch):
        run(people, counter)


def test_an_adopted_child_whose_update_is_skipped_loses_its_parent(people: People) -> None:
    constraint = running.query(
        "SELECT format('%I', conname) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'smallapp_casefile'::regclass",
        "smallapp_casefile",
    )
    change_tables(f"ALTER TABLE smallapp_casefile DROP CONSTRAINT {constraint[0]}")
    trigger("smallapp_casefile", "TRIGGER meddler BEFORE UPDATE:", "RETURN NULL;")
    case = fill(people, "smallapp_case", {"owner": "S", "k": 1}, {"owner": "T", "k": 1})
    running.insert("smallapp_casefile", [whole_row(small.CaseFile, id=1, case=1, number=1)])
    assert accepted() == []
    with pytest.raises(TotalsMismatch):
        run(people, case)


def test_a_trigger_that_truncates_another_table(people: People) -> None:
    """PostgreSQL's count of deleted rows does not include TRUNCATE."""
    change_tables("CREATE TABLE unheard_of (id bigint)")
    change_tables("INSERT INTO unheard_of VALUES (1), (2)")
    trigger(
        "smallapp_plain",
        "TRIGGER meddler AFTER UPDATE:",
        "TRUNCATE unheard_of; RETURN NULL;",
        more="SECURITY DEFINER",
    )
    plain = fill(people, "smallapp_plain", {"owner": "S"})
    assert accepted() == []
    with pytest.raises(TotalsMismatch):
        run(people, plain)


def test_a_truncate_hides_what_was_deleted_before_it(people: People) -> None:
    change_tables("CREATE TABLE unheard_of (id bigint)")
    change_tables("INSERT INTO unheard_of VALUES (1), (2)")
    trigger(
        "smallapp_plain",
        "TRIGGER meddler AFTER UPDATE:",
        "DELETE FROM unheard_of; TRUNCATE unheard_of; RETURN NULL;",
        more="SECURITY DEFINER",
    )
    plain = fill(people, "smallapp_plain", {"owner": "S"})
    with pytest.raises(TotalsMismatch):
        run(people, plain)


def test_a_trigger_that_exchanges_the_moved_row_for_one_of_somebody_else(people: People) -> None:
    """All totals are right, but S's row belongs to X and X's row to T."""
    plain = fill(people, "smallapp_plain", {"owner": "S"}, {"owner": "X"})
    x, t = people["X"].pk, people["T"].pk
    trigger(
        "smallapp_plain",
        "TRIGGER meddler AFTER UPDATE:",
        f"UPDATE smallapp_plain SET owner_id = CASE id WHEN 1 THEN {x} ELSE {t} END; RETURN NULL;",
        condition="WHEN (pg_trigger_depth() = 0)",
    )
    with pytest.raises(TotalsMismatch):
        run(people, plain)


def test_track_counts_is_off(people: People) -> None:
    """Nothing says that the check of the deleted rows did not take place."""
    change_tables("CREATE TABLE unheard_of (id bigint)")
    change_tables("INSERT INTO unheard_of VALUES (1)")
    trigger("smallapp_plain", "TRIGGER meddler AFTER UPDATE:", "DELETE FROM unheard_of; RETURN NULL;")
    plain = fill(people, "smallapp_plain", {"owner": "S"})
    change_tables("SET track_counts = off")
    try:
        assert accepted() or pytest.raises(TotalsMismatch, run, people, plain)
    finally:
        change_tables("RESET track_counts")


# --- The journal -----------------------------------------------------------------------------------------------------


def restored(people: People, *entries: DataType) -> None:
    before = rows_as_text(entries)
    ran = run(people, *entries)
    restore(ran.transfer_id)
    assert rows_as_text(entries) == before


def test_a_column_that_an_after_trigger_changes(people: People) -> None:
    """The trigger notes the former owner in the row that was moved. The journal says that only the owner changed."""
    plain = fill(people, "smallapp_plain", {"owner": "S", "v": 5})
    trigger(
        "smallapp_plain",
        "TRIGGER meddler AFTER UPDATE OF owner_id:",
        "UPDATE smallapp_plain SET v = 99 WHERE id = NEW.id; RETURN NULL;",
        condition="WHEN (pg_trigger_depth() = 0)",
    )
    assert accepted() == []
    before = rows_as_text([plain])
    ran = run(people, plain)
    change_tables("DROP TRIGGER meddler ON smallapp_plain")
    restore(ran.transfer_id)
    assert rows_as_text([plain]) == before


def test_a_row_that_is_inserted_into_another_partition(people: People) -> None:
    """PostgreSQL runs the BEFORE INSERT triggers of the new partition for a row that is moved into it."""
    partition("smallapp_keyed", *BY_HASH)
    change_tables("""
        CREATE UNIQUE INDEX keyed_once ON smallapp_keyed (owner_id, k);
        ALTER TABLE smallapp_keyed ADD PRIMARY KEY (id, owner_id);
    """)
    keyed = fill(people, "smallapp_keyed", *({"owner": who, "v": 5, "k": 1} for who in "SU"))
    trigger("smallapp_keyed", "TRIGGER meddler BEFORE INSERT:", "NEW.v := 99; RETURN NEW;")
    assert accepted() == []
    before = rows_as_text([keyed])
    ran = run(people, keyed)
    change_tables("DROP TRIGGER meddler ON smallapp_keyed")
    restore(ran.transfer_id)
    assert rows_as_text([keyed]) == before


def test_overwritten_rows_of_an_inheriting_table(people: People) -> None:
    """They have columns that the journal does not keep."""
    change_tables("""
        DROP INDEX IF EXISTS sched_once; ALTER TABLE smallapp_sched DROP CONSTRAINT IF EXISTS sched_once;
        CREATE TABLE smallapp_night (bonus text) INHERITS (smallapp_sched);
        CREATE INDEX ON smallapp_night (owner_id);
    """)
    sched = fill(people, "smallapp_sched", {"owner": "S", "slot": 1})
    change_tables(
        f"INSERT INTO smallapp_night (id, owner_id, slot, v, bonus) VALUES (2, {people['T'].pk}, 1, 0, 'much')"
    )
    if errors := accepted():
        pytest.fail(f"refused: {errors}")
    ran = run(people, sched)
    restore(ran.transfer_id)
    assert running.query("SELECT bonus FROM {}", "smallapp_night") == ["much"]


def test_rows_of_an_inheriting_table_with_the_same_id(people: People) -> None:
    """A primary key is unique only within each of the tables."""
    change_tables(
        "CREATE TABLE smallapp_heir () INHERITS (smallapp_plain); CREATE INDEX ON smallapp_heir (owner_id);"
    )
    plain = fill(people, "smallapp_plain", {"owner": "S"})
    change_tables(f"INSERT INTO smallapp_heir (id, owner_id, v) VALUES (1, {people['X'].pk}, 0)")
    if errors := accepted():
        pytest.fail(f"refused: {errors}")
    restored(people, plain)


def test_a_trigger_of_an_inheriting_table(people: People) -> None:
    change_tables(
        "CREATE TABLE smallapp_heir () INHERITS (smallapp_plain); CREATE INDEX ON smallapp_heir (owner_id);"
    )
    plain = running.type_of("smallapp_plain")
    change_tables(f"INSERT INTO smallapp_heir (id, owner_id, v) VALUES (1, {people['S'].pk}, 5)")
    trigger("smallapp_heir", "TRIGGER meddler BEFORE UPDATE:", "NEW.v := 99; RETURN NEW;")
    before = rows_as_text([plain])
    ran = run(people, plain)
    change_tables("DROP TRIGGER meddler ON smallapp_heir")
    restore(ran.transfer_id)
    assert rows_as_text([plain]) == before


# --- Attributes that do not match exactly ----------------------------------------------------------------------------

CASELESS = {
    "a domain over citext": "CREATE EXTENSION IF NOT EXISTS citext; CREATE DOMAIN number AS citext;"
    " ALTER TABLE smallapp_badge ALTER employee_id TYPE number",
    "citext in another schema": "CREATE SCHEMA ext; GRANT USAGE ON SCHEMA ext TO PUBLIC;"
    " CREATE EXTENSION citext SCHEMA ext; ALTER TABLE smallapp_badge ALTER employee_id TYPE ext.citext",
}


@pytest.mark.parametrize("statements", CASELESS.values(), ids=CASELESS)
def test_a_row_of_a_user_whose_number_differs_only_in_case(people: People, statements: str) -> None:
    """Two users have the numbers E-S and e-s; the second is in no pair. Its row must stay, or the type be refused."""
    change_tables(statements)
    if accepted():
        return
    other = type(people["X"]).objects.create(tenant=people.here, username="other", employee_id="e-s")
    row = whole_row(small.Badge, id=1, employee_id=other.employee_id, tenant=people.here.pk, door=1)
    running.insert("smallapp_badge", [row])
    ran = run(people, running.type_of("smallapp_badge"))
    assert by_id(ran.world["smallapp_badge"], "employee_id") == {1: "e-s"}


# --- Sums of floating-point numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql_type", "one", "other", "total"),
    [("real", 1, 1234567, 1234568), ("double precision", 0, 9007199254740991, 9007199254740991)],
)
def test_a_sum_keeps_all_digits(people: People, sql_type: str, one: int, other: int, total: int) -> None:
    change_tables(f"ALTER TABLE smallapp_totals ALTER large TYPE {sql_type}")
    totals = fill(
        people,
        "smallapp_totals",
        {"owner": "S", "k": 1, "large": one},
        {"owner": "T", "k": 1, "large": other},
    )
    assert accepted() == []
    assert by_id(run(people, totals).world["smallapp_totals"], "large") == {2: total}


# --- Children that are reached in two ways ---------------------------------------------------------------------------


def two_ways(parent: type[models.Model], table: str) -> type[models.Model]:
    """Return an unmanaged model with two foreign keys to the parent, as of a link between two tasks."""
    change_tables(f"""
        CREATE TABLE dependency (id bigint PRIMARY KEY, before_id bigint NOT NULL REFERENCES {table},
            after_id bigint NOT NULL REFERENCES {table});
        CREATE INDEX ON dependency (before_id); CREATE INDEX ON dependency (after_id);
    """)
    fields = {
        name: models.ForeignKey(parent, models.DO_NOTHING, related_name="+") for name in ("before", "after")
    }
    meta = type("Meta", (), {"app_label": "smallapp", "managed": False, "db_table": "dependency"})
    with isolate_apps("tests.apps.smallapp"):
        return type("Dependency", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})


@pytest.mark.parametrize("rule", ["overwrite", "drop with parent", "adopt"])
def test_a_child_with_two_foreign_keys_to_its_parent(people: People, rule: str) -> None:
    table = "smallapp_sched" if rule == "overwrite" else "smallapp_keyed"
    model = two_ways(running.type_of(table).model, table)
    children = tuple(
        Child(model, name, goes_with_parent=rule == "drop with parent") for name in ("before", "after")
    )
    entry = replace(running.type_of(table), children=children)
    column = "slot" if rule == "overwrite" else "k"
    loser, winner = ("T", "S") if rule == "overwrite" else ("S", "T")
    fill(people, table, *({"owner": who, column: n} for who in (loser, winner) for n in (1, 2)))
    change_tables("INSERT INTO dependency VALUES (1, 1, 2)")
    assert accepted(entry) == []
    ran = run(people, entry)
    assert ran.counts == ran.predicted
    assert ran.counts[0][entry.key].get("children", 0) == (0 if rule == "adopt" else 1)
    kept = [
        JournalEntry.objects.get(pk=pk).before for pk in JournalEntry.objects.values_list("pk", flat=True)
    ]
    assert sum(before.count("(1,1,2)") for before in kept) == (0 if rule == "adopt" else 1)


def test_grandchildren_that_also_reference_the_parent(people: People) -> None:
    """As notes of an order's lines that name the order too."""
    change_tables("""
        CREATE TABLE remark (id bigint PRIMARY KEY, step_id bigint NOT NULL REFERENCES smallapp_planstep,
            plan_id bigint NOT NULL REFERENCES smallapp_plan);
        CREATE INDEX ON remark (step_id); CREATE INDEX ON remark (plan_id);
    """)
    fields = {
        "step": models.ForeignKey(small.PlanStep, models.DO_NOTHING, related_name="+"),
        "plan": models.ForeignKey(small.Plan, models.DO_NOTHING, related_name="+"),
    }
    meta = type("Meta", (), {"app_label": "smallapp", "managed": False, "db_table": "remark"})
    with isolate_apps("tests.apps.smallapp"):
        remark = type("Remark", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})
    plan = running.type_of("smallapp_plan")
    [steps] = plan.children
    entry = replace(
        plan,
        children=(replace(steps, children=(*steps.children, Child(remark, "step"))), Child(remark, "plan")),
    )
    fill(people, "smallapp_plan", {"owner": "S", "slot": 1}, {"owner": "T", "slot": 1})
    running.insert("smallapp_planstep", [{"id": 1, "plan_id": 2, "v": 0}])
    change_tables("INSERT INTO remark VALUES (1, 1, 2)")
    assert accepted(entry) == []
    ran = run(people, entry)
    assert ran.counts == ran.predicted
    assert ran.counts[0][entry.key]["children"] == 2


def test_a_child_with_a_column_named_pair(people: People) -> None:
    """The start-up check refuses it, because a statement of the engine uses the same name."""
    change_tables("ALTER TABLE smallapp_casefile ADD pair integer")
    assert accepted() == []


# --- Arrays ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["{{S,X},{X,S}}", "[0:1]={S,X}", "{S,NULL,NULL}"])
def test_an_array_keeps_its_shape(people: People, given: str) -> None:
    s, t, x = (str(people[letter].pk) for letter in "STX")
    running.insert("smallapp_watchlist", [whole_row(small.Watchlist, id=1, users=[])])
    change_tables(
        f"UPDATE smallapp_watchlist SET users = '{given.replace('S', s).replace('X', x).replace('NULL', 'null')}'"
    )
    run(people, running.type_of("smallapp_watchlist"))
    [after] = running.query("SELECT users::text FROM {}", "smallapp_watchlist")
    assert after == given.replace("S", t).replace("X", x)


def test_a_domain_over_an_array_that_requires_two_members(people: People) -> None:
    change_tables("""
        CREATE DOMAIN team AS bigint[] CHECK (cardinality(VALUE) >= 2);
        ALTER TABLE smallapp_watchlist ALTER users TYPE team;
    """)
    s, x = people["S"].pk, people["X"].pk
    running.insert("smallapp_watchlist", [whole_row(small.Watchlist, id=1, users=[s, x])])
    assert accepted() == []
    ran = run(people, running.type_of("smallapp_watchlist"))
    assert by_id(ran.world["smallapp_watchlist"], "users") == {1: [people["T"].pk, x]}


# --- New names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["a_lower", "z_lower"])
def test_a_new_name_under_two_keys(people: People, order: str) -> None:
    """The name that one key makes necessary is given up when the other key is resolved."""
    change_tables(f"CREATE UNIQUE INDEX {order} ON smallapp_folder (owner_id, lower(name))")
    folder = fill(
        people,
        "smallapp_folder",
        {"owner": "S", "name": "Box"},
        {"owner": "T", "name": "Box"},
        {"owner": "T", "name": "BOX (2)"},
    )
    assert accepted() == []
    ran = run(people, folder)
    assert by_id(ran.world["smallapp_folder"], "name") == {1: "Box (3)", 2: "Box", 3: "BOX (2)"}


def test_new_names_that_become_equal_at_ten(people: People) -> None:
    """Two names that differ in the last place that " (2)" leaves, and are equal when cut for " (10)"."""
    taken = [f"abc{letter} ({n})" for letter in "xy" for n in range(2, 10)]
    rows = [{"owner": who, "name": name} for who in "ST" for name in ("abcx", "abcy")]
    folder = fill(people, "smallapp_folder", *rows, *({"owner": "T", "name": name} for name in taken))
    ran = run(people, folder)
    names = by_id(ran.world["smallapp_folder"], "name")
    assert {names[1], names[2]} == {"abc (10)", "abc (11)"}


# --- Foreign keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_a_foreign_key_to_a_generated_column_of_the_owner(people: People, action: str) -> None:
    change_tables(f"""
        ALTER TABLE smallapp_keyed ADD place bigint GENERATED ALWAYS AS (owner_id * 1000 + k) STORED UNIQUE;
        CREATE TABLE follower (id bigint PRIMARY KEY, place bigint REFERENCES smallapp_keyed (place) ON UPDATE {action});
    """)
    keyed = fill(people, "smallapp_keyed", {"owner": "S", "k": 1})
    change_tables("INSERT INTO follower SELECT 1, place FROM smallapp_keyed")
    if not accepted():
        before = running.query("SELECT place FROM {}", "follower")
        run(people, keyed)
        assert running.query("SELECT place FROM {}", "follower") == before


# --- Keys ------------------------------------------------------------------------------------------------------------


def test_a_blank_is_filled_in_a_unique_column(people: People) -> None:
    """The value is written to the target's row while the source's, which is to be deleted, still has it."""
    change_tables("CREATE UNIQUE INDEX folded_number ON smallapp_folded (number)")
    folded = fill(
        people, "smallapp_folded", {"owner": "S", "k": 1, "number": 7}, {"owner": "T", "k": 1, "number": None}
    )
    assert accepted() == []
    assert by_id(run(people, folded).world["smallapp_folded"], "number") == {2: 7}


def test_an_overwritten_type_with_a_key_on_its_second_owner(people: People) -> None:
    """The preview promises a transfer that the key makes impossible."""
    change_tables("CREATE UNIQUE INDEX shift_planner ON smallapp_shift (planner_id, slot)")
    shift = fill(
        people,
        "smallapp_shift",
        {"worker": "X", "planner": "S", "slot": 1},
        {"worker": "V", "planner": "T", "slot": 1},
    )
    if not accepted():
        run(people, shift)


def test_late_arrivals_of_a_type_with_an_exclusion_constraint(people: People) -> None:
    """Accepted as it is overwritten, but late arrivals are combined, which cannot be compiled."""
    change_tables("""
        ALTER TABLE smallapp_shift ADD CONSTRAINT apart
            EXCLUDE USING gist (int8range(worker_id * 1000 + slot, worker_id * 1000 + slot + 1) WITH &&);
    """)
    if not accepted():
        compile_plans(keep_target=True)


def test_late_arrivals_of_an_inherited_table(people: People) -> None:
    change_tables(
        "CREATE TABLE smallapp_night () INHERITS (smallapp_sched); CREATE INDEX ON smallapp_night (owner_id);"
    )
    if not accepted():
        compile_plans(keep_target=True)


# --- Triggers that are harmless --------------------------------------------------------------------------------------


def test_a_deletion_that_a_trigger_takes_back(people: People) -> None:
    """PostgreSQL counts the rows that a rolled back subtransaction deleted. Nothing was deleted."""
    change_tables("CREATE TABLE unheard_of (id bigint)")
    change_tables("INSERT INTO unheard_of VALUES (1)")
    trigger(
        "smallapp_plain",
        "TRIGGER meddler AFTER UPDATE:",
        "BEGIN DELETE FROM unheard_of; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN END; RETURN NULL;",
    )
    run(people, fill(people, "smallapp_plain", {"owner": "S"}))


def test_a_trigger_that_notifies_the_new_owner_in_another_type(people: People) -> None:
    """The target gets one row more than was moved to it, of a type in which the source has rows too."""
    plain, single = (
        fill(people, "smallapp_plain", {"owner": "S"}),
        fill(people, "smallapp_keyed", {"owner": "S", "k": 1}),
    )
    trigger(
        "smallapp_plain",
        "TRIGGER meddler AFTER UPDATE:",
        "INSERT INTO smallapp_keyed (id, owner_id, k, v) VALUES (99, NEW.owner_id, 99, 0); RETURN NULL;",
    )
    with running.only(single, plain):
        entries = [plain, single]
        running.run_pairs(people.by, people.pairs, entries)


# --- Triggers that change a setting ----------------------------------------------------------------------------------


def test_a_trigger_that_changes_how_dates_are_printed(people: People) -> None:
    """The rows that are deleted after it are printed in a way in which they are not read back."""
    trigger(
        "smallapp_plain",
        "TRIGGER meddler AFTER UPDATE:",
        "PERFORM set_config('datestyle', 'SQL, DMY', true); RETURN NULL;",
    )
    rows = [{"owner": who, "k": 1, "at": "2026-02-03T00:00:00+00:00"} for who in "ST"]
    plain, newest = fill(people, "smallapp_plain", {"owner": "S"}), fill(people, "smallapp_newest", *rows)
    before = rows_as_text([newest])
    ran = run(people, plain, newest)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL datestyle = 'ISO, MDY'")
    restore(ran.transfer_id)
    assert rows_as_text([newest]) == before


def test_a_trigger_that_changes_the_search_path(people: People) -> None:
    """The next type's table is not found, which is taken for an upgrade: the transfer waits for ever."""
    trigger(
        "smallapp_plain",
        "TRIGGER meddler AFTER UPDATE:",
        "PERFORM set_config('search_path', 'pg_catalog', true); RETURN NULL;",
    )
    plain, keyed = (
        fill(people, "smallapp_plain", {"owner": "S"}),
        fill(people, "smallapp_keyed", {"owner": "S", "k": 1}),
    )
    try:
        run(people, plain, keyed)
    except Exception as error:
        assert not is_beyond_pairs(error)


@pytest.mark.parametrize("state", ["40001", "53100", "57P03", "25006"])
def test_a_trigger_that_raises_an_error_of_the_server(people: People, state: str) -> None:
    """Such an error in a function is that of a pair. Otherwise the transfer pauses for ever, or blames locks."""
    trigger(
        "smallapp_plain",
        "TRIGGER meddler BEFORE UPDATE:",
        f"RAISE EXCEPTION 'this account is closed' USING ERRCODE = '{state}';",
    )
    plain = fill(people, "smallapp_plain", {"owner": "S"})
    with pytest.raises(Exception) as caught:  # noqa: PT011
        run(people, plain)
    assert not is_beyond_pairs(caught.value)
    assert explain(caught.value).code != "records-locked"


# --- Long names ------------------------------------------------------------------------------------------------------


def test_a_table_and_a_schema_with_long_names(people: People) -> None:
    """Both have 63 characters, the most that PostgreSQL allows, and need quotation marks."""
    schema, name = "S" * 63, "T" * 63
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE SCHEMA "{schema}"; GRANT USAGE ON SCHEMA "{schema}" TO PUBLIC;
            CREATE TABLE "{schema}"."{name}" (id bigint PRIMARY KEY, owner_id bigint NOT NULL);
            CREATE INDEX ON "{schema}"."{name}" (owner_id);
            GRANT ALL ON "{schema}"."{name}" TO PUBLIC;
            INSERT INTO "{schema}"."{name}" VALUES (1, {people["S"].pk});
        """)
    with patch.object(small.Keyed._meta, "db_table", f'"{schema}"."{name}"'):
        entry = running.type_of(f'"{schema}"."{name}"')
        staged = [StagedPair(n, one.pk, other.pk) for n, (one, other) in enumerate(people.pairs)]
        with running.only(entry):
            assert predict(staged)
            transfer = cast.transfer(people.by, *people.pairs, state=State.RUNNING, kind=Kind.BULK)
            run_batch(transfer, [pair.pk for pair in transfer.pairs.all()])


# --- Checks that are made only at the start --------------------------------------------------------------------------


def test_a_foreign_key_that_was_added_after_the_start(people: People) -> None:
    """A unique key that is added later takes effect at once; ON DELETE SET NULL changes rows unmentioned."""
    keyed = fill(people, "smallapp_keyed", {"owner": "S", "k": 1}, {"owner": "T", "k": 1})
    change_tables(
        "CREATE TABLE follower (id bigint, keyed_id bigint REFERENCES smallapp_keyed ON DELETE SET NULL)"
    )
    change_tables("INSERT INTO follower VALUES (1, 1)")
    with pytest.raises((TotalsMismatch, CannotCompile)):
        run(people, keyed)


def test_a_policy_that_was_added_after_the_start(people: People) -> None:
    """Rows of the source stay behind, and verification does not see them either."""
    plain = fill(people, "smallapp_plain", {"owner": "S", "v": 1}, {"owner": "S", "v": 2})
    change_tables("""
        ALTER TABLE smallapp_plain ENABLE ROW LEVEL SECURITY; CREATE POLICY some ON smallapp_plain USING (v = 1);
    """)
    with pytest.raises((TotalsMismatch, CannotCompile, DatabaseError)):
        run(people, plain)


# --- Other rows ------------------------------------------------------------------------------------------------------


def test_a_trigger_that_updates_rows_of_somebody_else_in_the_same_table(people: People) -> None:
    """docs/rules.md: rows without source and target are byte-identical."""
    plain = fill(people, "smallapp_plain", {"owner": "S"}, {"owner": "X", "v": 5})
    trigger(
        "smallapp_plain",
        "TRIGGER meddler AFTER UPDATE:",
        f"UPDATE smallapp_plain SET v = 99, owner_id = {people['V'].pk} WHERE id = 2; RETURN NULL;",
        condition="WHEN (pg_trigger_depth() = 0)",
    )
    with pytest.raises(TotalsMismatch):
        run(people, plain)


def test_a_list_with_things_that_are_no_users(people: People) -> None:
    """Each user once; but two equal things that are no users are left as they are."""
    s, t, x = (people[letter].pk for letter in "STX")
    document = {"user_ids": [s, {"role": 1}, {"role": 1}, None, None, "a", "a"]}
    running.insert("smallapp_petition", [whole_row(small.Petition, id=1, asked_by=x, document=document)])
    ran = run(people, running.type_of("smallapp_petition"))
    assert by_id(ran.world["smallapp_petition"], "document") == {
        1: {"user_ids": [t, *document["user_ids"][1:]]}
    }


def test_an_overwritten_tree_in_which_a_row_of_the_source_hangs_under_one_of_the_target(
    people: People,
) -> None:
    change_tables("""
        ALTER TABLE smallapp_sched ADD above_id bigint REFERENCES smallapp_sched; CREATE INDEX ON smallapp_sched (above_id);
    """)
    meta = type("Meta", (), {"app_label": "smallapp", "managed": False, "db_table": "smallapp_sched"})
    with isolate_apps("tests.apps.smallapp"):
        above = models.ForeignKey(small.Sched, models.DO_NOTHING, related_name="+")
        model = type("Node", (models.Model,), {"__module__": __name__, "Meta": meta, "above": above})
    entry = replace(running.type_of("smallapp_sched"), children=(Child(model, "above"),))
    fill(
        people,
        "smallapp_sched",
        {"owner": "T", "slot": 1},
        {"owner": "S", "slot": 1},
        {"owner": "S", "slot": 2},
    )
    change_tables("UPDATE smallapp_sched SET above_id = 1 WHERE id = 2")
    if not accepted(entry):
        run(people, entry)


# --- Many rows -------------------------------------------------------------------------------------------------------

MANY = 10_000


def many(table: str, columns: str, *selects: str) -> None:
    for n, select in enumerate(selects):
        change_tables(
            f"INSERT INTO {table} (id, {columns}) SELECT {n * MANY} + g, {select} FROM generate_series(1, {MANY}) AS g"
        )


def timed(people: People, entry: DataType) -> tuple[float, float]:
    staged = [StagedPair(n, one.pk, other.pk) for n, (one, other) in enumerate(people.pairs)]
    began = time.monotonic()
    with running.only(entry):
        predict(staged)
        between = time.monotonic()
        transfer = cast.transfer(people.by, *people.pairs, state=State.RUNNING, kind=Kind.BULK)
        run_batch(transfer, [pair.pk for pair in transfer.pairs.all()])
    return between - began, time.monotonic() - between


@pytest.mark.parametrize("analyze", [True, False])
@pytest.mark.parametrize(
    "table", ["keyed", "counter", "case", "folder", "folder alike", "watchlist", "two_keys", "exclusion"]
)
def test_ten_thousand_rows_that_conflict(people: People, table: str, analyze: bool) -> None:
    s, t = people["S"].pk, people["T"].pk
    name = table.split()[0]
    if name in ("keyed", "case"):
        many(
            f"smallapp_{name}",
            "owner_id, k" + (", v" if name == "keyed" else ""),
            *(f"{who}, g" + (", 0" if name == "keyed" else "") for who in (s, t)),
        )
        if name == "case":
            many("smallapp_casefile", "case_id, number", "g, 1", f"{MANY} + g, 1")
    elif name == "counter":
        many("smallapp_counter", "owner_id, day, n", f"{s}, g, 1", f"{t}, g, 2")
    elif table == "folder":
        many("smallapp_folder", "owner_id, name, v", f"{s}, g::text, 0", f"{t}, g::text, 0")
    elif table == "folder alike":
        change_tables("ALTER TABLE smallapp_folder ALTER name TYPE varchar(60)")
        selects = [f"{who}, repeat('x', 55) || lpad(g::text, 5, '0'), 0" for who in (s, t)]
        for n, select in enumerate(selects):
            change_tables(
                f"INSERT INTO smallapp_folder (id, owner_id, name, v) SELECT {n * MANY} + g, {select} FROM generate_series(1, 1000) AS g"
            )
    elif name == "watchlist":
        many("smallapp_watchlist", "name, users", f"'', ARRAY[{s}, {t}]::bigint[]")
    elif name == "two_keys":
        many("smallapp_twokeys", "owner_id, a, b", f"{s}, g, -g", f"{t}, g, g - 1")
    elif name == "exclusion":
        change_tables("""
            DROP INDEX IF EXISTS keyed_once; ALTER TABLE smallapp_keyed DROP CONSTRAINT IF EXISTS keyed_once;
            CREATE EXTENSION IF NOT EXISTS btree_gist;
            ALTER TABLE smallapp_keyed ADD CONSTRAINT apart EXCLUDE USING gist (owner_id WITH =, int4range(k, k + 2) WITH &&);
        """)
        many("smallapp_keyed", "owner_id, k, v", f"{s}, 2 * g, 0", f"{t}, 2 * g + 1, 0")
        name = "keyed"
    if analyze:
        change_tables("ANALYZE")
    entry = running.type_of(f"smallapp_{name.replace('_', '')}")
    preview, ran = timed(people, entry)
    print(f"{table} analyze={analyze}: preview {preview:.2f} s, run {ran:.2f} s")
    assert max(preview, ran) < 5
