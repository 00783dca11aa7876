"""Declarations that do not fit the database are refused at start-up, and by the engine before it changes anything."""

from django.core.checks import run_checks

from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.running import change_tables


def test_a_direct_type_may_be_partitioned(people: People) -> None:
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


def test_a_rename_with_a_key_without_the_name_stops_the_start(db: None) -> None:
    change_tables("CREATE UNIQUE INDEX folder_v ON smallapp_folder (owner_id, v)")
    found = {message.id: message for message in run_checks(databases=["default"])}
    assert "folder_v" in found["transfers.E104"].msg


def test_a_table_that_lacks_a_column_is_left_to_the_migrations(db: None) -> None:
    change_tables("ALTER TABLE smallapp_counter DROP COLUMN n")
    assert "transfers.E104" not in [message.id for message in run_checks(databases=["default"])]
