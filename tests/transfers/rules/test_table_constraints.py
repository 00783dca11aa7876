"""Constraints, column types and storage that a table of another system may have; `docs/tables.md` lists them."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError, connection

from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from tests.transfers.rules.test_exclusion import HOURS
from transfers.rules import DataType


def change(statements: str) -> None:
    running.change_tables(f"SET CONSTRAINTS ALL IMMEDIATE; {statements}")


def put(people: People, table: str, *rows: Sequence[Any], columns: str = "owner") -> DataType:
    """Insert rows, each with the letter of its owner and the values of the further columns."""
    entry = running.type_of(table)
    for number, (letter, *values) in enumerate(rows, start=1):
        owner, *others = columns.split()
        given = {"id": number, owner: people[letter].pk, **dict(zip(others, values, strict=True))}
        running.insert(table, [running.whole_row(entry.model, **given)])
    return entry


def run(people: People, entry: DataType) -> running.Ran:
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    return ran


def owners(people: People, ran: running.Ran, table: str, column: str = "owner_id") -> dict[int, str]:
    letters = {user.pk: letter for letter, user in people.users.items()}
    return {row["id"]: letters[row[column]] for row in ran.world[table]}


def failure(people: People, entry: DataType) -> str:
    """Run the pairs, assert that nothing changed, and return the database's message."""
    before = rows_as_text([entry])
    with running.only(entry), pytest.raises(DatabaseError) as error:
        running.run_pairs(people.by, people.pairs, [entry])
    assert rows_as_text([entry]) == before
    return str(error.value)


# --- Check and NOT NULL constraints ----------------------------------------------------------------------------------


def test_rows_that_violate_a_constraint_that_is_not_validated(people: People) -> None:
    plain = put(people, "smallapp_plain", "S")
    change("ALTER TABLE smallapp_plain ADD CONSTRAINT later CHECK (v > 0) NOT VALID")
    assert 'violates check constraint "later"' in failure(people, plain)


def test_rows_without_a_value_that_is_required_of_new_rows(people: People) -> None:
    keyed = put(people, "smallapp_keyed", "S")
    change("ALTER TABLE smallapp_keyed ADD CONSTRAINT k_known NOT NULL k NOT VALID")
    assert 'null value in column "k"' in failure(people, keyed)


def test_a_check_that_is_not_enforced(people: People) -> None:
    plain = put(people, "smallapp_plain", "S")
    change("ALTER TABLE smallapp_plain ADD CONSTRAINT later CHECK (v > 0) NOT ENFORCED")
    assert owners(people, run(people, plain), "smallapp_plain") == {1: "T"}


# --- Keys ------------------------------------------------------------------------------------------------------------

KEYS = {
    "deferred": "ADD CONSTRAINT once UNIQUE (owner_id, k) DEFERRABLE INITIALLY DEFERRED",
    "including another column": "ADD CONSTRAINT once UNIQUE (owner_id, k) INCLUDE (v)",
    "named with a percent sign": 'ADD CONSTRAINT "50%s {k}" UNIQUE (owner_id, k)',
}
INDEXES = {
    "expression with a percent sign": "(owner_id, (k % 10))",
    "condition with a percent sign": "(owner_id, k) WHERE k % 2 = 1",
    "condition with braces": "(owner_id, k) WHERE v <> ALL ('{7}'::int[])",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_unique_constraint(people: People, key: str) -> None:
    assert_one_is_dropped(people, f"ALTER TABLE smallapp_keyed {key}")


@pytest.mark.parametrize("key", INDEXES.values(), ids=INDEXES)
def test_a_unique_index(people: People, key: str) -> None:
    assert_one_is_dropped(people, f"CREATE UNIQUE INDEX once ON smallapp_keyed {key}")


def assert_one_is_dropped(people: People, key: str) -> None:
    change(f"DROP INDEX keyed_once; {key}")
    keyed = put(people, "smallapp_keyed", "S1", "T1", "S3", "X3", columns="owner k")
    assert owners(people, run(people, keyed), "smallapp_keyed") == {2: "T", 3: "T", 4: "X"}


def test_an_index_that_was_not_built_completely_still_refuses_rows(people: People) -> None:
    """As `CREATE UNIQUE INDEX CONCURRENTLY` leaves it if it fails."""
    plain = put(people, "smallapp_plain", "S", "T")
    change("CREATE UNIQUE INDEX half ON smallapp_plain (owner_id, v)")
    change("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'half'::regclass")
    assert 'violates unique constraint "half"' in failure(people, plain)


@pytest.mark.parametrize("key", ["UNIQUE", "PRIMARY KEY"])
def test_a_key_without_overlaps(people: People, key: str) -> None:
    change(f"""
        CREATE EXTENSION btree_gist;
        DROP INDEX keyed_once;
        ALTER TABLE smallapp_keyed DROP CONSTRAINT smallapp_keyed_pkey,
            ADD during int4range GENERATED ALWAYS AS (int4range(k, v)) STORED,
            ADD CONSTRAINT apart {key} (owner_id, during WITHOUT OVERLAPS);
    """)
    keyed = put(people, "smallapp_keyed", *HOURS, columns="owner k v")
    ran = run(people, keyed)
    assert owners(people, ran, "smallapp_keyed") == {2: "T", 4: "T", 5: "T", 6: "T", 7: "X"}


# --- Foreign keys of the owner ---------------------------------------------------------------------------------------

SEATED = "ALTER TABLE smallapp_plain ADD CONSTRAINT seated FOREIGN KEY (owner_id, v) REFERENCES seat"


@pytest.mark.parametrize("how", ["", "MATCH FULL", "DEFERRABLE INITIALLY DEFERRED", "NOT VALID"])
def test_a_foreign_key_that_holds_the_owner(people: People, how: str) -> None:
    s, t = people["S"].pk, people["T"].pk
    change(f"""
        CREATE TABLE seat (owner_id bigint, v integer, PRIMARY KEY (owner_id, v));
        INSERT INTO seat VALUES ({s}, 0); {SEATED} {how}
    """)
    plain = put(people, "smallapp_plain", "S")
    assert 'violates foreign key constraint "seated"' in failure(people, plain)
    change(f"INSERT INTO seat VALUES ({t}, 0)")
    assert owners(people, run(people, plain), "smallapp_plain") == {1: "T"}


def test_a_foreign_key_that_is_not_enforced(people: People) -> None:
    change(
        f"CREATE TABLE seat (owner_id bigint, v integer, PRIMARY KEY (owner_id, v)); {SEATED} NOT ENFORCED"
    )
    plain = put(people, "smallapp_plain", "S")
    assert owners(people, run(people, plain), "smallapp_plain") == {1: "T"}


# --- Generated and identity columns ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["STORED", "VIRTUAL"])
def test_generated_columns_of_deleted_rows(people: People, kind: str) -> None:
    change(f"ALTER TABLE smallapp_sched ADD twice bigint GENERATED ALWAYS AS (owner_id * 2 + slot) {kind}")
    sched = put(people, "smallapp_sched", "S1", "T2", "X3", columns="owner slot")
    before = rows_as_text([sched])
    ran = run(people, sched)
    assert [row.row["twice"] for row in ran.discarded] == [people["T"].pk * 2 + 2]
    restore(ran.transfer_id)
    assert rows_as_text([sched]) == before


def test_a_virtual_generated_column_as_owner_stops_the_start(db: None) -> None:
    change("""
        ALTER TABLE smallapp_plain DROP COLUMN owner_id;
        ALTER TABLE smallapp_plain ADD owner_id bigint GENERATED ALWAYS AS (v * 2) VIRTUAL;
    """)
    assert "owner_id is a generated column" in refusal("transfers.E104")


def test_an_identity_column_as_owner_stops_the_start(db: None) -> None:
    change("ALTER TABLE smallapp_plain ALTER owner_id ADD GENERATED ALWAYS AS IDENTITY")
    assert "can only be updated to DEFAULT" in refusal("transfers.E105")


def refusal(message_id: str) -> str:
    [found] = [message.msg for message in run_checks(databases=["default"]) if message.id == message_id]
    return str(found)


def test_identity_columns_keep_their_values(people: People) -> None:
    sched = put(people, "smallapp_sched", "S1", "T2", "X3", columns="owner slot")
    change("""
        ALTER TABLE smallapp_sched ALTER id DROP IDENTITY IF EXISTS;
        ALTER TABLE smallapp_sched ALTER id ADD GENERATED ALWAYS AS IDENTITY
    """)
    before = rows_as_text([sched])
    ran = run(people, sched)
    assert owners(people, ran, "smallapp_sched") == {1: "T", 3: "X"}
    restore(ran.transfer_id)
    assert rows_as_text([sched]) == before


# --- Types -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["smallapp_plain", "smallapp_keyed", "smallapp_sched", "smallapp_counter"])
def test_an_owner_of_a_domain(people: People, table: str) -> None:
    change(
        f"CREATE DOMAIN user_no AS bigint CHECK (value > 0); ALTER TABLE {table} ALTER owner_id TYPE user_no"
    )
    further = {"smallapp_sched": " slot", "smallapp_counter": " day n"}.get(table, "")
    rows = [[letter, *[1] * len(further.split())] for letter in "SX"]
    entry = put(people, table, *rows, columns=f"owner{further}")
    assert owners(people, run(people, entry), table) == {1: "T", 2: "X"}


def test_a_domain_that_refuses_the_target(people: People) -> None:
    plain = put(people, "smallapp_plain", "S")
    change(f"CREATE DOMAIN user_no AS bigint CONSTRAINT allowed CHECK (value <> {people['T'].pk})")
    change("ALTER TABLE smallapp_plain ALTER owner_id TYPE user_no")
    assert 'violates check constraint "allowed"' in failure(people, plain)


def test_a_ranking_by_an_enum(people: People) -> None:
    change("CREATE TYPE metal AS ENUM ('bronze', 'silver', 'gold')")
    change("ALTER TABLE smallapp_ranked ALTER level TYPE metal USING level::metal")
    rows = ("S", 1, "gold"), ("T", 1, "silver"), ("S", 2, None), ("T", 2, "bronze")
    ranked = put(people, "smallapp_ranked", *rows, columns="owner k level")
    assert owners(people, run(people, ranked), "smallapp_ranked") == {1: "T", 4: "T"}


KIND = (
    "CREATE TYPE kinds AS ENUM ({}); ALTER TABLE smallapp_attachment ALTER kind TYPE kinds USING kind::kinds"
)


def test_a_kind_that_an_enum_lacks_stops_the_start(db: None) -> None:
    change(KIND.format("'team'"))
    assert "invalid input value for enum kinds" in refusal("transfers.E105")


def test_a_kind_of_an_enum(people: People) -> None:
    change(KIND.format("'team', 'user'"))
    rows = ("S", "user", "a"), ("T", "user", "a"), ("S", "team", "a"), ("S", "user", "b")
    attachment = put(people, "smallapp_attachment", *rows, columns="object_id kind name")
    left = owners(people, run(people, attachment), "smallapp_attachment", "object_id")
    assert left == {2: "T", 3: "S", 4: "T"}


VALUES = {
    "range": ("int4range", "[1,5)"),
    "multirange": ("int4multirange", "{[1,2),[3,4)}"),
    "array": ("text[]", '{"a%s","b{}"}'),
    "composite": ("spot", '("a, b",3)'),
    "enum": ("metal", "gold"),
    "domain": ("name_of", "a ' b"),
    "jsonb": ("jsonb", '{"a": [1, 2.0]}'),
    "numeric": ("numeric", "1.0"),
    "interval": ("interval", "24:00:00"),
}


@pytest.mark.parametrize(("of_type", "value"), VALUES.values(), ids=VALUES)
def test_a_key_with_a_value_of_any_type(people: People, of_type: str, value: str) -> None:
    change("""
        CREATE TYPE spot AS (street text, number integer); CREATE TYPE metal AS ENUM ('gold');
        CREATE DOMAIN name_of AS text;
    """)
    keyed = put(people, "smallapp_keyed", "S1", "T2", "X3", columns="owner k")
    with connection.cursor() as cursor:
        change(f"ALTER TABLE smallapp_keyed ADD place {of_type}")
        cursor.execute("UPDATE smallapp_keyed SET place = %s", [value])
        change("CREATE UNIQUE INDEX place_once ON smallapp_keyed (owner_id, place)")
    assert owners(people, run(people, keyed), "smallapp_keyed") == {2: "T", 3: "X"}


def test_a_document_that_cannot_be_searched_stops_the_start(db: None) -> None:
    change("ALTER TABLE smallapp_subscription ALTER document TYPE json")
    assert "json" in refusal("transfers.E105")


def test_large_values_of_deleted_rows_are_kept(people: People) -> None:
    change("ALTER TABLE smallapp_sched ADD scan text, ALTER scan SET STORAGE EXTERNAL")
    sched = put(people, "smallapp_sched", "S1", "T2", columns="owner slot")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE smallapp_sched SET scan = repeat('0123456789abcdef', 300000)")
    before = rows_as_text([sched])
    ran = run(people, sched)
    restore(ran.transfer_id)
    assert rows_as_text([sched]) == before


# --- Names -----------------------------------------------------------------------------------------------------------

# Names that the engine's own statements use, and others that have a meaning to SQL, to psycopg or to Python.
NAMES = (
    *(
        "pair",
        "source",
        "target",
        "what",
        "key",
        "before",
        "after",
        "row",
        "relation",
        "outcome",
        "winner",
        "type",
    ),
    *(
        "n",
        "r",
        "p",
        "w",
        "new",
        "old",
        "select",
        "A b",
        'say ""hi""',
        "50%",
        "%s",
        "%(x)s",
        "{0}",
        "{}",
        "ä",
    ),
)


@pytest.mark.parametrize(
    "table", ["smallapp_plain", "smallapp_keyed", "smallapp_sched", "smallapp_counter", "smallapp_folder"]
)
def test_columns_with_unusual_names(people: People, table: str) -> None:
    added = ", ".join(f'ADD "{name}" integer DEFAULT 7' for name in NAMES)
    change(f"ALTER TABLE {table} {added}")
    further = {
        "smallapp_keyed": (" k", 1),
        "smallapp_sched": (" slot", 1),
        "smallapp_counter": (" day n", 1, 1),
        "smallapp_folder": (" name", "box"),
    }.get(table, ("",))
    entry = put(people, table, *([letter, *further[1:]] for letter in "STX"), columns=f"owner{further[0]}")
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE {table} SET "50%%" = 8, "pair" = 8, "row" = 8, "{{}}" = 8 WHERE id > %s', [0])
    if table in ("smallapp_keyed", "smallapp_folder"):
        change(f"DROP INDEX {table.removeprefix('smallapp_')}_once")
        last = "name" if table == "smallapp_folder" else "k"
        change(
            f'CREATE UNIQUE INDEX odd ON {table} (owner_id, "50%", "pair", "row", "{{}}", {last}) WHERE "%s" = 7'
        )
    ran = run(people, entry)
    left = ran.world[table]
    assert {(row["50%"], row["pair"], row["source"], row["%s"]) for row in left} == {(8, 8, 7, 7)}
    assert len(left) == (3 if table in ("smallapp_plain", "smallapp_folder") else 2)


# --- Storage ---------------------------------------------------------------------------------------------------------


def test_an_unlogged_table(people: People) -> None:
    change("ALTER TABLE smallapp_sched SET UNLOGGED")
    sched = put(people, "smallapp_sched", "S1", "T2", "X3", columns="owner slot")
    assert owners(people, run(people, sched), "smallapp_sched") == {1: "T", 3: "X"}


def test_views_of_the_table_show_the_result(people: People) -> None:
    plain = put(people, "smallapp_plain", "S")
    change("""
        CREATE VIEW seen WITH (security_barrier) AS SELECT * FROM smallapp_plain;
        CREATE MATERIALIZED VIEW stored AS SELECT * FROM smallapp_plain;
    """)
    run(people, plain)
    with connection.cursor() as cursor:
        for view, refresh, letter in (("seen", "", "T"), ("stored", "", "S"), ("stored", "REFRESH", "T")):
            if refresh:
                change("REFRESH MATERIALIZED VIEW stored")
            change(f"GRANT SELECT ON {view} TO PUBLIC")
            cursor.execute(f"SELECT owner_id FROM {view}")
            assert cursor.fetchall() == [(people[letter].pk,)]


def test_a_publication_with_a_row_filter_outside_of_the_replica_identity(people: People) -> None:
    plain = put(people, "smallapp_plain", "S")
    change("CREATE PUBLICATION some FOR TABLE smallapp_plain WHERE (v > 0)")
    assert "cannot update table" in failure(people, plain)
