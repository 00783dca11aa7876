"""Constraints that a table of another system may have, and how it is stored; `docs/tables.md` lists them."""

from collections.abc import Iterator

import pytest
from django.db import connection, models
from pytest_django import DjangoDbBlocker

from accounts.models import User
from tests.transfers.rules.featured import change, failure, model_of, owners, put, run, to
from tests.transfers.rules.people import People
from tests.transfers.rules.running import insert
from tests.transfers.rules.test_exclusion import HOURS
from transfers.rules import Child, Column, Combine, DataType, KeepTarget

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


def test_a_key_that_contains_the_primary_key(people: People) -> None:
    """No two rows can conflict, so the type needs no policy."""
    change("CREATE UNIQUE INDEX once ON smallapp_plain (owner_id, id)")
    plain = put(people, "smallapp_plain", "S", "T")
    assert owners(people, run(people, plain), "smallapp_plain") == {1: "T", 2: "T"}


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
    change("CREATE PUBLICATION positive FOR TABLE smallapp_plain WHERE (v > 0)")
    assert "cannot update table" in failure(people, plain)


# --- Tablespaces -----------------------------------------------------------------------------------------------------


@pytest.fixture
def tablespace(django_db_blocker: DjangoDbBlocker, django_db_setup: None) -> Iterator[None]:
    """PostgreSQL creates tablespaces outside of transactions only."""
    with (
        django_db_blocker.unblock(),
        connection.Database.connect(
            **connection.get_connection_params() | {"options": "", "autocommit": True}
        ) as other,
    ):
        other.execute("SET allow_in_place_tablespaces = on")
        other.execute("CREATE TABLESPACE elsewhere LOCATION ''")
        yield
        other.execute("DROP TABLESPACE elsewhere")


@pytest.mark.django_db(transaction=True)
def test_a_table_in_another_tablespace(tablespace: None) -> None:
    people = People()
    plain = put(people, "smallapp_plain", "S")
    change("ALTER TABLE smallapp_plain SET TABLESPACE elsewhere")
    assert owners(people, run(people, plain), "smallapp_plain") == {1: "T"}
    change("ALTER TABLE smallapp_plain SET TABLESPACE pg_default")


def test_a_child_with_a_composite_foreign_key_whose_kept_parent_differs(people: People) -> None:
    """The child keeps its region, and the kept parent has another one."""
    change("""
        CREATE TABLE dossier (id bigint PRIMARY KEY, owner_id bigint UNIQUE, region text, UNIQUE (id, region));
        CREATE TABLE remark (id bigint PRIMARY KEY, dossier_id bigint, region text,
            FOREIGN KEY (dossier_id, region) REFERENCES dossier (id, region));
    """)
    dossier = model_of(
        "dossier", id=models.BigIntegerField(primary_key=True), owner=to(User), region=models.TextField()
    )
    remark = model_of("remark", dossier=to(dossier), region=models.TextField())
    children = (Child(remark, "dossier"),)
    entry = DataType(
        "Dossiers", dossier, (Column("owner"),), Combine(KeepTarget()), "Dossiers.", children=children
    )
    owners = [people["S"].pk, people["T"].pk]
    insert("dossier", [{"id": n, "owner_id": owner, "region": f"{n}"} for n, owner in enumerate(owners)])
    insert("remark", [{"id": 1, "dossier_id": 0, "region": "0"}])
    assert "remark_dossier_id_region_fkey" in failure(people, entry)
