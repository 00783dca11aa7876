"""Declarations that do not fit the database: refused at the start, and by the engine before it changes anything."""

import pytest
from django.core.checks import run_checks

from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.running import change_tables
from transfers.engine.fitting import CannotCompile

PARTITIONED = """
DROP TABLE "other_system records";
CREATE TABLE "other_system records" (
    rec_no bigint NOT NULL, "AGENT_NO" bigint NOT NULL, code varchar(10) NOT NULL, UNIQUE ("AGENT_NO", code)
) PARTITION BY LIST (code);
CREATE TABLE other_a PARTITION OF "other_system records" FOR VALUES IN ('a');
CREATE TABLE other_b PARTITION OF "other_system records" FOR VALUES IN ('b');
"""


@pytest.fixture
def partitioned(db: None) -> None:
    change_tables(PARTITIONED)


def test_a_bystander_at_the_same_place_of_another_partition_is_not_touched(
    people: People, partitioned: None
) -> None:
    lines = [("S", "a"), ("T", "a"), ("X", "b")]
    rows = [{"rec_no": n, "AGENT_NO": people[who].pk, "code": code} for n, (who, code) in enumerate(lines, 1)]
    running.insert("other_system records", rows)
    entry = running.type_of("other_system records")
    with running.only(entry), pytest.raises(CannotCompile) as refusal:
        running.run_pairs(people.by, people.pairs, [entry])
    assert refusal.value.data_type == entry.key
    assert len(running.rows_of("other_system records")) == 3


def test_it_stops_the_start(partitioned: None) -> None:
    found = {message.id: message for message in run_checks(databases=["default"])}
    assert "other_system records" in found["transfers.E104"].msg


def test_a_partitioned_table_below_rows_that_can_clash_stops_the_start(db: None) -> None:
    change_tables("""
        DROP TABLE smallapp_casepage;
        CREATE TABLE smallapp_casepage (id bigint, file_id bigint) PARTITION BY LIST (id);
    """)
    found = [message.msg for message in run_checks(databases=["default"]) if message.id == "transfers.E104"]
    assert found == ["Small Case: smallapp_casepage is no single table, and its rows can clash."]


def test_a_type_whose_rows_cannot_clash_may_be_partitioned(people: People) -> None:
    change_tables("""
        DROP TABLE smallapp_login;
        CREATE TABLE smallapp_login (id bigint, tenant_id bigint, username varchar(254), at integer)
            PARTITION BY LIST (at);
        CREATE TABLE login_1 PARTITION OF smallapp_login FOR VALUES IN (1);
        CREATE TABLE login_2 PARTITION OF smallapp_login FOR VALUES IN (2);
    """)
    lines = [("S", 1), ("X", 1), ("X", 2)]
    names = {who: {"tenant_id": people.here.pk, "username": people[who].username} for who in "SX"}
    rows = [{"id": n, "at": at, **names[who]} for n, (who, at) in enumerate(lines, 1)]
    running.insert("smallapp_login", rows)
    entry = running.type_of("smallapp_login")
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert [row["username"] for row in ran.world["smallapp_login"]] == ["login-T", "login-X", "login-X"]
    assert "transfers.E104" not in [message.id for message in run_checks(databases=["default"])]


def test_a_key_that_no_new_name_gets_out_of_the_way_stops_the_start(db: None) -> None:
    change_tables("CREATE UNIQUE INDEX folder_v ON smallapp_folder (owner_id, v)")
    found = {message.id: message for message in run_checks(databases=["default"])}
    assert "folder_v" in found["transfers.E104"].msg


def test_a_table_that_is_still_to_be_migrated_is_left_to_the_migrations(db: None) -> None:
    change_tables("ALTER TABLE smallapp_counter DROP COLUMN n")
    assert "transfers.E104" not in [message.id for message in run_checks(databases=["default"])]
