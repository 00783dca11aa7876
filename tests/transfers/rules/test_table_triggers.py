"""What triggers, partitions and inheriting tables may do behind a statement; `docs/tables.md` lists them."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError, connection

from tests.transfers.rules import running
from tests.transfers.rules.featured import change, failure, owners, put, run, warnings_at_start
from tests.transfers.rules.meddling import meddle, meddle_later, refused
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from tests.transfers.rules.test_partitioned import partition
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.rules import DataType

PUT_BACK = "UPDATE {table} SET {column} = OLD.{column} WHERE id = NEW.id; RETURN NULL;"


# --- When a trigger fires --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["", "TEMP"])
def test_a_trigger_that_others_defer_again_and_again(people: People, kind: str) -> None:
    """At the ninth time, when the verification should be over, it gives the row to X."""
    plain = put(people, "smallapp_plain", "S", "X")
    change(f"""
        CREATE {kind} TABLE ping (number int, row_id bigint); GRANT ALL ON ping TO PUBLIC;
        CREATE FUNCTION first_ping() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO ping VALUES (1, NEW.id); RETURN NULL; END $$;
        CREATE FUNCTION next_ping() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            SET CONSTRAINTS ALL DEFERRED;
            IF NEW.number < 9 THEN INSERT INTO ping VALUES (NEW.number + 1, NEW.row_id);
            ELSE UPDATE smallapp_plain SET owner_id = (SELECT owner_id FROM smallapp_plain WHERE id = 2)
                WHERE id = NEW.row_id;
            END IF;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER first_ping AFTER UPDATE ON smallapp_plain DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION first_ping();
        CREATE CONSTRAINT TRIGGER next_ping AFTER INSERT ON ping DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION next_ping();
    """)
    refused(people, plain)


@pytest.mark.parametrize(
    ("table", "column"),
    [("smallapp_plain", "owner_id"), ("smallapp_two", "evaluator_id")],
)
def test_a_deferred_trigger_that_puts_the_owner_back(people: People, table: str, column: str) -> None:
    """Rows of two users are moved last, after the deferred constraints of the others were checked."""
    entry = put(people, table, "S", columns=column.removesuffix("_id"))
    meddle_later(table, PUT_BACK.format(table=table, column=column))
    refused(people, entry)


def test_a_deferred_trigger_that_deletes(people: People) -> None:
    two = put(people, "smallapp_two", "S", "X", columns="evaluator")
    meddle_later("smallapp_two", "DELETE FROM smallapp_two WHERE id = 2; RETURN NULL;")
    refused(people, two)


@pytest.mark.parametrize("table", ["smallapp_plain", "smallapp_keyed", "smallapp_sched", "smallapp_counter"])
def test_a_trigger_that_changes_columns_of_a_table_without_a_primary_key(people: People, table: str) -> None:
    further = {"smallapp_keyed": "k", "smallapp_sched": "slot", "smallapp_counter": "day n"}.get(table, "")
    rows = [[letter, *[1] * len(further.split())] for letter in "STX"]
    entry = put(people, table, *rows, columns=f"owner {further}")
    change(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD changes int DEFAULT 0")
    meddle(table, "BEFORE INSERT OR UPDATE", "NEW.changes := NEW.changes + 1; RETURN NEW;")
    ran = run(people, entry)
    left = {row["id"]: row["changes"] for row in ran.world[table]}
    moved = {"smallapp_plain": {1: 1, 2: 0}, "smallapp_keyed": {2: 0}, "smallapp_sched": {1: 1}}
    assert left == {**moved.get(table, {2: 1}), 3: 0}
    assert set(owners(people, ran, table).values()) == {"T", "X"}


@pytest.mark.parametrize(("enabled", "fires"), [("ALWAYS", True), ("REPLICA", False)])
def test_triggers_that_are_enabled_otherwise(people: People, enabled: str, fires: bool) -> None:
    plain = put(people, "smallapp_plain", "S")
    meddle("smallapp_plain", "BEFORE UPDATE", "RETURN NULL;")
    change(f"ALTER TABLE smallapp_plain ENABLE {enabled} TRIGGER meddler")
    if fires:
        assert "trigger meddler on smallapp_plain" in refused(people, plain)
    else:
        assert owners(people, run(people, plain), "smallapp_plain") == {1: "T"}


@pytest.mark.parametrize(("enabled", "fires"), [("", False), ("REPLICA", True)])
def test_a_session_that_runs_as_a_replica(people: People, enabled: str, fires: bool) -> None:
    plain = put(people, "smallapp_plain", "S")
    meddle("smallapp_plain", "BEFORE UPDATE", "RETURN NULL;")
    change(f"ALTER TABLE smallapp_plain ENABLE {enabled} TRIGGER meddler")
    change("SET LOCAL session_replication_role = replica")
    if fires:
        assert "1 source records, but 0 moved" in refused(people, plain)
        assert any("the trigger meddler" in message for message in warnings_at_start())
    else:
        assert owners(people, run(people, plain), "smallapp_plain") == {1: "T"}
        assert not any("the trigger meddler" in message for message in warnings_at_start())


def test_a_trigger_that_changes_more_in_a_session_that_runs_as_a_replica(people: People) -> None:
    """The journal then has the other column too, and not only the owner."""
    plain = put(people, "smallapp_plain", ("S", 1), columns="owner v")
    meddle("smallapp_plain", "BEFORE UPDATE", "NEW.v := 2; RETURN NEW;")
    change("ALTER TABLE smallapp_plain ENABLE REPLICA TRIGGER meddler")
    change("SET LOCAL session_replication_role = replica")
    before = rows_as_text([plain])
    ran = run(people, plain)
    change("ALTER TABLE smallapp_plain DISABLE TRIGGER meddler")
    restore(ran.transfer_id)
    assert rows_as_text([plain]) == before


def test_a_trigger_for_each_statement_that_deletes(people: People) -> None:
    plain = put(people, "smallapp_plain", "S", "X")
    body = "DELETE FROM smallapp_plain WHERE id = 2; RETURN NULL;"
    meddle("smallapp_plain", "BEFORE UPDATE", body, each="STATEMENT")
    assert "were deleted by something other" in refused(people, plain)


def test_transition_tables(people: People) -> None:
    change("""
        CREATE TABLE history (was bigint, is_now bigint); GRANT ALL ON history TO PUBLIC;
        CREATE FUNCTION record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO history SELECT o.owner_id, n.owner_id FROM before AS o JOIN after AS n USING (id);
            RETURN NULL;
        END $$;
        CREATE TRIGGER record AFTER UPDATE ON smallapp_plain REFERENCING OLD TABLE AS before NEW TABLE AS after
            FOR EACH STATEMENT EXECUTE FUNCTION record();
    """)
    plain = put(people, "smallapp_plain", "S", "X", "S")
    run(people, plain)
    moves = running.query("SELECT was || ' ' || is_now FROM {}", "history")
    assert moves == [f"{people['S'].pk} {people['T'].pk}"] * 2


def test_an_event_trigger_that_forbids_tables_stops_the_start(people: People) -> None:
    """The engine notes the pairs in temporary tables."""
    plain = put(people, "smallapp_plain", "S")
    change("""
        CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'frozen'; END $$;
        CREATE EVENT TRIGGER forbid ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION forbid();
    """)
    assert "frozen" in failure(people, plain)
    with pytest.raises(DatabaseError, match="frozen"):
        run_checks(databases=["default"])


# --- What a trigger does ---------------------------------------------------------------------------------------------


def test_a_trigger_that_empties_a_table(people: People) -> None:
    change("CREATE TABLE diary (id bigint); INSERT INTO diary VALUES (1), (2); GRANT ALL ON diary TO PUBLIC")
    plain = put(people, "smallapp_plain", "S")
    meddle("smallapp_plain", "AFTER UPDATE", "TRUNCATE diary; RETURN NULL;")
    assert "diary" in refused(people, plain)


def test_a_trigger_that_drops_a_table(people: People) -> None:
    change("CREATE TABLE diary (id bigint); INSERT INTO diary VALUES (1), (2); GRANT ALL ON diary TO PUBLIC")
    plain = put(people, "smallapp_plain", "S")
    meddle("smallapp_plain", "AFTER UPDATE", "DROP TABLE IF EXISTS diary; RETURN NULL;")
    change("ALTER FUNCTION meddle() SECURITY DEFINER")
    refused(people, plain)


def test_a_trigger_that_takes_its_deletion_back(people: People) -> None:
    """PostgreSQL counts rows as deleted although the deletion was rolled back."""
    change("CREATE TABLE diary (id bigint); INSERT INTO diary VALUES (1), (2); GRANT ALL ON diary TO PUBLIC")
    plain = put(people, "smallapp_plain", "S")
    body = "BEGIN DELETE FROM diary; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END; RETURN NULL;"
    meddle("smallapp_plain", "AFTER UPDATE", body)
    assert "2 records of diary were deleted by something other" in refused(people, plain)


def test_a_trigger_that_renumbers_the_rows_that_are_left(people: People) -> None:
    change("DROP INDEX keyed_once; CREATE UNIQUE INDEX keyed_once ON smallapp_keyed (owner_id, k)")
    keyed = put(people, "smallapp_keyed", "S1", "T1", "S2", columns="owner k")
    renumber = "UPDATE smallapp_keyed SET v = v + 1 WHERE owner_id = OLD.owner_id; RETURN NULL;"
    meddle("smallapp_keyed", "AFTER DELETE", renumber)
    assert "but" in refused(people, keyed)


def test_a_trigger_that_skips_updates_without_a_change(people: People) -> None:
    counter = put(people, "smallapp_counter", ("S", 1, 0), ("T", 1, 5), ("S", 2, 1), columns="owner day n")
    change("""
        CREATE TRIGGER z_min BEFORE UPDATE ON smallapp_counter
            FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
    """)
    ran = run(people, counter)
    assert owners(people, ran, "smallapp_counter") == {2: "T", 3: "T"}


def test_a_large_object_that_is_deleted_with_its_row(people: People) -> None:
    """The kept row still has its number."""
    change("""
        CREATE EXTENSION lo;
        ALTER TABLE smallapp_sched ADD scan lo;
        CREATE TRIGGER scan BEFORE UPDATE OR DELETE ON smallapp_sched FOR EACH ROW EXECUTE FUNCTION lo_manage(scan);
    """)
    sched = put(people, "smallapp_sched", "S1", "T2", columns="owner slot")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE smallapp_sched SET scan = lo_from_bytea(0, 'a scan') RETURNING scan")
    assert large_objects() == 2
    ran = run(people, sched)
    assert large_objects() == 1
    assert [row.row["scan"] is not None for row in ran.discarded] == [True]


def large_objects() -> int:
    return len(running.query("SELECT oid FROM {}", "pg_largeobject_metadata"))


def test_rows_that_a_trigger_updates_in_a_table_of_a_data_type(people: People) -> None:
    plain = put(people, "smallapp_plain", "S", "X")
    meddle("smallapp_plain", "AFTER UPDATE", "UPDATE smallapp_plain SET v = 5 WHERE v <> 5; RETURN NULL;")
    assert "records of smallapp_plain were changed by something other" in refused(people, plain)


def test_a_time_of_change_is_that_of_the_undo(people: People) -> None:
    """The trigger fires for the undo too, and writes its own value."""
    keyed = put(people, "smallapp_keyed", "S1", columns="owner k")
    meddle("smallapp_keyed", "BEFORE UPDATE", "NEW.v := OLD.v + 1; RETURN NEW;")
    restore(run(people, keyed).transfer_id)
    [row] = running.rows_of("smallapp_keyed")
    assert (row["owner_id"], row["v"]) == (people["S"].pk, 2)


# --- Partitions ------------------------------------------------------------------------------------------------------


def test_a_target_without_a_partition(people: People) -> None:
    partition("smallapp_plain", "LIST (owner_id)", f"FOR VALUES IN ({people['S'].pk})")
    plain = put(people, "smallapp_plain", "S")
    assert 'no partition of relation "smallapp_plain" found' in failure(people, plain)


def test_partitions_of_partitions_and_one_attached_later(people: People) -> None:
    partition("smallapp_sched", "LIST (slot)", "FOR VALUES IN (1) PARTITION BY HASH (owner_id)")
    for n in range(5):
        change(
            f"CREATE TABLE low_{n} PARTITION OF smallapp_sched_0 FOR VALUES WITH (MODULUS 5, REMAINDER {n})"
        )
    change("""
        CREATE TABLE late (v int NOT NULL, gone text, slot int NOT NULL, owner_id bigint NOT NULL, id bigint NOT NULL);
        ALTER TABLE late DROP gone;
        ALTER TABLE smallapp_sched ATTACH PARTITION late DEFAULT;
    """)
    sched = put(people, "smallapp_sched", "S1", "S2", "T1", "T2", "T3", "X1", "X2", columns="owner slot")
    before = rows_as_text([sched])
    ran = run(people, sched)
    assert owners(people, ran, "smallapp_sched") == {1: "T", 2: "T", 6: "X", 7: "X"}
    assert sorted(row.row["slot"] for row in ran.discarded) == [1, 2, 3]
    assert {row.row["v"] for row in ran.discarded} == {0}
    [pair, _] = running.undo_all(ran.transfer_id, leave_changed=True)
    assert pair.counts["smallapp.sched"] == {"restored": 3, "left": 2, "stays": 2}
    assert len(rows_as_text([sched])["smallapp_sched"]) == len(before["smallapp_sched"])


def by_owner(people: People) -> tuple[str, ...]:
    return ("LIST (owner_id)", f"FOR VALUES IN ({people['S'].pk})", "DEFAULT")


def test_a_trigger_that_drops_rows_that_come_to_a_partition(people: People) -> None:
    partition("smallapp_plain", *by_owner(people))
    plain = put(people, "smallapp_plain", "S", "X")
    meddle("smallapp_plain", "BEFORE INSERT", "RETURN NULL;")
    refused(people, plain)


def test_a_trigger_that_changes_rows_that_come_to_a_partition(people: People) -> None:
    """An update that moves a row to another partition inserts it there, which fires triggers on INSERT."""
    partition("smallapp_keyed", *by_owner(people))
    change("ALTER TABLE smallapp_keyed ADD PRIMARY KEY (id, owner_id)")
    keyed = put(people, "smallapp_keyed", "S1", "S2", "S3", "X1", columns="owner k")
    before = rows_as_text([keyed])
    meddle("smallapp_keyed", "BEFORE INSERT", "NEW.v := 5; RETURN NEW;")
    ran = run(people, keyed)
    change("DROP TRIGGER meddler ON smallapp_keyed")
    restore(ran.transfer_id)
    assert rows_as_text([keyed]) == before


@pytest.mark.parametrize(
    "body",
    [
        "UPDATE smallapp_plain SET v = 5 WHERE id = 2 AND v = 0;",
        "DELETE FROM smallapp_plain WHERE id = 2 AND NEW.id = 1;"
        " INSERT INTO smallapp_plain SELECT 3, {x}, 0 WHERE NEW.id = 1;",
    ],
    ids=["updated", "replaced"],
)
def test_rows_of_another_user_that_a_trigger_changes_in_a_partitioned_table(
    people: People, body: str
) -> None:
    """The moved row changes its partition, which PostgreSQL counts as a deletion and an insertion."""
    partition("smallapp_plain", *by_owner(people))
    plain = put(people, "smallapp_plain", "S", "X")
    meddle("smallapp_plain", "AFTER INSERT", f"{body.format(x=people['X'].pk)} RETURN NULL;")
    assert "1 records of smallapp_plain were changed by something other" in refused(people, plain)


@pytest.fixture
def keyed_of_partition(people: People) -> Iterator[DataType]:
    """A type for a single partition."""
    partition("smallapp_keyed", "LIST (v)", "FOR VALUES IN (0)")
    change("GRANT ALL ON smallapp_keyed_0 TO PUBLIC; ALTER TABLE smallapp_keyed_0 ADD PRIMARY KEY (id)")
    keyed = put(people, "smallapp_keyed", "S1", "X2", columns="owner k")
    with patch.object(keyed.model._meta, "db_table", "smallapp_keyed_0"):
        yield keyed


def test_a_row_of_another_user_that_a_trigger_changes_in_a_partition(
    people: People, keyed_of_partition: DataType
) -> None:
    update = "UPDATE smallapp_keyed_0 SET k = 9 WHERE id = 2 AND k = 2; RETURN NULL;"
    meddle("smallapp_keyed_0", "AFTER UPDATE", update)
    message = refused(people, keyed_of_partition)
    assert "1 records of smallapp_keyed were changed by something other" in message


def test_a_partition_with_a_type_of_its_own_is_restored(people: People, keyed_of_partition: DataType) -> None:
    before = rows_as_text([keyed_of_partition])
    restore(run(people, keyed_of_partition).transfer_id)
    assert rows_as_text([keyed_of_partition]) == before


def test_rows_that_a_trigger_adds_to_a_partitioned_table_during_an_undo(people: People) -> None:
    partition("smallapp_keyed", *by_owner(people))
    change("ALTER TABLE smallapp_keyed ADD PRIMARY KEY (id, owner_id)")
    keyed = put(people, "smallapp_keyed", "S1", "X1", columns="owner k")
    ran = run(people, keyed)
    more = f"INSERT INTO smallapp_keyed (id, owner_id, k, v) VALUES (7, {people['X'].pk}, 7, 0);"
    meddle("smallapp_keyed", "AFTER INSERT", f"IF NEW.id = 1 THEN {more} END IF; RETURN NULL;")
    with pytest.raises(TotalsMismatch, match="1 records were added to smallapp_keyed"):
        running.undo_all(ran.transfer_id)


# --- Inheritance -----------------------------------------------------------------------------------------------------


def test_a_table_with_heirs_is_refused(people: People) -> None:
    change("CREATE TABLE heir (more text) INHERITS (smallapp_plain); GRANT ALL ON heir TO PUBLIC")
    plain = put(people, "smallapp_plain", "S")
    with running.only(plain), pytest.raises(CannotCompile, match="other tables inherit from smallapp_plain"):
        running.run_pairs(people.by, people.pairs, [plain])
