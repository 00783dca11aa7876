"""What tables of other programs do behind a statement: the pair fails, the type is refused, or nothing is lost."""

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
from tests.transfers.rules.running import change_tables, foreign_key, whole_row
from tests.transfers.rules.test_partitioned import BY_HASH, partition
from transfers.checks import database, declarations
from transfers.engine.batch import run_batch
from transfers.engine.compiler.requirements import CannotCompile
from transfers.engine.failures.reasons import explain, is_beyond_pairs
from transfers.engine.prediction import predict
from transfers.engine.stage import StagedPair, compile_plans
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.models import Kind, State
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
        return running.run_pairs(people.by, people.pairs, entries, late=late)


def accepted(*changed: DataType) -> list[str]:
    """Return the errors that stop the start, with these data types in place of those of the same model."""
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
    constraint = [foreign_key("smallapp_casefile")]
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


# --- The journal -----------------------------------------------------------------------------------------------------


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


def test_a_child_with_a_column_named_pair(people: People) -> None:
    """The start-up check refuses it, because a statement of the engine uses the same name."""
    change_tables("ALTER TABLE smallapp_casefile ADD pair integer")
    assert accepted() == []


# --- Arrays ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["{S,NULL,NULL}", "{X,NULL,S}"])
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


# --- Foreign keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_a_foreign_key_to_a_generated_column_of_the_owner(people: People, action: str) -> None:
    change_tables(f"""
        ALTER TABLE smallapp_folder ADD place text GENERATED ALWAYS AS (owner_id::text || name) STORED UNIQUE;
        CREATE TABLE follower (id bigint, place text REFERENCES smallapp_folder (place) ON UPDATE {action});
    """)
    folder = fill(people, "smallapp_folder", {"owner": "S", "name": "Box"})
    change_tables("INSERT INTO follower SELECT 1, place FROM smallapp_folder")
    if not accepted():
        before = running.query("SELECT place FROM {}", "follower")
        run(people, folder)
        assert running.query("SELECT place FROM {}", "follower") == before


# --- Keys ------------------------------------------------------------------------------------------------------------


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


# --- Triggers that change a setting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["40001", "57P03"])
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
        SET CONSTRAINTS ALL IMMEDIATE;
        ALTER TABLE smallapp_plain ENABLE ROW LEVEL SECURITY; CREATE POLICY one_only ON smallapp_plain USING (v = 1);
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
        "UPDATE smallapp_plain SET v = 99 WHERE id = 2; RETURN NULL;",
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


# --- Refused, because a conflict could not be decided or a row would be counted twice ---------------------------------


def test_a_child_that_is_reached_in_two_ways(people: People) -> None:
    """As a link between two tasks, which has a foreign key to each."""
    change_tables("""
        CREATE TABLE dependency (id bigint PRIMARY KEY, before_id bigint NOT NULL REFERENCES smallapp_sched,
            after_id bigint NOT NULL REFERENCES smallapp_sched);
    """)
    fields = {
        name: models.ForeignKey(small.Sched, models.DO_NOTHING, related_name="+")
        for name in ("before", "after")
    }
    meta = type("Meta", (), {"app_label": "smallapp", "managed": False, "db_table": "dependency"})
    with isolate_apps("tests.apps.smallapp"):
        model = type("Dependency", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})
    sched = running.type_of("smallapp_sched")
    with pytest.raises(CannotCompile, match="rows of dependency are children in two ways"):
        run(people, replace(sched, children=(Child(model, "before"), Child(model, "after"))))


def test_a_new_name_under_two_keys(people: People) -> None:
    change_tables("CREATE UNIQUE INDEX folder_lower ON smallapp_folder (owner_id, lower(name))")
    folder = fill(people, "smallapp_folder", {"owner": "S", "name": "Box"})
    with pytest.raises(CannotCompile, match="Rename cannot find a name that is free in several unique keys"):
        run(people, folder)


def test_a_trigger_that_changes_how_dates_are_printed(people: People) -> None:
    """What is written to the journal after it could not be read back."""
    trigger(
        "smallapp_plain",
        "TRIGGER meddler AFTER UPDATE:",
        "PERFORM set_config('datestyle', 'SQL, DMY', true); RETURN NULL;",
    )
    plain = fill(people, "smallapp_plain", {"owner": "S"})
    with pytest.raises(TotalsMismatch, match="a trigger changed the settings of the transaction"):
        run(people, plain)
